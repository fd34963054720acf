//! What is known before the server's process exists: the tables, the room that they need, what the canary will try.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use abi::{Entry, NO_RULE, flags};
use policy::plan::{AbsolutePath, LimitsPlan, OnViolation};
use policy::{Plan, Support};

use super::place::Place;
use crate::bpf::{Bait, BtfError, Options, Probe, Sizes};
use crate::cgroup::{Group, GroupError, GroupId};
use crate::egress::Doors;
use crate::encode::{self, EncodeError, Implied, LookUpError, Object, Purpose, Tables};

/// Why there are no orders for the enclosure.
#[derive(Debug, thiserror::Error)]
pub enum EncloseError {
    /// The plan has more than the tables can say.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A grant leads to where the server could have planted it.
    #[error(transparent)]
    LookUp(#[from] LookUpError),
    /// The kernel's type information.
    #[error(transparent)]
    Types(#[from] BtfError),
}

/// Orders for an enclosure.
#[derive(Debug)]
pub(crate) struct Prepared {
    limits: Option<LimitsPlan>,
    pub(super) watch: Option<WatchOrders>,
}

/// Orders for the eBPF layer.
#[derive(Debug)]
pub(super) struct WatchOrders {
    pub(super) probe: Probe,
    pub(super) options: Options,
    pub(super) tables: Tables,
    hooks: bool,
    pub(super) doors: Option<Doors>,
    /// An address that no class may reach.
    unreachable: SocketAddr,
}

/// Room for events until the supervisor reads them, in bytes.
const RING: u32 = 512 * 1024;

impl Prepared {
    /// `None` where neither a control group nor an eBPF program can be had.
    pub(crate) fn of(
        plan: &Plan,
        support: &Support,
        implied: &Implied,
        doors: Option<Doors>,
    ) -> Result<Option<Self>, EncloseError> {
        let watched = support.ebpf.hooks.is_some() || support.ebpf.network;
        let grouped = support.cgroup != policy::CgroupSupport::default() && has_group(&support.cgroup);
        if !watched && !grouped {
            return Ok(None);
        }
        let watch = watched.then(|| WatchOrders::of(plan, support, implied, doors)).transpose()?;
        let limits = grouped.then(|| supported(&plan.limits, support));
        Ok(Some(Self { limits, watch }))
    }

    pub(super) fn group(&self, id: &GroupId) -> Result<Option<Group>, GroupError> {
        self.limits.as_ref().map(|limits| Group::create(id, limits)).transpose()
    }
}

fn has_group(cgroup: &policy::CgroupSupport) -> bool {
    cgroup.identity || cgroup.memory || cgroup.cpu || cgroup.processes
}

/// The limits that this host's groups can hold. The others were reported by `coverage`, and hold as rlimits where they can.
fn supported(limits: &LimitsPlan, support: &Support) -> LimitsPlan {
    let cgroup = &support.cgroup;
    LimitsPlan {
        memory_bytes: limits.memory_bytes.filter(|_| cgroup.memory),
        cpu_millis: limits.cpu_millis.filter(|_| cgroup.cpu),
        max_processes: limits.max_processes.filter(|_| cgroup.processes),
        ..limits.clone()
    }
}

impl WatchOrders {
    fn of(
        plan: &Plan,
        support: &Support,
        implied: &Implied,
        doors: Option<Doors>,
    ) -> Result<Self, EncloseError> {
        let real = encode::look_up(plan, implied)?;
        let tables = encode::encode(plan, implied, &real)?;
        Ok(Self {
            probe: Probe::known(support.ebpf.clone())?,
            options: Options {
                // Another policy may be written down beside this one.
                sizes: Sizes::of(&[&tables, &tables], 1, RING),
                kills_senders: plan.on_violation.network == OnViolation::Kill,
            },
            tables,
            doors,
            hooks: support.ebpf.hooks.is_some(),
            unreachable: unreachable(plan),
        })
    }

    /// What the canary tries, closed in the tables by its own inode.
    pub(super) fn bait(&self, place: Option<&Place>, tables: &mut Tables) -> Bait {
        let place = place.filter(|_| self.hooks);
        tables.objects.extend(place.and_then(bait_entry));
        let name = || place.and_then(Place::bait_name);
        Bait { file: name(), address: Some(self.unreachable), program: name() }
    }
}

/// What closes the bait to every class.
pub(crate) fn bait_entry(place: &Place) -> Option<Object> {
    let entry = Entry { rule: NO_RULE, flags: flags::DECIDES, ..Entry::default() };
    Some(Object { path: AbsolutePath::new(place.bait())?, entry, purpose: Purpose::Deny })
}

/// An address that no class of a plan may reach, for its canary: a port below 1024 of an address that is kept for
/// documentation (RFC 5737), where the policy allows no such port.
pub fn unreachable(plan: &Plan) -> SocketAddr {
    const DNS: u16 = 53;
    let closed = |port: &u16| *port != DNS && !plan.network.ports.contains(port);
    // A policy that allows every one of them leaves the last one, and the proof will fail and say so.
    let port = (1..1024).find(closed).unwrap_or(9);
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), port)
}

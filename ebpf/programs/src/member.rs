//! The session of a control group, for the programs that stand on it.

use abi::{Policy, Reason, Session, SocketFlow, State, rules_of};
use aya_ebpf::helpers::generated::bpf_ktime_get_boot_ns;
use verdict::Denial;
use verdict::network::Moment;

use crate::maps::{ACTIVE, CGROUPS, POLICIES, SESSIONS, STATES};

/// The session of a control group.
pub(crate) struct Member {
    /// Its slot.
    pub(crate) slot: u32,
    /// How often its policy was changed.
    pub(crate) revision: u32,
    /// The number of the policy that holds.
    pub(crate) rules: u32,
    /// The session.
    pub(crate) session: &'static Session,
    /// The policy.
    pub(crate) policy: &'static Policy,
    /// Its state.
    pub(crate) state: *mut State,
    /// The active classes.
    pub(crate) active: u64,
}

impl Member {
    /// A control group that no session has is a child that a session made: it gets nothing.
    #[inline(always)]
    pub(crate) fn of(cgroup: u64) -> Option<Self> {
        // SAFETY: the value is a number that is read once.
        Self::at(*unsafe { CGROUPS.get(cgroup) }?)
    }

    /// The same where a socket says whose it may be: that needs no look-up by the group.
    #[inline(always)]
    pub(crate) fn of_socket(kept: Option<&SocketFlow>, cgroup: u64) -> Option<Self> {
        match kept.and_then(|kept| Self::at(kept.slot)) {
            Some(member) if member.session.cgroup == cgroup => Some(member),
            _ => Self::of(cgroup),
        }
    }

    #[inline(always)]
    fn at(slot: u32) -> Option<Self> {
        let session = SESSIONS.get(slot)?;
        let state = STATES.get_ptr_mut(slot)?;
        let active = ACTIVE.get_value(slot, &0)?.mask;
        // SAFETY: a map value, read once.
        let revision = unsafe { (&raw const session.revision).read_volatile() };
        let rules = rules_of(slot, revision);
        let policy = POLICIES.get(rules)?;
        Some(Self { slot, revision, rules, session, policy, state, active })
    }

    /// An error for a session that has ended.
    #[inline(always)]
    pub(crate) fn lives(&self) -> Result<(), Denial> {
        // SAFETY: a map value.
        let dead = unsafe { (&raw const (*self.state).dead).read_volatile() };
        if self.session.live == 0 || dead != 0 {
            return Err(Denial::of(Reason::Orphan));
        }
        Ok(())
    }

    /// Now, for this session.
    #[inline(always)]
    pub(crate) fn now(&self) -> Moment {
        Moment { active: self.active, now_ns: now_ns(), session: self.policy.flags }
    }
}

/// `CLOCK_BOOTTIME`: time goes on while the machine sleeps. Linux 5.8.
#[inline(always)]
pub(crate) fn now_ns() -> u64 {
    // SAFETY: the helper has no preconditions.
    unsafe { bpf_ktime_get_boot_ns() }
}

//! Hosts, ports and sockets.
//!
//! Two layers can decide about addresses: programs on the session's control group, and the supervisor itself, which
//! carries out the server's calls (seccomp user notification). Either does it for the whole session; where the first is
//! there the second is not asked. Names are the resolver's, whichever decides.

use super::host::{CARRYING_OUT, Host, kernel_of};
use super::{State, enforced, uncovered};
use crate::plan::{RuleId, Speech, Verify};
use crate::support::Layer;

/// Where names are resolved (RFC 1035 section 4.2).
const DNS: u16 = 53;

impl Host<'_> {
    /// The layer that decides about the session's addresses, if one does.
    pub(super) fn addresses(&self) -> Option<Layer> {
        match (self.packets(), self.carries_out()) {
            (true, _) => Some(Layer::Ebpf),
            (false, true) => Some(Layer::Seccomp),
            (false, false) => None,
        }
    }

    pub(super) fn no_network(&self) -> State {
        match (self.support.seccomp_filter, self.hooks() || self.packets()) {
            (true, true) => enforced(&[Layer::Seccomp, Layer::Ebpf], None),
            (true, false) => enforced(&[Layer::Seccomp], Some("IP sockets cannot be created")),
            (false, true) => enforced(&[Layer::Ebpf], None),
            (false, false) => self.seccomp(),
        }
    }

    /// A domain that may be reached at all times.
    pub(super) fn domain(&self, id: RuleId) -> State {
        match self.addresses() {
            Some(layer) => enforced(&[layer, Layer::Resolver], self.way(id).as_deref()),
            None => self.no_addresses("Landlock knows ports, not hosts"),
        }
    }

    /// A domain that may be reached while a call is in flight.
    pub(super) fn tool_domain(&self, id: RuleId) -> State {
        let Some(layer) = self.addresses() else {
            return self
                .no_addresses("a Landlock domain cannot follow tool calls: what it grants stays granted");
        };
        let stays = "a connection that goes straight to an address stays open after the call";
        let stays = (layer == Layer::Seccomp).then(|| stays.to_owned());
        let notes: Vec<String> = self.way(id).into_iter().chain(stays).collect();
        enforced(
            &[layer, Layer::Resolver],
            Some(&notes.join("; ")).filter(|note| !note.is_empty()).map(|n| &**n),
        )
    }

    /// How the domain of a rule is checked, and that a wildcard is no wildcard in the kernel. `None` for a rule that
    /// says what another one said before: the plan has one entry for both.
    fn way(&self, id: RuleId) -> Option<String> {
        let rule = self.plan.network.domains.iter().find(|rule| rule.from == id)?;
        let words = by_port(&self.plan.network.ports, rule.verify);
        Some(match rule.subdomains_only {
            true => format!("{words}; the wildcard opens no address, only names that were looked up do"),
            false => words,
        })
    }

    /// An address range.
    pub(super) fn range(&self) -> State {
        match self.addresses() {
            Some(layer) => enforced(&[layer], None),
            None => self.no_addresses("Landlock knows ports, not hosts"),
        }
    }

    /// seccomp must let datagram sockets be created, or no name could be resolved.
    pub(super) fn ports(&self) -> State {
        match (self.addresses(), self.abi()) {
            (Some(layer), _) => enforced(&[layer], self.dns_note()),
            (None, 0..=3) => self.no_landlock(4, None),
            (None, _) if !self.support.seccomp_filter => {
                self.seccomp_closes("MPTCP, which Landlock does not see")
            }
            (None, abi @ 4..=9) => uncovered(
                Some("Landlock and seccomp hold it for TCP".to_owned()),
                format!(
                    "UDP is open to every port: names are resolved over it, and Landlock ABI {abi} does not see it"
                ),
                format!("{} (Landlock ABI 10), or {}", kernel_of(10), self.addresses_remedy()),
            ),
            (None, _) => enforced(
                &[Layer::Landlock, Layer::Seccomp],
                self.opens_dns()
                    .then_some("port 53 is open as well, so that the allowed domains can be looked up"),
            ),
        }
    }

    fn dns_note(&self) -> Option<&'static str> {
        self.opens_dns().then_some("port 53 of any host leads to the session's own resolver")
    }

    fn opens_dns(&self) -> bool {
        self.plan.network.resolves() && !self.plan.network.ports.contains(&DNS)
    }

    pub(super) fn listen(&self) -> State {
        match (self.addresses(), self.abi(), self.support.seccomp_filter) {
            (Some(layer), ..) => enforced(&[layer], None),
            (None, 0..=3, _) => self.no_landlock(4, None),
            (None, _, false) => self.seccomp_closes("MPTCP, which Landlock does not see"),
            (None, 4..=9, true) => {
                enforced(&[Layer::Landlock, Layer::Seccomp], Some("TCP; UDP ports can be bound"))
            }
            (None, _, true) => enforced(&[Layer::Landlock, Layer::Seccomp], None),
        }
    }

    /// What the supervisor connects for the server passes by the server's own Landlock domain and by the hooks.
    pub(super) fn unix_socket(&self) -> State {
        let gate = if self.addresses().is_none() { format!(", or {CARRYING_OUT}") } else { String::new() };
        match (self.addresses(), self.hooks(), self.abi()) {
            (Some(Layer::Seccomp), ..) => enforced(&[Layer::Seccomp], None),
            (_, true, abi) => self.both(abi >= 9, None),
            (_, false, 9..) => enforced(&[Layer::Landlock], None),
            (_, false, abi) => uncovered(
                (abi >= 6).then(|| "Landlock closes abstract sockets of other processes".to_owned()),
                "sockets by path are told apart from Landlock ABI 9 on; before, allowing one allows all",
                format!("{} (Landlock ABI 9), or {}{gate}", kernel_of(9), self.hooks_remedy()),
            ),
        }
    }

    /// Nobody decides about addresses: what holds is what Landlock knows, ports.
    fn no_addresses(&self, reason: &str) -> State {
        let udp = if self.abi() >= 10 { "" } else { "; UDP is open to any host and port" };
        let floor = (self.abi() >= 4 && self.support.seccomp_filter)
            .then(|| format!("Landlock allows TCP to port {} only, but of any host{udp}", self.port_list()));
        uncovered(floor, reason, self.addresses_remedy())
    }

    fn port_list(&self) -> String {
        numbers(self.plan.network.ports.iter())
    }
}

/// `port 443: checked by name; port 22: by address only`.
fn by_port(ports: &[u16], verify: Verify) -> String {
    let named = |port: &&u16| verify == Verify::Name && Speech::expected_at(**port).is_some();
    let (named, bare): (Vec<&u16>, Vec<&u16>) = ports.iter().partition(named);
    match (named.is_empty(), bare.is_empty()) {
        (_, true) => format!("port {}: checked by name", numbers(named.into_iter())),
        (true, false) => format!("port {}: by address only", numbers(bare.into_iter())),
        (false, false) => format!(
            "port {}: checked by name; port {}: by address only",
            numbers(named.into_iter()),
            numbers(bare.into_iter())
        ),
    }
}

fn numbers<'a>(ports: impl Iterator<Item = &'a u16>) -> String {
    ports.map(u16::to_string).collect::<Vec<_>>().join(", ")
}

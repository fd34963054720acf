//! Hosts, ports and sockets.

use super::host::{Host, kernel_of};
use super::{State, enforced, uncovered};
use crate::plan::ClassId;
use crate::support::Layer;

/// Nobody keeps domains apart yet: names are resolved by the server itself.
const RESOLVER: &str = "a later release of mcpguard (its resolver)";

/// Where names are resolved.
const DNS: u16 = 53;

impl Host<'_> {
    pub(super) fn no_network(&self) -> State {
        match (self.support.seccomp_filter, self.hooks() || self.gate()) {
            (true, true) => enforced(&[Layer::Seccomp, Layer::Ebpf], None),
            (true, false) => enforced(&[Layer::Seccomp], Some("IP sockets cannot be created")),
            (false, true) => enforced(&[Layer::Ebpf], None),
            (false, false) => self.seccomp(),
        }
    }

    /// A domain that may be reached at all times.
    pub(super) fn domain(&self) -> State {
        match self.gate() {
            true => uncovered(Some(self.any_host()), UNKNOWN_ADDRESSES, RESOLVER),
            false => uncovered(self.tcp_floor(), "Landlock knows ports, not hosts", self.resolver()),
        }
    }

    /// A domain that may be reached while a call is in flight.
    pub(super) fn tool_domain(&self) -> State {
        let always = self.plan.network.domains.iter().any(|rule| rule.classes.contains(ClassId::ALWAYS));
        let until = match always {
            true => "at all times, because other domains are allowed at all times",
            false => "only while a call of the tool is in flight",
        };
        match self.gate() {
            true => uncovered(Some(format!("{}, and {until}", self.any_host())), UNKNOWN_ADDRESSES, RESOLVER),
            false => uncovered(
                self.tcp_floor(),
                "a Landlock domain cannot follow tool calls: what it grants stays granted",
                self.resolver(),
            ),
        }
    }

    /// What eBPF lets through for a domain as long as it does not know the domain's addresses.
    fn any_host(&self) -> String {
        format!("any host, but only on the allowed ports ({}) and port {DNS} (DNS)", self.port_list())
    }

    fn resolver(&self) -> String {
        format!("{RESOLVER}, and {}", self.network_remedy())
    }

    /// An address range.
    pub(super) fn range(&self) -> State {
        let note = "what the allowed domains let through comes on top";
        match self.gate() {
            true => enforced(&[Layer::Ebpf], self.has_domains().then_some(note)),
            false => uncovered(self.tcp_floor(), "Landlock knows ports, not hosts", self.network_remedy()),
        }
    }

    /// seccomp must let datagram sockets be created, or no name could be resolved.
    pub(super) fn ports(&self) -> State {
        match (self.gate(), self.abi()) {
            (true, _) => enforced(&[Layer::Ebpf], self.dns_note()),
            (false, 0..=3) => self.no_landlock(4, None),
            (false, _) if !self.support.seccomp_filter => {
                self.seccomp_closes("MPTCP, which Landlock does not see")
            }
            (false, abi @ 4..=9) => uncovered(
                Some("Landlock and seccomp hold it for TCP".to_owned()),
                format!(
                    "UDP is open to every port: names are resolved over it, and Landlock ABI {abi} does not see it"
                ),
                format!("{} (Landlock ABI 10), or {}", kernel_of(10), self.network_remedy()),
            ),
            (false, _) => enforced(&[Layer::Landlock, Layer::Seccomp], self.dns_note()),
        }
    }

    fn dns_note(&self) -> Option<&'static str> {
        let opened = self.has_domains() && !self.plan.network.ports.contains(&DNS);
        opened.then_some("port 53 is open as well, so that the allowed domains can be looked up")
    }

    pub(super) fn listen(&self) -> State {
        match (self.gate(), self.abi(), self.support.seccomp_filter) {
            (true, ..) => enforced(&[Layer::Ebpf], None),
            (false, 0..=3, _) => self.no_landlock(4, None),
            (false, _, false) => self.seccomp_closes("MPTCP, which Landlock does not see"),
            (false, 4..=9, true) => {
                enforced(&[Layer::Landlock, Layer::Seccomp], Some("TCP; UDP ports can be bound"))
            }
            (false, _, true) => enforced(&[Layer::Landlock, Layer::Seccomp], None),
        }
    }

    pub(super) fn unix_socket(&self) -> State {
        match (self.hooks(), self.abi()) {
            (true, abi) => self.both(abi >= 9, None),
            (false, 9..) => enforced(&[Layer::Landlock], None),
            (false, abi) => uncovered(
                (abi >= 6).then(|| "Landlock closes abstract sockets of other processes".to_owned()),
                "sockets by path are told apart from Landlock ABI 9 on; before, allowing one allows all",
                format!("{} (Landlock ABI 9), or {}", kernel_of(9), self.hooks_remedy()),
            ),
        }
    }

    /// What Landlock holds of the network section: ports, not hosts.
    fn tcp_floor(&self) -> Option<String> {
        let udp = if self.abi() >= 10 { "" } else { "; UDP is open to any host and port" };
        (self.abi() >= 4 && self.support.seccomp_filter)
            .then(|| format!("Landlock allows TCP to port {} only, but of any host{udp}", self.port_list()))
    }

    fn has_domains(&self) -> bool {
        !self.plan.network.domains.is_empty()
    }

    fn port_list(&self) -> String {
        let ports: Vec<String> = self.plan.network.ports.iter().map(u16::to_string).collect();
        ports.join(", ")
    }
}

const UNKNOWN_ADDRESSES: &str = "which addresses a name stands for is not known to the kernel yet";

//! Network: whom the process tree may talk to. Whatever no rule names is denied.

use std::net::IpAddr;

use super::{AbsolutePath, ClassMask, RuleId};

/// What the process tree may reach and offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkPlan {
    /// Domains by name.
    pub domains: Vec<DomainRule>,
    /// Address ranges.
    pub cidrs: Vec<CidrRule>,
    /// Ports that may be connected to on the domains and ranges, ascending. `allowed_ports`, or 443 by default.
    pub ports: Vec<u16>,
    /// TCP ports the server may listen on, ascending; 0 means any free port.
    pub listen: Vec<u16>,
    /// Unix sockets by path that may be connected to.
    pub unix_sockets: Vec<UnixSocketRule>,
    /// New connections per minute for the session.
    pub max_connections_per_minute: Option<u32>,
    /// Bytes sent over IP per minute for the session, headers of the internet layer and above included.
    pub max_sent_bytes_per_minute: Option<u64>,
}

impl NetworkPlan {
    /// Whether IP sockets are wanted at all; if not, seccomp refuses to create them.
    pub fn wants_ip(&self) -> bool {
        !self.domains.is_empty() || !self.cidrs.is_empty() || !self.listen.is_empty()
    }
}

/// A domain rule. Names are lower case and in their ASCII (IDNA) form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainRule {
    /// The name, without the `*.`.
    pub name: String,
    /// `*.name`: every name beneath, but not the name itself.
    pub subdomains_only: bool,
    /// Classes that may reach it.
    pub classes: ClassMask,
    /// The policy rule that made this entry.
    pub from: RuleId,
}

impl DomainRule {
    /// Whether the rule names this name (lower case, ASCII form, without a trailing dot).
    pub fn matches(&self, name: &str) -> bool {
        match self.subdomains_only {
            true => name.strip_suffix(&self.name).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            false => name == self.name,
        }
    }
}

/// An address range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CidrRule {
    /// The network address; host bits are zero.
    pub address: IpAddr,
    /// Prefix length, 0–32 or 0–128.
    pub prefix: u8,
    /// Classes that may reach it.
    pub classes: ClassMask,
    /// The policy rule that made this entry.
    pub from: RuleId,
}

impl CidrRule {
    /// Whether the range holds this address. An IPv4 address in IPv6 form (`::ffff:10.0.0.1`) is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = u32::from(self.prefix);
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                (network.to_bits() ^ address.to_bits()).checked_shr(32 - bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                (network.to_bits() ^ address.to_bits()).checked_shr(128 - bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// A unix socket that may be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixSocketRule {
    /// The socket's path.
    pub path: AbsolutePath,
    /// The policy rule that made this entry.
    pub from: RuleId,
}

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
    /// TCP ports that may be connected to on the domains and ranges, ascending. `allowed_ports`, or 443 by default.
    pub ports: Vec<u16>,
    /// TCP ports the server may listen on, ascending; 0 means any free port.
    pub listen: Vec<u16>,
    /// Unix sockets by path that may be connected to.
    pub unix_sockets: Vec<UnixSocketRule>,
    /// New connections per minute for the session.
    pub max_connections_per_minute: Option<u32>,
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

/// A unix socket that may be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixSocketRule {
    /// The socket's path.
    pub path: AbsolutePath,
    /// The policy rule that made this entry.
    pub from: RuleId,
}

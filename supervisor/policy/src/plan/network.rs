//! Network: whom the process tree may talk to. Whatever no rule names is denied.

use std::net::IpAddr;

use super::{AbsolutePath, ClassMask, RuleId};

/// What the process tree may reach and offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkPlan {
    /// Domains by name. One name stands here more than once where it is verified in different ways or its records differ:
    /// each entry holds in its own classes, and what an entry of a tool says holds for no other class.
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
    /// Look-ups per minute for the session, of whatever name and type.
    pub max_lookups_per_minute: Option<u32>,
    /// Different names per minute for the session that no rule spells out: beneath wildcards, of services and of texts, or
    /// [any](Self::any_name).
    pub max_names_per_minute: u32,
    /// Different addresses per minute that the session connects or sends to.
    pub max_destinations_per_minute: Option<u32>,
    /// The rule that allows every public address (`allowed_cidrs: [public]`). Then every name may be looked up, and the
    /// addresses of an answer that lie in no range are left out of it. Whoever may be told something by a look-up can be
    /// told it by a connection as well, so that this opens nothing beyond the ranges.
    pub any_name: Option<RuleId>,
}

/// What holds for [`NetworkPlan::max_names_per_minute`] where the policy says nothing: more than any page asks for, and
/// some 3 KiB a minute at most for who would write data into names (RFC 1035 section 2.3.4: 255 bytes a name).
pub const NAMES_PER_MINUTE: u32 = 120;

impl Default for NetworkPlan {
    /// A network that is closed.
    fn default() -> Self {
        Self {
            domains: Vec::new(),
            cidrs: Vec::new(),
            ports: Vec::new(),
            listen: Vec::new(),
            unix_sockets: Vec::new(),
            max_connections_per_minute: None,
            max_sent_bytes_per_minute: None,
            max_lookups_per_minute: None,
            max_names_per_minute: NAMES_PER_MINUTE,
            max_destinations_per_minute: None,
            any_name: None,
        }
    }
}

impl NetworkPlan {
    /// Whether any name may be looked up, so that the session needs a resolver.
    pub fn resolves(&self) -> bool {
        !self.domains.is_empty() || self.any_name.is_some()
    }

    /// Whether names may be looked up that no rule spells out: beneath wildcards, of services and of texts, or any.
    pub fn leaves_names_open(&self) -> bool {
        let open = |rule: &DomainRule| rule.subdomains_only || rule.records != Records::default();
        self.any_name.is_some() || self.domains.iter().any(open)
    }

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
    /// How it is made sure that a connection is the domain's.
    pub verify: Verify,
    /// Types of records beyond addresses that may be looked up: services and texts.
    pub records: Records,
    /// The policy rule that made this entry.
    pub from: RuleId,
}

/// How it is made sure that a connection to an address which a domain stands for is meant for the domain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verify {
    /// On ports where hosts are named ([`Speech`]) the name that is spoken must be the domain's, too.
    #[default]
    Name,
    /// The address is enough: whoever shares it is reached as well.
    AddressOnly,
}

/// Types of DNS records beyond addresses and service bindings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Records {
    /// SRV (RFC 2782), for `_service._proto.` beneath the domain.
    pub srv: bool,
    /// TXT (RFC 1035), for the domain and `_service.` beneath it.
    pub txt: bool,
}

/// What is spoken at a port whose protocol names the host that it is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// TLS from the first byte: the server name of the ClientHello (RFC 6066 section 3).
    Tls,
    /// HTTP: the `Host` field (RFC 9112 section 3.2), or TLS.
    Http,
}

impl Speech {
    /// What is expected at a port (IANA's registry of service names and port numbers); `None`: nothing that could be
    /// checked, as with SSH or PostgreSQL, which begin otherwise.
    pub fn expected_at(port: u16) -> Option<Self> {
        match port {
            // https, and its usual alternates; smtps, nntps, dot, ldaps, ftps, telnets, imaps, pop3s, sips, ircs.
            443 | 4443 | 8443 | 9443 | 465 | 563 | 636 | 853 | 989 | 990 | 992 | 993 | 995 | 5061 | 6697 => {
                Some(Self::Tls)
            }
            // http, and its usual alternates.
            80 | 591 | 3000 | 5000 | 8000 | 8008 | 8080 | 8081 | 8088 | 8888 | 9000 | 9090 => {
                Some(Self::Http)
            }
            _ => None,
        }
    }
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

//! What the host says about names, and how much a session may ask.

use std::net::IpAddr;

/// What is known before the first question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The hosts file: each name with each of its addresses.
    pub hosts: Vec<(String, IpAddr)>,
    /// The search list of `resolv.conf`.
    pub search: Vec<String>,
    /// Limits.
    pub limits: Limits,
}

/// How much a session may ask and keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Look-ups of allowed names a minute, cached ones included; `None`: as many as it wants.
    pub lookups_per_minute: Option<u32>,
    /// Distinct new names a minute that no rule spells out: those beneath a wildcard, services and texts.
    pub names_per_minute: u32,
    /// Addresses that are known at the same time.
    pub addresses: usize,
    /// Names of which something is known at the same time.
    pub names: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { lookups_per_minute: None, names_per_minute: 120, addresses: 16_384, names: 16_384 }
    }
}

/// How a question came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// One datagram; the answer fits into what the client has room for, or is truncated (RFC 1035 section 4.2.1).
    Udp,
    /// A stream, without the two bytes of length that precede each message (RFC 1035 section 4.2.2).
    Tcp,
}

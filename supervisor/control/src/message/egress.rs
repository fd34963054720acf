//! What the resolver and the proxy of a session tell and ask.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::bounded;

/// The most grants of one address: as many as the kernel's table tells apart.
pub const MAX_GRANTS: usize = 4;

/// What is known about an address from now on; what was known before is replaced. The answer comes when it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Learn {
    /// The address.
    pub address: IpAddr,
    /// Who may reach it, and for how long; 1 to [`MAX_GRANTS`].
    #[serde(deserialize_with = "bounded::list::<_, _, 1, MAX_GRANTS>")]
    pub grants: Vec<Grant>,
}

/// One grant of a learned address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Classes that may reach it, as bits.
    pub classes: NonZeroU64,
    /// When it ends: `CLOCK_BOOTTIME`, nanoseconds. At that instant it holds no more.
    pub until_ns: u64,
    /// The policy rule.
    pub rule: u32,
    /// Whether what is sent to checked ports goes through the proxy, which looks at the name.
    pub checked: bool,
}

/// Nothing is known about an address any more. Connections that are open go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forget {
    /// The address.
    pub address: IpAddr,
}

/// A connection has arrived at the proxy. Each is asked about once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrived {
    /// Its near end, as the proxy sees it.
    pub peer: SocketAddr,
}

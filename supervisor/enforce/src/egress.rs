//! What the session's resolver and proxy tell to whoever decides about addresses, and ask of it.
//!
//! Two backends decide: eBPF programs on the control group (root's, in this process or in the host daemon), and the
//! supervisor itself, which carries out the server's calls (user notification, no root). Both judge by `verdict::network`.
//!
//! ```text
//! resolver ── learn, forget ──► Egress ◄── arrived ── proxy
//! doorman ──── follow ────────►   │
//!                                 └─► the map LEARNED, or a table in this process
//! ```

use std::fmt::Debug;
use std::net::{IpAddr, SocketAddr};

use abi::{Learned, Spending};
use nix::errno::Errno;
use serde::{Deserialize, Serialize};

/// Ports on 127.0.0.1 (and ::1, where there is IPv6) that only the session is led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doors {
    /// The resolver's, UDP and TCP.
    pub resolver: u16,
    /// The proxy's, TCP.
    pub proxy: u16,
}

/// An address could not be made known; then it stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LearnError {
    /// The session knows as many addresses as it may.
    #[error("the session knows as many addresses as it may")]
    Full,
    /// The kernel refused.
    #[error("the kernel refused a learned address: {}", .0.desc())]
    Kernel(Errno),
    /// The host daemon, whose maps they are.
    #[error("the host daemon does not make a learned address known: it is not reachable, or refuses")]
    Daemon,
}

/// One backend of one session. Each method is whole by itself: whoever decides sees the old or the new, nothing between.
pub trait Egress: Debug + Send + Sync {
    /// What is known about an address from now on. Returns when it holds, so that an answer can be given out.
    ///
    /// # Errors
    /// See [`LearnError`]; what was known before still holds, for the time that it was given.
    fn learn(&self, address: IpAddr, learned: &Learned) -> Result<(), LearnError>;

    /// The same under the policy that was prepared and does not hold yet.
    ///
    /// # Errors
    /// See [`LearnError`]; a backend whose policy cannot be changed refuses.
    fn learn_next(&self, address: IpAddr, learned: &Learned) -> Result<(), LearnError>;

    /// Nothing is known about the address any more. Connections that are open go on.
    fn forget(&self, address: IpAddr);

    /// Where the connection that has arrived at the proxy from this peer wanted to go; once. `None`: nobody's of the session.
    fn arrived(&self, peer: SocketAddr) -> Option<SocketAddr>;

    /// The active classes and the last admitted call: a load from memory.
    fn moment(&self) -> (u64, u64);

    /// From now on these classes hold: a store to memory.
    fn follow(&self, active: u64, call: u64);

    /// The calls of a class (1 to 63) may spend up to here, counted from the session's start: a store to memory.
    fn grant(&self, what: Spending, class: u8, upto: u64);

    /// What the calls of a class have spent since the session's start: a load from memory.
    fn spent(&self, what: Spending, class: u8) -> u64;
}

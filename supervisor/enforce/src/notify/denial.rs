//! What a record of a denied call about addresses needs.

use std::net::SocketAddr;
use std::path::PathBuf;

use abi::{NO_RULE, Reason};
use policy::plan::RuleId;

/// A call that was denied, and why. The caller got `EPERM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkDenial {
    /// What was attempted.
    pub kind: Attempt,
    /// The thread that called, in the supervisor's numbering.
    pub thread: i32,
    /// The address, where it is one of the internet.
    pub address: Option<SocketAddr>,
    /// Where the unix socket really is, or would be; an abstract name begins with `@`.
    pub path: Option<PathBuf>,
    /// `IPPROTO_TCP` (6), `IPPROTO_UDP` (17), or 0 for what is neither.
    pub protocol: u32,
    /// Why.
    pub reason: Reason,
    /// The nearest rule, if there is one.
    pub rule: Option<RuleId>,
    /// The classes that were active.
    pub active: u64,
    /// The number of the last admitted call.
    pub call: u64,
}

/// What was attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attempt {
    /// Connecting a socket to an address.
    Connect,
    /// Sending to an address without a connection.
    Send,
    /// Binding a socket, or listening.
    Bind,
    /// Connecting or sending to a unix socket.
    Unix,
}

/// What is known before the thread and the moment are.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) kind: Attempt,
    pub(super) address: Option<SocketAddr>,
    pub(super) path: Option<PathBuf>,
    pub(super) protocol: u32,
    pub(super) why: verdict::Denial,
}

impl Refusal {
    pub(super) fn new(kind: Attempt, why: verdict::Denial) -> Self {
        Self { kind, address: None, path: None, protocol: 0, why }
    }

    pub(super) fn with_path(kind: Attempt, path: PathBuf) -> Self {
        Self { path: Some(path), ..Self::new(kind, verdict::Denial::of(Reason::NotGranted)) }
    }

    /// A socket of a kind that no policy grants.
    pub(super) fn foreign(kind: Attempt) -> Self {
        Self::new(kind, verdict::Denial::of(Reason::Kind))
    }

    /// The denial of this thread's call, at this moment.
    pub(super) fn of(self, thread: i32, (active, call): (u64, u64)) -> NetworkDenial {
        let Self { kind, address, path, protocol, why } = self;
        let rule = (why.rule != NO_RULE).then_some(RuleId(why.rule));
        NetworkDenial { kind, thread, address, path, protocol, reason: why.reason, rule, active, call }
    }
}

//! What the daemon's two processes say to each other over their socket pair. Both are of one build, so this may change
//! with every build; what leaves the machine's daemon is `control`.
//!
//! ```text
//! front ── Ask ────► keeper        postcard, each message behind its length (4 bytes, little-endian);
//! front ◄── Told ─── keeper        descriptors come with a message's first byte
//! ```
//! Every `Ask` with a connection gets exactly one answer, in order for each connection. The keeper takes nothing that the
//! front says of a peer: it asks the kernel about the peer's socket, which it has a duplicate of.

use std::net::{IpAddr, SocketAddr};

use abi::Learned;
use enforce::Skipped;
use enforce::keeper::{Identity, Kept, Key, Limits, Notice, Opened, Order, Revision, Usage};
use policy::{CgroupSupport, Ebpf, HookWay};
use serde::{Deserialize, Serialize};

/// The number of a connection: the front counts them from 1 and never uses one again. 0 is the front itself, which asks
/// for [`Ask::Usage`] and for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Connection(pub(crate) u64);

/// What the front asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// Who is at the other end? Brings one descriptor: a duplicate of the peer's socket, which the keeper keeps until
    /// [`Ask::Leave`]. Answered by [`Answer::Peer`].
    Admit(Connection),
    /// The connection is over. Not answered. A session that was opened on it goes on, and may be resumed.
    Leave(Connection),
    /// A session for a process of the peer's own. Brings one descriptor: the process's pidfd. Answered by
    /// [`Answer::Opened`] (with two descriptors: page, bundle) when a canary was seen to be denied, or [`Answer::Refused`].
    Open(Connection, Box<Order>),
    /// The session of the peer, whose connection was lost. [`Answer::Done`].
    Resume(Connection, Key),
    /// An address of the connection's session is known. [`Answer::Done`] when it holds, or [`Answer::Full`].
    Learn(Connection, IpAddr, Learned),
    /// It is not known any more. [`Answer::Done`].
    Forget(Connection, IpAddr),
    /// Where a connection that has arrived at the session's proxy wanted to go. [`Answer::Wanted`].
    Arrived(Connection, SocketAddr),
    /// Every notice until now is told before the answer. [`Answer::Done`].
    Sync(Connection),
    /// Another policy for the session of the peer is written down; the connection is for nothing else, and its end without a
    /// commit takes it out again. Brings one descriptor: the pidfd of a process of the session. Answered by
    /// [`Answer::Prepared`] (with one descriptor: the bundle).
    Prepare(Connection, Key, Box<Revision>),
    /// An address is known under the policy that is prepared. As [`Ask::Learn`].
    LearnNext(Connection, IpAddr, Learned),
    /// What was prepared on this connection holds from now on. [`Answer::Done`].
    Commit(Connection),
    /// The connection's session ends: its processes, then its rules. [`Answer::Done`].
    End(Connection),
    /// Something is done to a session, for the peer of this connection, which the front has found allowed.
    /// [`Answer::Done`] when it is done.
    Act(Connection, Key, Act),
    /// What a session's control group is held to. [`Answer::Limits`].
    Limits(Connection, Key),
    /// It is held to the second limits from now on, as far as they are there, if it is held to the first ones still; the
    /// front has found it allowed. [`Answer::Limits`] with what holds then.
    Limit(Connection, Key, Limits, Limits),
    /// What every session uses. [`Answer::Usage`].
    Usage(Connection),
    /// All notices up to this number are written down: the keeper forgets them. Not answered.
    Heard(u64),
    /// The front is still there. Not answered; the keeper tells systemd's watchdog only while it hears this.
    Alive,
}

impl Ask {
    /// Whether it comes with a descriptor.
    pub(crate) fn brings_a_descriptor(&self) -> bool {
        matches!(self, Self::Admit(_) | Self::Open(..) | Self::Prepare(..))
    }
}

/// What is done to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Act {
    /// All its processes are ended, and it with them; no [`Notice::Gone`] follows.
    Kill,
    /// All its processes are stopped.
    Freeze,
    /// They go on.
    Thaw,
}

/// What the keeper says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Told {
    /// The first message: what can be enforced here, and the sessions that are there already. Brings one descriptor if
    /// [`Standing::metrics`] says so: the listening socket at which metrics are served.
    Ready(Box<Standing>),
    /// The answer to the oldest unanswered [`Ask`] of this connection.
    Answer(Connection, Answer),
    /// What happened, numbered from 1 without gaps since this front was started. Unacknowledged notices about kernel
    /// events are told again to the next front.
    Notice(u64, Notice),
}

/// What is there when a front is started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// See [`Offer`].
    pub(crate) offer: Offer,
    /// Sessions that outlived the last front, or the last daemon.
    pub(crate) sessions: Vec<Kept>,
    /// Whether a socket for metrics comes with it.
    pub(crate) metrics: bool,
    /// How many fronts of this keeper there were before.
    pub(crate) restarts: u64,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// To [`Ask::Admit`].
    Peer(Peer),
    /// To [`Ask::Open`].
    Opened(Opened),
    /// To [`Ask::Prepare`]: what the policy grants and is not there.
    Prepared(Vec<Skipped>),
    /// It is done.
    Done,
    /// To [`Ask::Learn`] and [`Ask::LearnNext`]: the session knows as many addresses as it may.
    Full,
    /// To [`Ask::Arrived`].
    Wanted(Option<SocketAddr>),
    /// To [`Ask::Limits`] and [`Ask::Limit`].
    Limits(Limits),
    /// To [`Ask::Usage`].
    Usage(Vec<(Key, Usage)>),
    /// It is not done.
    Refused(Refused),
}

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refused {
    /// What kind of reason.
    pub(crate) why: Why,
    /// The sentence.
    pub(crate) sentence: String,
}

/// The kinds of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Why {
    /// The peer may not.
    NotAllowed,
    /// The process that was brought is gone, or is not what it must be.
    Process,
    /// There is no such session (any more).
    NoSuchSession,
    /// As many sessions as may be, of this user or of the host.
    Limit,
    /// The kernel refused, or the guard was not seen to deny.
    Kernel,
    /// To [`Ask::Sync`]: more happened than was told.
    Behind,
}

/// Who is at the other end of a connection, as the kernel says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Peer {
    /// User and groups.
    pub(crate) identity: Identity,
    /// Its process when it connected.
    pub(crate) process: i32,
    /// It is inside of a guarded session.
    pub(crate) guarded: bool,
}

/// What a session of the daemon's is guarded with: `policy::Ebpf` and `policy::CgroupSupport` as they travel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Offer {
    /// Programs on security hooks: `Some(true)` as a security module, `Some(false)` before them.
    hooks: Option<bool>,
    hooks_missing: Option<String>,
    network: bool,
    network_missing: Option<String>,
    group: [bool; 4],
    group_missing: Option<String>,
}

impl Offer {
    pub(crate) fn new(ebpf: &Ebpf, cgroup: &CgroupSupport) -> Self {
        let Ebpf { hooks, hooks_missing, network, network_missing } = ebpf.clone();
        let CgroupSupport { identity, memory, cpu, processes, missing } = cgroup.clone();
        Self {
            hooks: hooks.map(|way| way == HookWay::Lsm),
            hooks_missing,
            network,
            network_missing,
            group: [identity, memory, cpu, processes],
            group_missing: missing,
        }
    }

    /// The eBPF programs.
    pub(crate) fn ebpf(&self) -> Ebpf {
        let Self { hooks, hooks_missing, network, network_missing, .. } = self.clone();
        let hooks = hooks.map(|module| if module { HookWay::Lsm } else { HookWay::FmodRet });
        Ebpf { hooks, hooks_missing, network, network_missing }
    }

    /// The control group.
    pub(crate) fn cgroup(&self) -> CgroupSupport {
        let [identity, memory, cpu, processes] = self.group;
        CgroupSupport { identity, memory, cpu, processes, missing: self.group_missing.clone() }
    }
}

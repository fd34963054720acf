//! What a client asks for.

use serde::{Deserialize, Serialize};

use super::{Arrived, Filter, Forget, Learn, Limit, Open, Prepare};
use crate::bounded;
use crate::name::SessionId;
use crate::selector::Selector;

/// A request. Each gets one answer; a list may come in several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// A session for a process of the user's own. Brings one descriptor: the process's pidfd.
    Open(Box<Open>),
    /// The session of this very process, whose connection was lost: it goes on with this one. Its events since then come first.
    Resume(Resume),
    /// An address is known from now on.
    Learn(Learn),
    /// An address is not known any more.
    Forget(Forget),
    /// Where does this connection, which has arrived at the proxy, want to go?
    Arrived(Arrived),
    /// What happened in the session until now is told before the answer.
    Sync,
    /// Another policy for the session of this very process is written down beside the one that holds. Brings one descriptor:
    /// the pidfd of a process of the session. It is the first request of a connection, which is for nothing else.
    Prepare(Box<Prepare>),
    /// An address is known under the policy that is prepared.
    LearnNext(Learn),
    /// The policy that was prepared holds from now on, and the old one is taken out.
    Commit,
    /// The session ends: the daemon ends what is left of its processes, then takes its rules away.
    End(End),
    /// The sessions that the user may see.
    List,
    /// What happens from now on, in all sessions that the filter lets through.
    Follow(Filter),
    /// Every process of these sessions is ended, and the sessions with them.
    Kill(Selector),
    /// Every process of these sessions is stopped where it stands.
    Freeze(Selector),
    /// They go on.
    Thaw(Selector),
    /// They are stopped, and no session of their policies is opened until they are released.
    Quarantine(Selector),
    /// Sessions of this policy may be opened again.
    Release(Release),
    /// What these sessions' control groups are held to, and use; with values: what they are held to from now on.
    Limits(Limit),
    /// The daemon reads its own configuration and host rules again.
    Reload,
    /// How the daemon is.
    Status,
    /// What the daemon enforces for a session.
    Offer,
}

/// A session goes on with another connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    /// The session.
    pub session: SessionId,
    /// The number of the last kernel event that it was told of; 0: none.
    pub heard: u64,
}

/// Why a session ends, for the daemon's records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// A sentence; at most 1,024 bytes.
    #[serde(deserialize_with = "bounded::text::<_, 1024>")]
    pub why: String,
}

/// A policy that was in quarantine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Its revision: SHA-256 in hex over its texts; at most 64 bytes.
    #[serde(deserialize_with = "bounded::text::<_, 64>")]
    pub revision: String,
}

/// The kinds of [`Request`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// [`Request::Open`].
    Open,
    /// [`Request::Resume`].
    Resume,
    /// [`Request::Learn`].
    Learn,
    /// [`Request::Forget`].
    Forget,
    /// [`Request::Arrived`].
    Arrived,
    /// [`Request::Sync`].
    Sync,
    /// [`Request::Prepare`].
    Prepare,
    /// [`Request::LearnNext`].
    LearnNext,
    /// [`Request::Commit`].
    Commit,
    /// [`Request::End`].
    End,
    /// [`Request::List`].
    List,
    /// [`Request::Follow`].
    Follow,
    /// [`Request::Kill`].
    Kill,
    /// [`Request::Freeze`].
    Freeze,
    /// [`Request::Thaw`].
    Thaw,
    /// [`Request::Quarantine`].
    Quarantine,
    /// [`Request::Release`].
    Release,
    /// [`Request::Limits`].
    Limits,
    /// [`Request::Reload`].
    Reload,
    /// [`Request::Status`].
    Status,
    /// [`Request::Offer`].
    Offer,
}

impl Request {
    /// Its kind.
    pub fn kind(&self) -> RequestKind {
        match self {
            Self::Open(_) => RequestKind::Open,
            Self::Resume(_) => RequestKind::Resume,
            Self::Learn(_) => RequestKind::Learn,
            Self::Forget(_) => RequestKind::Forget,
            Self::Arrived(_) => RequestKind::Arrived,
            Self::Sync => RequestKind::Sync,
            Self::Prepare(_) => RequestKind::Prepare,
            Self::LearnNext(_) => RequestKind::LearnNext,
            Self::Commit => RequestKind::Commit,
            Self::End(_) => RequestKind::End,
            Self::List => RequestKind::List,
            Self::Follow(_) => RequestKind::Follow,
            Self::Kill(_) => RequestKind::Kill,
            Self::Freeze(_) => RequestKind::Freeze,
            Self::Thaw(_) => RequestKind::Thaw,
            Self::Quarantine(_) => RequestKind::Quarantine,
            Self::Release(_) => RequestKind::Release,
            Self::Limits(_) => RequestKind::Limits,
            Self::Reload => RequestKind::Reload,
            Self::Status => RequestKind::Status,
            Self::Offer => RequestKind::Offer,
        }
    }
}

impl RequestKind {
    /// How many descriptors it brings.
    pub fn descriptors(self) -> usize {
        usize::from(matches!(self, Self::Open | Self::Prepare))
    }

    /// Whether it belongs to the connection of a session; otherwise to one of an operator. One connection is for one
    /// of the two.
    pub fn is_of_a_session(self) -> bool {
        matches!(
            self,
            Self::Open
                | Self::Resume
                | Self::Learn
                | Self::Forget
                | Self::Arrived
                | Self::Sync
                | Self::Prepare
                | Self::LearnNext
                | Self::Commit
                | Self::End
        )
    }
}

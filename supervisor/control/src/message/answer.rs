//! What the daemon answers.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{LimitsOf, Offered, Prepared, Refusal, RequestKind, Status, Summary};
use crate::bytes::PathBytes;
use crate::name::SessionId;

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To `open`. Brings two descriptors: the page through which grants follow the calls, and what keeps the files of the
    /// rules known, to be held as long as the session lasts.
    Opened(Opened),
    /// To `prepare`. Brings one descriptor: what keeps the files of the new rules known, to be held in the place of the old
    /// one from the commit on.
    Prepared(Prepared),
    /// To `resume`: the connection is the session's. To `learn`, `learn_next` and `forget`: it is known. To `commit`: the new
    /// policy holds. To `end`: nothing is left. To
    /// `follow`: events come from now on. To `release`: sessions may be opened again.
    Done,
    /// To `arrived`.
    Wanted(Wanted),
    /// To `list`.
    Sessions(Sessions),
    /// To `kill`, `freeze`, `thaw` and `quarantine`.
    Acted(Acted),
    /// To `limits`; it may come in several parts.
    Limits(LimitsOf),
    /// To `reload`.
    Reloaded(Reloaded),
    /// To `status`.
    Status(Status),
    /// To `offer`.
    Offered(Offered),
    /// To any request.
    Refused(Refusal),
}

/// A session is there: the process that was brought is marked, and is guarded from its next `execve` on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The session.
    pub session: SessionId,
    /// Its slot in the kernel's tables.
    pub slot: u32,
    /// SHA-256 in hex over the policy's texts, as the daemon compiled them. It must be that of the client's plan.
    pub revision: String,
    /// What the policy grants and what is not there.
    pub skipped: Vec<Skipped>,
}

/// A grant of what is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The path.
    pub path: PathBytes,
    /// Why: a sentence.
    pub reason: String,
}

/// Where a connection wanted to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Absent: it is nobody's of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<SocketAddr>,
}

/// Sessions, or a part of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// These.
    pub sessions: Vec<Summary>,
    /// More come in another answer to the same request.
    pub more: bool,
}

/// What became of the sessions that were meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acted {
    /// It is done.
    pub done: Vec<SessionId>,
    /// It is not.
    pub failed: Vec<NotActed>,
}

/// A session that nothing was done to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotActed {
    /// The session.
    pub session: SessionId,
    /// Why.
    pub refusal: Refusal,
}

/// The configuration was read again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// Sessions that follow the new one.
    pub sessions: u64,
    /// Sessions that do not, or in part.
    pub kept: Vec<NotReloaded>,
}

/// A session that goes on as before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotReloaded {
    /// The session.
    pub session: SessionId,
    /// What is as before, and why: a sentence.
    pub reason: String,
}

impl Answer {
    /// How many descriptors it brings.
    pub fn descriptors(&self) -> usize {
        match self {
            Self::Opened(_) => 2,
            Self::Prepared(_) => 1,
            _ => 0,
        }
    }

    /// Whether more answers to the same request follow.
    pub fn is_part(&self) -> bool {
        matches!(
            self,
            Self::Sessions(Sessions { more: true, .. }) | Self::Limits(LimitsOf { more: true, .. })
        )
    }

    /// Whether a request of that kind can be answered so.
    pub fn suits(&self, kind: RequestKind) -> bool {
        use RequestKind as Kind;
        match self {
            Self::Opened(_) => kind == Kind::Open,
            Self::Prepared(_) => kind == Kind::Prepare,
            Self::Done => matches!(
                kind,
                Kind::Resume
                    | Kind::Learn
                    | Kind::Forget
                    | Kind::Sync
                    | Kind::LearnNext
                    | Kind::Commit
                    | Kind::End
                    | Kind::Follow
                    | Kind::Release
            ),
            Self::Wanted(_) => kind == Kind::Arrived,
            Self::Sessions(_) => kind == Kind::List,
            Self::Acted(_) => matches!(kind, Kind::Kill | Kind::Freeze | Kind::Thaw | Kind::Quarantine),
            Self::Limits(_) => kind == Kind::Limits,
            Self::Reloaded(_) => kind == Kind::Reload,
            Self::Status(_) => kind == Kind::Status,
            Self::Offered(_) => kind == Kind::Offer,
            Self::Refused(_) => true,
        }
    }
}

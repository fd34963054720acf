//! Why the keeper does not do something.

use std::io;

use nix::errno::Errno;

use crate::bpf::{CanaryError, LayerError, MapsError, SessionError};
use crate::cgroup::GroupError;
use crate::enclosure::{PlaceError, ProofFailure};

/// Why there is no keeper.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// Neither programs nor control groups can be had.
    #[error("nothing can be enforced here: {0}")]
    Nothing(String),
    /// The eBPF layer.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// The canary's file.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// What is kept on disk.
    #[error("what is known of sessions cannot be kept in {0}: {1}")]
    Records(String, io::Error),
    /// Waiting for events.
    #[error("events cannot be waited for: {}", .0.desc())]
    Wait(Errno),
}

/// Why a session is not opened, or not acted on.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// As many as may be.
    #[error("{0}")]
    Limit(String),
    /// There is none.
    #[error("there is no such session (any more)")]
    NoSession,
    /// [`super::Keeper::commit`] without [`super::Keeper::prepare`].
    #[error("no policy was prepared for the session; the one that held goes on holding")]
    NothingPrepared,
    /// The process that was brought.
    #[error("the process that was brought cannot be guarded: {0}")]
    Process(String),
    /// The control group.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// Somebody else has changed its limits since they were looked at.
    #[error("the session's limits were changed by somebody else meanwhile; look at them and ask again")]
    LimitsChanged,
    /// It has more memory already than it should be held to.
    #[error(
        "the session has {used} bytes of memory, so that it cannot be held to {limit}; ask for more than it has, or end it"
    )]
    MemoryInUse {
        /// Bytes that were asked for.
        limit: u64,
        /// Bytes that it has.
        used: u64,
    },
    /// The eBPF session.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Its maps.
    #[error(transparent)]
    Maps(#[from] MapsError),
    /// The canary.
    #[error(transparent)]
    Canary(#[from] CanaryError),
    /// What the canary found.
    #[error("the guard was not seen to deny what it must: {0}")]
    Unproven(#[from] ProofFailure),
    /// The session cannot be remembered, so that it would not outlive the daemon.
    #[error("the session cannot be kept on disk: {0}")]
    Record(io::Error),
    /// Descriptors.
    #[error("the session's descriptors cannot be made: {}", .0.desc())]
    Descriptors(Errno),
}

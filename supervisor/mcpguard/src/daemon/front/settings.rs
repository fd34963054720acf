//! What the front is told when it is started: who the operators are, how much there may be of everything, how long it
//! waits.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use control::rights::Operators;

use super::shown::Shown;
use crate::host_rules;
use crate::trust::Keepers;

/// Everything that the front is told.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Who the operators are beside uid 0.
    pub(crate) operators: Operators,
    /// How much there may be of everything.
    pub(crate) limits: Limits,
    /// How long the front waits.
    pub(crate) deadlines: Deadlines,
    /// Where the host's rules are, and whose they must be.
    pub(crate) host_rules: (PathBuf, Keepers),
    /// A directory that the front may write: which policies are in quarantine, and who has frozen sessions, is kept there.
    pub(crate) state: OwnedFd,
    /// What is counted, and where it is shown.
    pub(crate) shown: Shown,
}

/// How much there may be of everything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at once. Root's are not counted here, so that a host that is full of others' can be put in order.
    pub(crate) connections: usize,
    /// Connections of one user at once, root included.
    pub(crate) connections_of_user: usize,
    /// Bytes of messages that are begun and not complete, and of requests for sessions that are being opened, of all users.
    pub(crate) begun: usize,
    /// The same of one user.
    pub(crate) begun_of_user: usize,
    /// Bytes that wait to be read by one client.
    pub(crate) unread: usize,
    /// Sessions that are being opened at once, of all users. What they weigh counts with the bytes above.
    pub(crate) opening: usize,
    /// The same of one user.
    pub(crate) opening_of_user: usize,
    /// Kernel events of one session that are kept for a client that comes back.
    pub(crate) kept_events: usize,
    /// Their bytes, roughly.
    pub(crate) kept_bytes: usize,
}

/// How long the front waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadlines {
    /// From accepting a connection to its hello.
    pub(crate) hello: Duration,
    /// From a message's first byte to its last.
    pub(crate) message: Duration,
    /// Without a request, where no session is and nothing is followed.
    pub(crate) idle: Duration,
    /// For the last words to be read.
    pub(crate) last_words: Duration,
    /// Between two signs of life for the keeper.
    pub(crate) alive: Duration,
    /// Between two looks at what sessions use.
    pub(crate) usage: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            connections_of_user: 256,
            begun: 128 << 20,
            begun_of_user: 16 << 20,
            unread: 1 << 20,
            opening: 1024,
            opening_of_user: 64,
            kept_events: 2048,
            kept_bytes: 512 << 10,
        }
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(5),
            message: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            last_words: Duration::from_secs(1),
            alive: Duration::from_secs(1),
            usage: Duration::from_secs(1),
        }
    }
}

impl Settings {
    /// Operators are root only, everything else is as it usually is.
    pub(crate) fn new(state: OwnedFd) -> Self {
        Self {
            operators: Operators::default(),
            limits: Limits::default(),
            deadlines: Deadlines::default(),
            host_rules: (PathBuf::from(host_rules::DIRECTORY), Keepers::Only(0)),
            state,
            shown: Shown::default(),
        }
    }
}

//! How a session ends: why, with which exit status, and with nothing of the tree left.

use std::time::{Duration, Instant};

use enforce::{Ended, Status};

use super::Layers;
use super::journal::Journal;
use super::start::Server;

/// Exit status of a session that mcpguard itself had to end.
const STOPPED: u8 = 125;

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The server could not be started.
    NotStarted(String),
    /// The server's main process ended by itself.
    ServerExited(Status),
    /// The client closed the pipe.
    ClientGone,
    /// mcpguard was told to stop by this signal.
    Signal(i32),
    /// A record could not be written.
    AuditFailed(String),
    /// The policy ends the session at this violation.
    Violation(String),
    /// An input or output error of mcpguard's own.
    Failed(String),
}

/// An ending, and the server's own exit where it was seen.
pub(super) struct Finished {
    /// Why.
    pub(super) ending: Ending,
    /// How the server's main process ended, if it ended before the rest of its tree was.
    pub(super) exit: Option<Status>,
}

impl From<Ending> for Finished {
    fn from(ending: Ending) -> Self {
        let exit = if let Ending::ServerExited(status) = &ending { Some(*status) } else { None };
        Self { ending, exit }
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotStarted(why) => write!(f, "the server was not started: {why}"),
            Self::ServerExited(_) => f.write_str("the server ended"),
            Self::ClientGone => f.write_str("the client is gone"),
            Self::Signal(number) => write!(f, "mcpguard was stopped by signal {number}"),
            Self::AuditFailed(why) => write!(f, "the audit log cannot be written: {why}"),
            Self::Violation(what) => write!(f, "the policy ends the session at this violation: {what}"),
            Self::Failed(why) => write!(f, "mcpguard failed: {why}"),
        }
    }
}

/// How long processes that were sent SIGKILL are waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ends whatever is left of the tree, writes the last records and gives the exit status.
pub(super) fn conclude(
    mut server: Server,
    Layers { denials, kernel, outside }: Layers<'_>,
    finished: &Finished,
    journal: &mut Journal,
) -> anyhow::Result<u8> {
    let Finished { ending, exit } = finished;
    let leader = server.guard.pid();
    let at_once = enforce::Ending { grace: Duration::ZERO, patience: PATIENCE };
    // The group ends all at once; what is left to do is to reap.
    if let Err(error) = kernel.kill() {
        tracing::error!("{error}");
    }
    let quiet = journal.quiet();
    let Ended { exited, killed, survivors } = enforce::end_tree(&mut server.guard, at_once);
    drop(quiet);
    let killed_now = || exited.iter().find(|exited| exited.pid == leader).map(|exited| exited.status);
    let exit = exit.or_else(killed_now);
    if !survivors.is_empty() {
        tracing::error!(
            "processes {survivors:?} of the session could not be ended; they stay in their sandbox"
        );
    }
    if matches!(ending, Ending::AuditFailed(_) | Ending::Violation(_) | Ending::Failed(_)) {
        crate::terminal::error(&anyhow::anyhow!("{ending}"));
    }
    kernel.hear_out();
    let _ = outside.hear(None, kernel);
    let reached = std::iter::from_fn(|| outside.reached()).try_for_each(|host| journal.reached(&host));
    let told = kernel.records(Instant::now(), true).into_iter().chain(outside.records(Instant::now(), true));
    let told = told.into_iter().try_for_each(|body| journal.body(body));
    let written = reached
        .and(told)
        .and_then(|()| journal.denied(denials.last(), &[]))
        .and_then(|()| journal.end(ending, exit, killed as u64));
    match ending {
        Ending::AuditFailed(_) => Ok(status(ending, exit)),
        _ => written.map(|()| status(ending, exit)),
    }
}

/// The server's own status where it had one; 125 where mcpguard ended it for a reason of its own.
fn status(ending: &Ending, exit: Option<Status>) -> u8 {
    match (ending, exit) {
        (Ending::NotStarted(_) | Ending::AuditFailed(_) | Ending::Violation(_) | Ending::Failed(_), _) => {
            STOPPED
        }
        (Ending::ServerExited(status), _) => status.exit_code(),
        (_, Some(status)) => status.exit_code(),
        (Ending::Signal(number), None) => 128u8.saturating_add(u8::try_from(*number).unwrap_or(0)),
        (Ending::ClientGone, None) => 0,
    }
}

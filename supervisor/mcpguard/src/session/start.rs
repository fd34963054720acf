//! Starts the server: pipes, the sealed spawn, and what the supervisor keeps of it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use enforce::{Doors, Encloser, Fixed, Guard, Outer, Stdio3};

use crate::cli::Failure;
use crate::compose::Composed;
use crate::environment::Environment;
use crate::hosted::{self, Hosted};

use super::stdio::{Pipe, non_blocking};

/// Where the server's standard streams lead.
#[derive(Clone, Copy)]
pub(super) enum Streams {
    /// To the doorman.
    Pipes,
    /// Nothing to read; what is printed goes to stderr.
    ToStderr,
}

/// A running server and our ends of its pipes.
pub(super) struct Server {
    /// The guarded process tree.
    pub(super) guard: Guard,
    /// Writes to the server's stdin.
    pub(super) stdin: Option<OwnedFd>,
    /// Reads from the server's stdout.
    pub(super) stdout: Option<OwnedFd>,
    /// Reads from the server's stderr.
    pub(super) stderr: Option<OwnedFd>,
    /// The session at the host daemon, if it does the kernel part; once.
    pub(super) hosted: Option<Hosted>,
    /// What was started.
    pub(super) command: enforce::Command,
    /// What is fixed with that.
    pub(super) fixed: Fixed,
}

/// Prepares every layer, then spawns.
///
/// # Errors
/// A layer refused, or the command could not be executed; a [`Failure`] with the right exit status.
pub(super) fn start(
    composed: &Composed,
    environment: Environment,
    streams: Streams,
    doors: Option<Doors>,
) -> anyhow::Result<Server> {
    let Some(command) = &composed.command else { anyhow::bail!("there is no command") };
    let command = enforce::Command {
        program: command.program.clone(),
        argv: command.argv.clone(),
        environment: environment.variables,
        directory: std::env::current_dir()?,
        doors,
    };
    if let Some(under) = &composed.under {
        under.admit(&composed.host, enforce::implied(&composed.plan, &command).programs)?;
    }
    let refused = |status: u8, message: String| Failure { status, message };
    let encloser = composed.daemon.as_ref().map_or(Encloser::Own, |_| Encloser::Daemon);
    let ready = enforce::prepare(&composed.plan, &composed.support, &command, encloser)
        .map_err(|error| refused(error.exit_code(), error.to_string()))?;
    let fixed = ready.fixed();
    ready.summary().notes.iter().for_each(|note| tracing::info!("{note}"));
    let (theirs, ours) = match streams {
        Streams::Pipes => pipes()?,
        Streams::ToStderr => (to_stderr()?, [None, None, None]),
    };
    let mut hosted = None;
    let guard = match &composed.daemon {
        None => ready.spawn(theirs),
        Some(daemon) => ready.spawn_under(theirs, |_, process| {
            let opened =
                hosted::open(daemon, composed, &command, process).map_err(|error| format!("{error:#}"))?;
            let led = composed.support.ebpf.network;
            let egress = hosted.insert(opened).egress();
            Ok(Outer { egress: led.then_some(egress) })
        }),
    };
    let guard = guard.map_err(|error| refused(error.exit_code(), error.to_string()))?;
    tracing::debug!("last mile, microseconds a stage: {:?}", guard.sealed().stages);
    for skipped in &guard.sealed().skipped {
        tracing::info!("{} is granted but cannot be opened: {}", skipped.path.display(), skipped.reason);
    }
    let [stdin, stdout, stderr] = ours;
    Ok(Server { guard, stdin, stdout, stderr, hosted, command, fixed })
}

/// The server's three descriptors and our ends of them, which do not block.
fn pipes() -> io::Result<(Stdio3, [Option<OwnedFd>; 3])> {
    let (stdin, stdout, stderr) = (Pipe::open()?, Pipe::open()?, Pipe::open()?);
    let theirs = Stdio3 { stdin: stdin.read, stdout: stdout.write, stderr: stderr.write };
    let ours = [non_blocking(stdin.write)?, non_blocking(stdout.read)?, non_blocking(stderr.read)?];
    Ok((theirs, ours.map(Some)))
}

/// `/dev/null` to read, our stderr to write.
fn to_stderr() -> io::Result<Stdio3> {
    let stderr = || io::stderr().as_fd().try_clone_to_owned();
    Ok(Stdio3 { stdin: std::fs::File::open("/dev/null")?.into(), stdout: stderr()?, stderr: stderr()? })
}

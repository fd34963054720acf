//! Starting the last mile and waiting until the server runs.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command as Process, Stdio};
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, setsockopt, socketpair, sockopt::ReceiveTimeout};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, getpid};

use crate::egress::Egress;
use crate::enclosure::Enclosure;
use crate::enter;
use crate::guard::Guard;
use crate::notify;
use crate::orders::{self, Failed, FailureKind, Sealed, WireError, Word};
use crate::prepare::{Encloser, Ready};
use crate::seccomp::{DenialListener, Modes};
use crate::sys;

/// The server's standard streams. Nothing else is passed to it.
#[derive(Debug)]
pub struct Stdio3 {
    /// Where the server reads.
    pub stdin: OwnedFd,
    /// Where it writes its answers.
    pub stdout: OwnedFd,
    /// Where it writes everything else.
    pub stderr: OwnedFd,
}

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// mcpguard could not do what it must.
    #[error("{0}")]
    Own(String),
    /// The command cannot be executed.
    #[error("{0}")]
    NotExecutable(String),
    /// The command, or the interpreter of its first line, is not there.
    #[error("{0}")]
    NotFound(String),
}

impl SpawnError {
    /// 125 if mcpguard failed, 126 if the command cannot be executed, 127 if it is not there.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Own(_) => 125,
            Self::NotExecutable(_) => 126,
            Self::NotFound(_) => 127,
        }
    }
}

impl From<Failed> for SpawnError {
    fn from(failed: Failed) -> Self {
        match failed.kind {
            FailureKind::Own => Self::Own(failed.message),
            FailureKind::NotExecutable => Self::NotExecutable(failed.message),
            FailureKind::NotFound => Self::NotFound(failed.message),
        }
    }
}

/// How long the last mile may take, in seconds. A network file system that does not answer must not hang the client.
const PATIENCE: i64 = 30;

/// What was put around the last mile by somebody else.
#[derive(Debug, Default)]
pub struct Outer {
    /// Whoever decides about the session's addresses there; `None` where nobody does.
    pub egress: Option<Arc<dyn Egress>>,
}

impl Ready {
    /// Starts the command in its sandbox and returns once it runs: every mechanism is engaged and `execve` succeeded.
    ///
    /// Call it from a thread that lives as long as the supervisor: the server gets `SIGKILL` when the *thread* that
    /// started it ends (`PR_SET_PDEATHSIG`).
    ///
    /// # Errors
    /// See [`SpawnError`]; nothing is left of the start. Also if somebody else was to enclose the server.
    pub fn spawn(mut self, stdio: Stdio3) -> Result<Guard, SpawnError> {
        self.is_for(Encloser::Own)?;
        let prepared = self.enclosure.take();
        self.start(stdio, |last_mile| {
            let enclosed = prepared.as_ref().map(|prepared| Enclosure::engage(prepared, last_mile));
            let enclosure = enclosed.transpose().map_err(|error| error.to_string())?;
            let egress = enclosure.as_ref().and_then(Enclosure::egress);
            Ok((enclosure, Outer { egress }))
        })
    }

    /// The same where somebody else does what takes root, such as the host daemon. `enclose` is given the last mile, which
    /// waits for its orders meanwhile, and its pidfd; when it returns, the process is in its enclosure.
    ///
    /// # Errors
    /// As [`Self::spawn`], and what `enclose` says.
    pub fn spawn_under(
        self,
        stdio: Stdio3,
        enclose: impl FnOnce(Pid, BorrowedFd<'_>) -> Result<Outer, String>,
    ) -> Result<Guard, SpawnError> {
        self.is_for(Encloser::Daemon)?;
        self.start(stdio, |last_mile| {
            let pidfd = sys::pidfd_open(last_mile)
                .map_err(|error| format!("the server cannot be watched: {}", error.desc()))?;
            Ok((None, enclose(last_mile, pidfd.as_fd())?))
        })
    }

    /// Orders for one encloser carried out by another would leave the server without a layer.
    fn is_for(&self, encloser: Encloser) -> Result<(), SpawnError> {
        match self.encloser == encloser {
            true => Ok(()),
            false => Err(SpawnError::Own(format!(
                "the orders were prepared for another encloser than {encloser:?}"
            ))),
        }
    }

    fn start(
        self,
        stdio: Stdio3,
        enclose: impl FnOnce(Pid) -> Result<(Option<Enclosure>, Outer), String>,
    ) -> Result<Guard, SpawnError> {
        let (ours, theirs) = control_sockets()?;
        let server = start_last_mile(theirs, stdio.stdout, stdio.stderr)?;
        // The last mile waits for its orders: until it has them, everything about it can be arranged.
        let enclosed = enclose(server).map_err(|error| give_up(server, SpawnError::Own(error)))?;
        let outcome = converse(&ours, &self, stdio.stdin);
        match outcome {
            Ok(conversed) => self.guard(server, conversed, enclosed).map_err(|error| give_up(server, error)),
            Err(error) => Err(give_up(server, error)),
        }
    }

    fn guard(
        self,
        server: Pid,
        conversed: Conversed,
        (enclosure, outer): (Option<Enclosure>, Outer),
    ) -> Result<Guard, SpawnError> {
        let Conversed { sealed, writable, listener } = conversed;
        let pidfd = sys::pidfd_open(server).map_err(|error| own("the server cannot be watched", error))?;
        // Without a receiver of reports the filter refuses what the gate would carry out.
        let gate = self.gate.filter(|_| listener.is_some());
        let egress = gate.as_ref().map(notify::Prepared::egress).or(outer.egress);
        let modes = Modes::new(writable, self.files);
        let denials =
            listener.map(|listener| DenialListener::new(listener, self.profile, modes, gate)).transpose();
        let denials = denials.map_err(|error| own("the reports cannot be received", error))?;
        Ok(Guard::new(server, pidfd, (denials, enclosure), egress, sealed))
    }
}

fn control_sockets() -> Result<(OwnedFd, OwnedFd), SpawnError> {
    let refuse = |error| own("a socket pair cannot be made", error);
    let pair =
        socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC).map_err(refuse)?;
    setsockopt(&pair.0, ReceiveTimeout, &TimeVal::seconds(PATIENCE)).map_err(refuse)?;
    Ok(pair)
}

/// The exit status of a last mile whose supervisor is gone; nobody sees it.
const ABANDONED: u8 = 125;

/// Starts the last mile, with the socket as its standard input, so that no descriptor has to be inheritable.
///
/// A supervisor with one thread forks: the child may then do whatever a new process may, and the start of this program
/// a second time is saved (0.7 ms where `cpuid` traps, as in virtual machines). With more threads the child could find
/// a lock held for ever at its first allocation, so there it becomes this program anew.
fn start_last_mile(socket: OwnedFd, stdout: OwnedFd, stderr: OwnedFd) -> Result<Pid, SpawnError> {
    if sys::has_one_thread() {
        let supervisor = getpid();
        let stage = || {
            // It waits for its orders while root's layers are arranged; a supervisor that is killed then ends it too. One
            // that was killed before this is nobody's parent any more, and would be waited for in vain: this process has
            // a copy of the other end of the socket, so that it never sees it closed.
            if !sys::dies_with(supervisor) {
                return ABANDONED;
            }
            enter::on_streams(&socket, &stdout, &stderr)
        };
        return sys::fork(stage).map_err(|error| own("mcpguard cannot fork", error));
    }
    start_anew(socket, stdout, stderr)
}

/// Starts this very program as `mcpguard enter`, with an empty environment, so that no secret stands in that of the stage.
fn start_anew(socket: OwnedFd, stdout: OwnedFd, stderr: OwnedFd) -> Result<Pid, SpawnError> {
    let mut stage = Process::new("/proc/self/exe");
    stage.arg0("mcpguard").arg("enter").env_clear();
    stage.stdin(Stdio::from(socket)).stdout(Stdio::from(stdout)).stderr(Stdio::from(stderr));
    let child =
        stage.spawn().map_err(|error| SpawnError::Own(format!("mcpguard cannot start itself: {error}")))?;
    i32::try_from(child.id()).map(Pid::from_raw).map_err(|error| SpawnError::Own(error.to_string()))
}

/// What the last mile told.
struct Conversed {
    sealed: Sealed,
    writable: Vec<PathBuf>,
    listener: Option<OwnedFd>,
}

fn converse(socket: &OwnedFd, ready: &Ready, stdin: OwnedFd) -> Result<Conversed, SpawnError> {
    orders::send(socket.as_fd(), &ready.orders, Some(stdin.as_fd())).map_err(|error| unheard(&error))?;
    drop(stdin);
    let (word, mut descriptors) = orders::receive::<Word>(socket).map_err(|error| unheard(&error))?;
    let (sealed, writable) = match word {
        Word::Sealed(sealed, writable) => (sealed, writable.into_iter().map(PathBuf::from).collect()),
        Word::Failed(failed) => return Err(failed.into()),
    };
    // `execve` closes the other end: the end of the stream is the news that the server runs.
    match orders::receive::<Word>(socket) {
        Err(WireError::Gone) => Ok(Conversed { sealed, writable, listener: descriptors.pop() }),
        Ok((Word::Failed(failed), _)) => Err(failed.into()),
        Ok((Word::Sealed(..), _)) => Err(SpawnError::Own("the last mile spoke out of turn".to_owned())),
        Err(error) => Err(unheard(&error)),
    }
}

fn unheard(error: &WireError) -> SpawnError {
    SpawnError::Own(format!("the server was not started: the last mile does not answer ({error})"))
}

/// Nothing of a failed start is left: the stage is killed and reaped. A stage that died says more than its silence.
fn give_up(server: Pid, error: SpawnError) -> SpawnError {
    // It is our child and not reaped, so the number can mean nobody else. It may have ended already.
    let _ = kill(server, Signal::SIGKILL);
    let status = loop {
        match waitpid(server, None) {
            Err(Errno::EINTR) => {}
            other => break other,
        }
    };
    match (status, error) {
        (Ok(WaitStatus::Signaled(_, signal, _)), SpawnError::Own(message)) if signal != Signal::SIGKILL => {
            SpawnError::Own(format!("{message}; it was ended by {signal}"))
        }
        (_, error) => error,
    }
}

fn own(what: &str, error: Errno) -> SpawnError {
    SpawnError::Own(format!("{what}: {}", error.desc()))
}

//! The canary: a child of the supervisor that tries what the session must not do, to see it denied.
//!
//! It is marked as the session's and sits in its control group, but under neither Landlock nor seccomp, so that nobody
//! but the eBPF layer can be the one who denies. It tries to open one file, to connect and to send to one address and to
//! execute one program, tells what came of it, and ends. It is proof only together with its events in the ring.

mod attempt;
mod zygote;

use std::ffi::CString;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use abi::{Access, EventKind};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{Pid, pipe2, read, write};
use serde::{Deserialize, Serialize};

pub(crate) use zygote::Zygote;

use super::events::Event;
use super::layer::Layer;
use super::maps::MapsError;
use super::session::{Mark, Session};
use crate::cgroup::{Group, GroupError};
use crate::sys;

/// What the canary tries. Each must be something that the session's policy denies to every class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bait {
    /// A file or directory that exists, to open for reading.
    pub file: Option<CString>,
    /// An address to connect a UDP socket to, and to send a datagram to.
    pub address: Option<SocketAddr>,
    /// A program to execute. It is started with the one argument `--canary-was-not-denied` if nobody denies it.
    pub program: Option<CString>,
}

/// Why the canary could not be started or heard.
#[derive(Debug, thiserror::Error)]
pub enum CanaryError {
    /// A system call of its making failed.
    #[error("the canary cannot be started: {what}: {}", errno.desc())]
    Start {
        /// What failed.
        what: &'static str,
        /// Why.
        errno: Errno,
    },
    /// There is no process for it.
    #[error("the canary cannot be forked: {}", .0.desc())]
    Fork(Errno),
    /// It could not join the session's group.
    #[error("the canary cannot join the session's control group: {0}")]
    Group(#[from] GroupError),
    /// It could not be marked.
    #[error(transparent)]
    Mark(#[from] MapsError),
    /// It ended without a word.
    #[error("the canary ended before it had told what it saw")]
    Silent,
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was not asked for.
    NotTried,
    /// It was denied as the programs deny (`EPERM`).
    Denied,
    /// It failed in another way.
    Failed(Errno),
    /// It succeeded: there is a hole.
    Allowed,
}

/// What the canary saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The canary's process, which its events carry.
    pub process: Pid,
    /// Opening the file.
    pub open: Answer,
    /// Making a socket and connecting it to the address.
    pub connect: Answer,
    /// Sending a datagram to the address, without a connection.
    pub send: Answer,
    /// Executing the program.
    pub exec: Answer,
}

/// What is missing for a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Gap {
    /// An attempt was not denied.
    #[error("the attempt to {attempt} was answered with {answer:?} instead of being denied")]
    NotDenied {
        /// `open a file`, for example.
        attempt: &'static str,
        /// What came of it.
        answer: Answer,
    },
    /// It was denied, and nobody told.
    #[error("the attempt to {attempt} was denied, but no event of it arrived")]
    NoEvent {
        /// `open a file`, for example.
        attempt: &'static str,
    },
}

impl Tried {
    /// Whether every attempt was denied, and by the programs: each has its event among these.
    pub fn proves<'a>(&self, events: impl IntoIterator<Item = &'a Event> + Clone) -> Result<(), Gap> {
        type IsTold = fn(&Event) -> bool;
        let attempts: [(&'static str, Answer, IsTold); 4] = [
            ("open a file", self.open, |event| {
                event.kind == EventKind::Open && event.access & Access::EXECUTE == 0
            }),
            ("connect a socket", self.connect, |event| {
                [EventKind::Connect, EventKind::Socket].contains(&event.kind)
            }),
            ("send a datagram", self.send, |event| {
                [EventKind::Send, EventKind::Socket].contains(&event.kind)
            }),
            ("execute a program", self.exec, |event| {
                event.kind == EventKind::Exec
                    || event.kind == EventKind::Open && event.access & Access::EXECUTE != 0
            }),
        ];
        for (attempt, answer, is_told) in attempts {
            match answer {
                Answer::NotTried => continue,
                Answer::Denied => {}
                Answer::Failed(_) | Answer::Allowed => return Err(Gap::NotDenied { attempt, answer }),
            }
            let mut own = events.clone().into_iter().filter(|event| event.process == self.process);
            if !own.any(is_told) {
                return Err(Gap::NoEvent { attempt });
            }
        }
        Ok(())
    }
}

/// A canary at work.
#[derive(Debug)]
pub struct Canary {
    process: Pid,
    pidfd: OwnedFd,
    words: OwnedFd,
    heard: Vec<u8>,
    bait: Bait,
}

impl Canary {
    /// How long one may take. An emulated machine under load is fifty times slower than a real one.
    pub const PATIENCE: Duration = Duration::from_secs(20);

    /// Starts it and returns at once. It is a child of this process: whoever reaps children may reap it.
    pub fn start(
        layer: &mut Layer,
        session: &Session,
        group: Option<&Group>,
        bait: &Bait,
    ) -> Result<Self, CanaryError> {
        Self::forked(layer, session, group, bait, |parent, wait, say| {
            sys::fork_beside_threads(|| attempt::run(bait, parent, wait, say))
        })
    }

    /// The same, forked by a zygote of this process; by this process itself, once, where that does not answer.
    pub(crate) fn start_from(
        zygote: &mut Option<Zygote>,
        layer: &mut Layer,
        session: &Session,
        group: Option<&Group>,
        bait: &Bait,
    ) -> Result<Self, CanaryError> {
        if let Some(living) = zygote {
            let fork = |_: Pid, wait: &OwnedFd, say: &OwnedFd| living.fork(bait, wait, say);
            match Self::forked(layer, session, group, bait, fork) {
                Err(CanaryError::Fork(_)) => {}
                other => return other,
            }
        }
        *zygote = Zygote::start().ok();
        // Over pipes of its own: one that is forked late reads the end of those before, and ends.
        Self::start(layer, session, group, bait)
    }

    fn forked(
        layer: &mut Layer,
        session: &Session,
        group: Option<&Group>,
        bait: &Bait,
        fork: impl FnOnce(Pid, &OwnedFd, &OwnedFd) -> Result<Pid, Errno>,
    ) -> Result<Self, CanaryError> {
        let fails = |what| move |errno| CanaryError::Start { what, errno };
        let (wait, go) = pipe2(OFlag::O_CLOEXEC).map_err(fails("a pipe cannot be made"))?;
        let (words, say) =
            pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).map_err(fails("a pipe cannot be made"))?;
        let process = fork(nix::unistd::getpid(), &wait, &say).map_err(CanaryError::Fork)?;
        let pidfd = match sys::pidfd_open(process) {
            Ok(pidfd) => pidfd,
            Err(errno) => {
                // Our own unreaped child: the number can mean nobody else.
                let _ = nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGKILL);
                return Err(CanaryError::Start { what: "it cannot be watched", errno });
            }
        };
        // From here on dropping it ends it.
        let canary = Self { process, pidfd, words, heard: Vec::new(), bait: bait.clone() };
        let until = until().map_err(fails("the time cannot be told"))?;
        layer.set_canary(session.slot(), process.as_raw().cast_unsigned(), until)?;
        layer.tag(session, canary.pidfd.as_fd(), Mark::Armed)?;
        if let Some(group) = group {
            group.join(process)?;
        }
        write(&go, &[1]).map_err(fails("it cannot be told to begin"))?;
        Ok(canary)
    }

    /// The canary's process.
    pub fn process(&self) -> Pid {
        self.process
    }

    /// Readable when there is something to [collect](Self::collect).
    pub fn words(&self) -> BorrowedFd<'_> {
        self.words.as_fd()
    }

    /// What it saw, once it has ended; `None` while it is still at work. Never waits.
    pub fn collect(&mut self) -> Result<Option<Tried>, CanaryError> {
        let mut buffer = [0; 64];
        loop {
            match read(&self.words, &mut buffer) {
                Ok(0) => break,
                Ok(count) => self.heard.extend_from_slice(&buffer[..count]),
                Err(Errno::EAGAIN) => return Ok(None),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(CanaryError::Start { what: "it cannot be heard", errno }),
            }
        }
        self.reap();
        let told = attempt::answers(&self.heard, &self.bait).ok_or(CanaryError::Silent)?;
        let [open, connect, send, exec] = told;
        Ok(Some(Tried { process: self.process, open, connect, send, exec }))
    }

    /// Takes the dead child away, if nobody has done so.
    fn reap(&self) {
        // Its words end with its descriptors, a moment before it can be reaped; then the supervisor's own reaping does it.
        let _ = waitpid(self.process, Some(WaitPidFlag::WNOHANG));
    }
}

/// When a canary that begins now is late, as the programs tell the time: nanoseconds of `CLOCK_MONOTONIC`.
fn until() -> Result<u64, Errno> {
    let until = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?) + Canary::PATIENCE;
    Ok(u64::try_from(until.as_nanos()).unwrap_or(u64::MAX))
}

impl Drop for Canary {
    fn drop(&mut self) {
        // It may have ended; the handle can mean nobody else.
        let _ = sys::signal_pidfd(self.pidfd.as_fd(), libc::SIGKILL);
        self.reap();
    }
}

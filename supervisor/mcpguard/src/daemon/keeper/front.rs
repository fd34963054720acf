//! The other process: started, watched, started again.

use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

use super::pipe::Pipe;
use crate::daemon::Arguments;

/// The shortest and the longest time between two starts.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// Whoever lived so long is started again at once.
const LONG: Duration = Duration::from_secs(60);

/// The front and its keeper's end of the socket pair.
pub(super) struct Front {
    pub(super) child: Child,
    pub(super) pipe: Pipe,
    began: Instant,
}

impl Front {
    /// Starts this very program as the front: without privileges, with the two sockets as its standard streams.
    pub(super) fn start(arguments: &Arguments, listener: &OwnedFd) -> anyhow::Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::Stream, None, flags)
            .context("no socket pair can be made")?;
        let mut command = Command::new("/proc/self/exe");
        command.arg0("mcpguard").arg("daemon").arg("--front").args(arguments.for_the_front()).env_clear();
        // It tells as much as this process does.
        command.env("MCPGUARD_LOG", tracing::level_filters::LevelFilter::current().to_string());
        command
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::from(listener.try_clone()?))
            .stderr(Stdio::inherit());
        let (uid, gid) = arguments.unprivileged()?;
        // Supplementary groups go with it.
        command.gid(gid.as_raw()).uid(uid.as_raw());
        let child = command.spawn().context("the front cannot be started")?;
        Ok(Self { child, pipe: Pipe::new(ours), began: Instant::now() })
    }

    /// How long to wait before the next one is started.
    pub(super) fn pause(&self, last: Duration) -> Duration {
        match self.began.elapsed() > LONG {
            true => Duration::ZERO,
            false => (last * 2).clamp(PAUSE.0, PAUSE.1),
        }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // Our own unreaped child.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

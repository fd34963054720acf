//! A program of the user's, which reads the alert on its stdin.
//!
//! The supervisor reaps every child, so that nobody else can wait for one: a shell around the program tells its exit status.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::super::found::Message;
use super::Way;

/// How long a program is waited for. It is not ended: it may be doing what it should, and only its turn is over.
const PATIENCE: Duration = Duration::from_secs(10);

/// Programs that are not waited for any longer and still run. With so many no other one is started.
const MOST: usize = 4;

/// A program that is told.
pub(in crate::session::alerts) struct Program {
    argv: Vec<String>,
    patience: Duration,
    left_alone: Vec<ChildStdout>,
    /// Held while one is started.
    starting: Arc<Mutex<()>>,
}

impl Program {
    pub(in crate::session::alerts) fn new(argv: Vec<String>, starting: Arc<Mutex<()>>) -> Self {
        Self { argv, patience: PATIENCE, left_alone: Vec::new(), starting }
    }

    #[cfg(test)]
    pub(in crate::session::alerts) fn hasty(self) -> Self {
        Self { patience: Duration::from_millis(200), ..self }
    }

    /// Gives the program a line and says how it ended; `None`: something killed the shell around it.
    fn run(&mut self, line: &[u8]) -> anyhow::Result<Option<String>> {
        let mut told = self.start(line)?;
        let until = Instant::now() + self.patience;
        let mut status = String::new();
        while is_ready(&told, until)? {
            let mut piece = [0; 16];
            match told.read(&mut piece)? {
                0 => return Ok(Some(status).filter(|status| !status.is_empty())),
                count => status.push_str(&String::from_utf8_lossy(&piece[..count])),
            }
        }
        self.left_alone.push(told);
        anyhow::bail!("`{}` still runs after {} s", self.argv.join(" "), self.patience.as_secs())
    }

    fn start(&self, line: &[u8]) -> anyhow::Result<ChildStdout> {
        let _alone = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", r#""$@" >&2; printf %s "$?""#, "mcpguard-alert"]).args(&self.argv);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().context("/bin/sh cannot be started")?;
        if let Some(mut stdin) = child.stdin.take() {
            // An alert is shorter than what a pipe holds. One that does not read was told all the same.
            let _ = stdin.write_all(line).and_then(|()| stdin.write_all(b"\n"));
        }
        child.stdout.take().context("its shell has no stdout")
    }

    /// Forgets those that have ended meanwhile.
    fn look_after(&mut self) {
        let now = Instant::now();
        let mut byte = [0; 16];
        self.left_alone.retain_mut(|told| {
            while is_ready(told, now).unwrap_or(false) {
                if told.read(&mut byte).unwrap_or(0) == 0 {
                    return false;
                }
            }
            true
        });
    }
}

impl Way for Program {
    fn tell(&mut self, message: &Message, missed: u64) -> anyhow::Result<()> {
        self.look_after();
        anyhow::ensure!(self.left_alone.len() < MOST, "{MOST} of its kind still run");
        let line = message.json(missed)?;
        // The end of a session kills every child; what it interrupted is done once more.
        let ended = match self.run(&line)? {
            None => self.run(&line)?,
            ended => ended,
        };
        match ended.as_deref() {
            Some("0") => Ok(()),
            Some(status) => anyhow::bail!("`{}` ended with status {status}", self.argv.join(" ")),
            None => anyhow::bail!("`{}` was killed", self.argv.join(" ")),
        }
    }
}

/// Waits until something can be read, or its end; `false`: not until then.
fn is_ready(told: &ChildStdout, until: Instant) -> anyhow::Result<bool> {
    let left = until.saturating_duration_since(Instant::now());
    let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
    let mut waits = [PollFd::new(told.as_fd(), PollFlags::POLLIN)];
    match poll(&mut waits, left) {
        Err(nix::errno::Errno::EINTR) => is_ready(told, until),
        Err(error) => Err(error.into()),
        Ok(ready) => Ok(ready > 0),
    }
}

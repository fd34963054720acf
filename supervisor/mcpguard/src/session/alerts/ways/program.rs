//! A program of the user's, which reads the alert on its stdin.
//!
//! The supervisor reaps every child, so that nobody else can wait for one: a shell around the program tells its exit status.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::super::found::Message;
use super::super::running::Running;
use super::Way;

/// How long a program is waited for. It is not ended: it may be doing what it should, and only its turn is over.
const PATIENCE: Duration = Duration::from_secs(10);

/// A program that is told.
pub(in crate::session::alerts) struct Program {
    argv: Vec<String>,
    patience: Duration,
    running: Arc<Mutex<Running>>,
}

impl Program {
    pub(in crate::session::alerts) fn new(argv: Vec<String>, running: Arc<Mutex<Running>>) -> Self {
        Self { argv, patience: PATIENCE, running }
    }

    #[cfg(test)]
    pub(in crate::session::alerts) fn hasty(self) -> Self {
        Self { patience: Duration::from_millis(200), ..self }
    }

    /// Gives the program a line and says how it ended; `None`: something killed the shell around it.
    fn run(&self, line: &[u8]) -> anyhow::Result<Option<String>> {
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
        anyhow::bail!("`{}` still runs after {} s", self.argv.join(" "), self.patience.as_secs())
    }

    /// In a process group of its own, so that all of it can be ended.
    fn start(&self, line: &[u8]) -> anyhow::Result<ChildStdout> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.make_room()?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", r#""$@" >&2; printf %s "$?""#, "mcpguard-alert"]).args(&self.argv);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).process_group(0);
        let mut child = command.spawn().context("/bin/sh cannot be started")?;
        let told = child.stdout.take().context("its shell has no stdout")?;
        running.add(child.id(), &told)?;
        if let Some(mut stdin) = child.stdin.take() {
            // An alert is shorter than what a pipe holds. One that does not read was told all the same.
            let _ = stdin.write_all(line).and_then(|()| stdin.write_all(b"\n"));
        }
        Ok(told)
    }
}

impl Way for Program {
    fn tell(&mut self, message: &Message, missed: u64) -> anyhow::Result<()> {
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

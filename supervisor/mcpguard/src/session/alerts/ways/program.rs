//! A program of the user's, which reads the alert on its stdin.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::found::Message;
use super::super::running::Running;
use super::Way;
use crate::session::shell::Told;

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

    /// Gives the program a line and says how it ended. While it reads, nothing is held that others wait for.
    fn run(&self, line: &[u8]) -> anyhow::Result<Told> {
        let shell = self.running.lock().unwrap_or_else(PoisonError::into_inner).start(&self.argv)?;
        shell.ask(line, Some(Instant::now() + self.patience))
    }
}

impl Way for Program {
    fn tell(&mut self, message: &Message, missed: u64) -> anyhow::Result<()> {
        let line = message.json(missed)?;
        // The end of a session kills every child; what it interrupted is done once more.
        let ended = match self.run(&line)? {
            Told::Killed => self.run(&line)?,
            ended => ended,
        };
        let program = self.argv.join(" ");
        match ended {
            Told::Status(status) if status == "0" => Ok(()),
            Told::Status(status) => anyhow::bail!("`{program}` ended with status {status}"),
            Told::Killed => anyhow::bail!("`{program}` was killed"),
            Told::Late => anyhow::bail!("`{program}` still runs after {} s", self.patience.as_secs()),
        }
    }
}

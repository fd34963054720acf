//! The host daemon as operators ask it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::bail;
use control::message::{Refusal, Sessions, Summary};
use control::{Answer, FromDaemon, Request};

use crate::hosted::{Line, SOCKET, is_there};

/// How long the daemon may take to greet and to list.
pub(crate) const PATIENCE: Duration = Duration::from_millis(900);

/// Which daemon.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Daemon {
    /// Where the host daemon listens
    #[arg(long, value_name = "PATH", default_value = SOCKET, hide = true)]
    daemon_socket: PathBuf,
}

/// A daemon that has answered.
pub(crate) struct Host(Line);

impl Daemon {
    /// The daemon that is meant, and what it lists within this time; `None`: there is none.
    ///
    /// # Errors
    /// It does not answer in time, or refuses.
    pub(super) fn list(&self, patience: Duration) -> Option<anyhow::Result<(Host, Vec<Summary>)>> {
        let there = is_there(&self.daemon_socket);
        there.then(|| {
            let until = Instant::now() + patience;
            let mut host = self.connect(patience)?;
            let listed = host.list(until)?;
            Ok((host, listed))
        })
    }

    /// Connects to it; it must be there.
    ///
    /// # Errors
    /// It is not, or does not answer in time, or refuses this process.
    pub(crate) fn connect(&self, patience: Duration) -> anyhow::Result<Host> {
        Line::connect(&self.daemon_socket, patience).map(Host)
    }
}

impl Host {
    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// It does not answer in time, or closes the connection.
    pub(crate) fn ask(&mut self, request: Request, patience: Duration) -> anyhow::Result<Answer> {
        self.0.ask_and_wait(request, &[], patience).map(|(answer, _)| answer)
    }

    /// Asks, and waits for all parts of the answer.
    ///
    /// # Errors
    /// As [`Self::ask`]; the time is for all of them.
    pub(crate) fn ask_in_parts(&mut self, request: Request, until: Instant) -> anyhow::Result<Vec<Answer>> {
        let id = self.0.ask(request, &[])?;
        let mut parts = Vec::new();
        loop {
            match self.0.next(until)?.0 {
                FromDaemon::Answered(answered, answer) if answered == id => {
                    let is_part = answer.is_part();
                    parts.push(answer);
                    if !is_part {
                        return Ok(parts);
                    }
                }
                FromDaemon::Closing(Refusal { sentence, .. }) => bail!("it refuses: {sentence}"),
                _ => {}
            }
        }
    }

    /// What it says next; `None`: nothing for a while.
    ///
    /// # Errors
    /// It has closed the connection, or does not keep to the protocol.
    pub(crate) fn next(&mut self) -> anyhow::Result<Option<FromDaemon>> {
        if let Some((said, _)) = self.0.said()? {
            return Ok(Some(said));
        }
        self.0.hear(None).map(|_| None)
    }

    /// The sessions that this user may see.
    fn list(&mut self, until: Instant) -> anyhow::Result<Vec<Summary>> {
        let mut all = Vec::new();
        for part in self.ask_in_parts(Request::List, until)? {
            match part {
                Answer::Sessions(Sessions { sessions, more: _ }) => all.extend(sessions),
                Answer::Refused(Refusal { sentence, .. }) => bail!("it refuses: {sentence}"),
                other => bail!("it answers with {other:?}"),
            }
        }
        Ok(all)
    }
}

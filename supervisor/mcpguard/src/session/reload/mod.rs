//! Another policy for the session that runs: asked for at its door, composed beside the work, in force between two messages.
//!
//! ```text
//! mcpguard reload ─► Door ─► compose again ─► compare ─► prepare: kernel's tables, daemon     (a thread; the session goes on)
//!                                                 └ refused: nothing changes
//! between two messages: way out stands still ─► masks of both ─► one store ─► doorman, records, way out
//! ```

mod difference;
mod reply;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::{io, thread};

use enforce::{Encloser, Fixed, Revised};
use tokio::sync::oneshot;

use super::door::{Asked, Door};
use super::reach;
use crate::cli::exec::covered;
use crate::compose::Composed;
use crate::hosted::{Next, Place};

use difference::{Side, compare};
pub(crate) use reply::Reply;

/// What a session needs to take another policy.
pub(super) struct Reloader {
    door: Door,
    /// What the server was started with.
    command: Arc<enforce::Command>,
    /// Its process.
    server: Arc<OwnedFd>,
    fixed: Arc<Fixed>,
    allow_degraded: bool,
}

/// Who has the kernel's part.
#[derive(Clone, Debug)]
pub(super) enum Keeper {
    /// Nobody has one.
    Nobody,
    /// This process.
    Own,
    /// The host daemon.
    Daemon(Place),
}

/// The kernel's part of a policy that is ready.
pub(super) enum Kernels {
    /// There is none.
    None,
    /// To be written down by this process.
    Own(Box<Revised>),
    /// Written down by the daemon.
    Daemon(Next),
}

/// A policy that can be put in force.
pub(super) struct Candidate {
    pub(super) composed: Arc<Composed>,
    pub(super) kernels: Kernels,
    /// What holds only with the next start.
    pub(super) later: Vec<String>,
    /// How often the session's policy was changed, with this time.
    pub(super) stamp: u8,
}

impl Reloader {
    /// Opens the door.
    ///
    /// # Errors
    /// It cannot be had; then the session's policy stays what it is.
    pub(super) fn open(
        place: &Path,
        server: &super::start::Server,
        allow_degraded: bool,
    ) -> io::Result<Self> {
        Ok(Self {
            door: Door::open(place)?,
            command: Arc::new(server.command.clone()),
            server: Arc::new(server.guard.pidfd().try_clone_to_owned()?),
            fixed: Arc::new(server.fixed.clone()),
            allow_degraded,
        })
    }

    /// The next one who asks.
    pub(super) async fn next(&self) -> Asked {
        self.door.next().await
    }

    /// Composes the policy as it is written now, on a thread of its own; the session goes on meanwhile.
    ///
    /// # Errors
    /// Why nothing changes, a sentence each.
    pub(super) async fn candidate(
        &self,
        old: &Arc<Composed>,
        keeper: Keeper,
        stamp: u8,
    ) -> Result<Option<Candidate>, Vec<String>> {
        let (send, made) = oneshot::channel();
        let work = Work {
            old: Arc::clone(old),
            command: Arc::clone(&self.command),
            server: Arc::clone(&self.server),
            fixed: Arc::clone(&self.fixed),
            allow_degraded: self.allow_degraded,
            keeper,
            stamp,
        };
        let started = thread::Builder::new().name("reload".to_owned()).spawn(move || {
            // Whoever asked may have gone with the session.
            let _ = send.send(work.done());
        });
        started.map_err(|error| vec![format!("the policy cannot be composed: {error}")])?;
        made.await.unwrap_or_else(|_| Err(vec!["the policy could not be composed".to_owned()]))
    }
}

/// What the thread is given.
struct Work {
    old: Arc<Composed>,
    command: Arc<enforce::Command>,
    server: Arc<OwnedFd>,
    fixed: Arc<Fixed>,
    allow_degraded: bool,
    keeper: Keeper,
    stamp: u8,
}

impl Work {
    /// `None`: the policy is what it was.
    fn done(&self) -> Result<Option<Candidate>, Vec<String>> {
        let whole = |error: anyhow::Error| vec![format!("{error:#}")];
        let new = self.old.again().map_err(whole)?;
        if new.plan == self.old.plan {
            return Ok(None);
        }
        let written = new.recorder.sources().into_iter();
        let mut written = written.filter(|name| reach::policy_is_in_reach(&self.old.plan, name)).peekable();
        if written.peek().is_some() {
            let why = |name| {
                format!("the server may have written {name}, of which its policy consists; move it away")
            };
            return Err(written.map(why).collect());
        }
        covered(&new, self.allow_degraded).map_err(whole)?;
        let later = self.compare(&new)?;
        let kernels = self.kernels(&new).map_err(whole)?;
        Ok(Some(Candidate { composed: Arc::new(new), kernels, later, stamp: self.stamp }))
    }

    fn compare(&self, new: &Composed) -> Result<Vec<String>, Vec<String>> {
        // What root's layers need is prepared elsewhere.
        let ready = enforce::prepare(&new.plan, &new.support, &self.command, Encloser::Daemon);
        let fixed = ready.map_err(|error| vec![error.to_string()])?.fixed();
        let old = Side { plan: &self.old.plan, fixed: &self.fixed };
        let new_side = Side { plan: &new.plan, fixed: &fixed };
        compare(old, new_side, &new.support, matches!(self.keeper, Keeper::Own))
    }

    fn kernels(&self, new: &Composed) -> anyhow::Result<Kernels> {
        Ok(match &self.keeper {
            Keeper::Nobody => Kernels::None,
            Keeper::Own => {
                let implied = enforce::implied(&new.plan, &self.command);
                Kernels::Own(Box::new(Revised::of(&new.plan, &implied, self.stamp.into())?))
            }
            Keeper::Daemon(place) => Kernels::Daemon(Next::prepare(
                place,
                (&self.old, new),
                &self.command,
                self.process(),
                self.stamp,
            )?),
        })
    }

    fn process(&self) -> BorrowedFd<'_> {
        self.server.as_fd()
    }
}

//! Another policy for a session of the host daemon: prepared and put in force on a connection of its own.

use std::net::IpAddr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use abi::Learned;
use anyhow::{Context, bail, ensure};
use control::message::{Code, Learn, NumberedClass, Prepare};
use control::{Answer, Request, SessionId};
use enforce::LearnError;

use super::line::Line;
use super::opening::{refused, request};
use super::remote::grants;
use crate::compose::Composed;

/// How long the daemon may take to compile a policy and to open the files of its rules.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it may take for what is only a look-up and a store, and for the question what holds.
const SHORT: Duration = Duration::from_secs(2);
/// How long it is asked what holds, after a commit that was not answered: a daemon that was killed is back by then.
const UNTIL_KNOWN: Duration = Duration::from_secs(15);

/// Which session of which daemon.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(super) socket: PathBuf,
    pub(super) session: SessionId,
}

/// A policy that the daemon has written down.
#[derive(Clone)]
pub(crate) struct Next {
    place: Place,
    line: Arc<Mutex<Line>>,
    /// Keeps the files of its rules known.
    bundle: Arc<OwnedFd>,
    /// The revision that holds until now, and the one that would.
    before: String,
    revision: String,
}

/// What became of a commit.
#[derive(Debug)]
pub(crate) enum Committed {
    /// The new policy holds.
    Done,
    /// The old one does; why.
    Not(String),
    /// Nobody knows.
    Unknown(String),
}

impl Next {
    /// Has the daemon compile the policy and write it down. `process` is one of the session's; `stamp` says how often its
    /// policy was changed, with this time.
    ///
    /// # Errors
    /// The daemon refuses, with all that it says, does not answer, or compiles another policy.
    pub(crate) fn prepare(
        place: &Place,
        (old, new): (&Composed, &Composed),
        command: &enforce::Command,
        process: BorrowedFd<'_>,
        stamp: u8,
    ) -> anyhow::Result<Self> {
        let classes = old.plan.numbering.pairs();
        let classes = classes.map(|(grants, number)| NumberedClass { grants, number }).collect();
        let (session, open) = (place.session.clone(), request(new, command)?);
        let prepare = Request::Prepare(Box::new(Prepare { session, revision: stamp, classes, open }));
        let mut line = Line::connect(&place.socket, PATIENCE).context("the host daemon does not answer")?;
        let answer = line.ask_and_wait(prepare, &[process], PATIENCE);
        let (answer, descriptors) = answer.context("the host daemon takes no other policy")?;
        let prepared = match answer {
            Answer::Prepared(prepared) => prepared,
            Answer::Refused(refusal) => bail!("the host daemon refuses the policy: {}", refused(&refusal)),
            other => bail!("the host daemon answers with {other:?} where it was asked for another policy"),
        };
        let told: Vec<_> = prepared.classes.iter().map(|class| (class.grants, class.number)).collect();
        ensure!(
            prepared.revision == new.plan.revision && told == new.plan.numbering.pairs().collect::<Vec<_>>(),
            "the host daemon has compiled another policy ({}) than this mcpguard ({}); upgrade whichever of the two is older",
            prepared.revision,
            new.plan.revision
        );
        let [bundle] = <[_; 1]>::try_from(descriptors)
            .map_err(|_| anyhow::anyhow!("the policy lacks its descriptor"))?;
        Ok(Self {
            place: place.clone(),
            line: Arc::new(Mutex::new(line)),
            bundle: Arc::new(bundle),
            before: old.plan.revision.clone(),
            revision: new.plan.revision.clone(),
        })
    }

    fn ask(&self, request: Request) -> anyhow::Result<Answer> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(line.ask_and_wait(request, &[], SHORT)?.0)
    }

    /// An address is known under it.
    ///
    /// # Errors
    /// The session would know too many, or the daemon does not answer.
    pub(crate) fn learn(&self, address: IpAddr, learned: &Learned) -> Result<(), LearnError> {
        let grants = grants(learned);
        if grants.is_empty() {
            return Ok(());
        }
        match self.ask(Request::LearnNext(Learn { address, grants })) {
            Ok(Answer::Done) => Ok(()),
            Ok(Answer::Refused(refusal)) if refusal.code == Code::Full => Err(LearnError::Full),
            _ => Err(LearnError::Daemon),
        }
    }

    /// Puts it in force; a daemon that did not answer is asked what holds until it says so.
    pub(crate) fn commit(&self) -> Committed {
        match self.ask(Request::Commit) {
            Ok(Answer::Done) => Committed::Done,
            Ok(Answer::Refused(refusal)) => Committed::Not(refused(&refusal)),
            Ok(other) => self.find_out(&format!("it answers with {other:?}")),
            Err(error) => self.find_out(&format!("{error:#}")),
        }
    }

    fn find_out(&self, lost: &str) -> Committed {
        let until = Instant::now() + UNTIL_KNOWN;
        while self.before != self.revision && Instant::now() < until {
            match self.revision_that_holds() {
                Some(holds) if holds == self.revision => return Committed::Done,
                Some(holds) if holds == self.before => {
                    return Committed::Not(format!("the host daemon was lost meanwhile ({lost})"));
                }
                _ => std::thread::sleep(Duration::from_millis(100)),
            }
        }
        Committed::Unknown(lost.to_owned())
    }

    fn revision_that_holds(&self) -> Option<String> {
        let mut line = Line::connect(&self.place.socket, SHORT).ok()?;
        let until = Instant::now() + SHORT;
        let id = line.ask(Request::List, &[]).ok()?;
        loop {
            match line.next(until).ok()?.0 {
                control::FromDaemon::Answered(of, Answer::Sessions(part)) if of == id => {
                    let own = part.sessions.into_iter().find(|it| it.session == self.place.session);
                    if own.is_some() || !part.more {
                        return own.map(|summary| summary.revision);
                    }
                }
                control::FromDaemon::Answered(..) | control::FromDaemon::Closing(_) => return None,
                _ => {}
            }
        }
    }

    /// What is to be held from the commit on.
    pub(super) fn bundle(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.bundle)
    }
}

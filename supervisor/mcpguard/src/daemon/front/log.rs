//! The seam to the host log: what the front has to say for the records.

use std::io::Result;

use control::message::{Actor, Because, Dropped, Refusal, Resources, State};
use control::{Selector, SessionId};
use enforce::KernelEvent;
use enforce::keeper::Usage;

use super::memo::Memo;

/// Where facts go. Nothing in it may wait long: it is called by the one thread that serves everybody.
pub(crate) trait Log {
    /// Takes a fact. `notice` is the keeper's number of what it was told by, if it was.
    fn event(&mut self, notice: Option<u64>, fact: &Fact<'_>);

    /// Has everything written that was taken. Gives the number up to which every notice is written for good; it may be
    /// behind. Only what it covers is forgotten by the keeper; the rest is told again after a crash.
    ///
    /// # Errors
    /// Nothing can be written; it is tried again later.
    fn flush(&mut self) -> Result<u64>;

    /// All sessions that there are, with what they use: once before the first fact, so that the log knows which ones have
    /// gone meanwhile, and then about once a second.
    fn look(&mut self, sessions: &[Seen<'_>]);
}

/// A session as it was last seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    /// Which.
    pub(crate) about: About<'a>,
    /// Whether it runs.
    pub(crate) state: State,
    /// What it uses.
    pub(crate) usage: &'a Usage,
}

/// One fact.
#[derive(Debug)]
pub(crate) enum Fact<'a> {
    /// A session was opened.
    Opened(About<'a>),
    /// Its client came back.
    Resumed(About<'a>),
    /// The kernel denied something in it.
    Denied(About<'a>, &'a KernelEvent),
    /// Denials of it that nobody could be told of.
    Dropped(About<'a>, &'a Dropped),
    /// Its limits were reached.
    Resources(About<'a>, Resources),
    /// Somebody has killed it; its end follows.
    Killed(About<'a>, &'a Because),
    /// The guard was not seen to deny what it must; its end follows.
    Unproven(About<'a>, &'a str),
    /// It is over.
    Ended(About<'a>, &'a Because),
    /// It was stopped where it stands.
    Frozen(About<'a>, &'a Because),
    /// It goes on.
    Thawed(About<'a>, &'a Because),
    /// Somebody has changed what its control group is held to.
    Limited(About<'a>, &'a Because),
    /// Another policy holds for it; the revision that held before.
    Revised(About<'a>, &'a str),
    /// It was seen to be denied what it must be.
    Proven(About<'a>),
    /// The kernel denied something in a session that is not known any more.
    DeniedElsewhere(SessionId, &'a KernelEvent),
    /// Something about a session that is not known any more.
    Stray(SessionId),
    /// A peer was refused something.
    Refused {
        /// Its uid.
        uid: u32,
        /// Its process.
        process: i32,
        /// Why.
        refusal: &'a Refusal,
    },
    /// No session of this revision is opened from now on; by whom.
    Quarantined(&'a str, u32),
    /// Sessions of this revision may be opened again; by whom.
    Released(&'a str, u32),
    /// The host's rules were read again; by whom.
    Reloaded(u32),
    /// These sessions are to be killed; by whom. They may have ended by themselves before it is done.
    Doomed(&'a Selector, Actor),
}

/// Which session a fact is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    /// Its id.
    pub(crate) id: &'a SessionId,
    /// Its user.
    pub(crate) uid: u32,
    /// Its supervisor's process.
    pub(crate) supervisor: i32,
    /// Its name, its policy and its rules.
    pub(crate) memo: &'a Memo,
}

//! What all parts of the front share. One thread holds it; nothing stays borrowed while it waits.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

use anyhow::Context;
use control::message::{Because, Dropped, Refusal};
use control::{Build, Event};
use enforce::keeper::Key;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::sync::{Mutex, Notify};

use super::follow::Followers;
use super::frozen::Frozen;
use super::line::Line;
use super::link::Keeper;
use super::log::{Fact, Log, Seen};
use super::opening::Compilers;
use super::quarantine::Quarantine;
use super::rules::Rules;
use super::seats::Seats;
use super::sessions::{Session, Sessions};
use super::settings::Settings;
use super::store::Directory;
use crate::daemon::wire::{Ask, Connection, Offer, Peer, Standing};

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// The front.
pub(super) struct Hub {
    pub(super) settings: Settings,
    pub(super) build: Build,
    pub(super) began: Instant,
    pub(super) offer: Offer,
    pub(super) keeper: Keeper,
    pub(super) seats: Rc<Seats>,
    pub(super) lines: RefCell<BTreeMap<Connection, Rc<Line>>>,
    pub(super) sessions: RefCell<Sessions>,
    pub(super) followers: Followers,
    pub(super) quarantine: RefCell<Quarantine>,
    /// Held by whoever writes into the state directory.
    pub(super) writing: Mutex<()>,
    pub(super) rules: RefCell<Rules>,
    pub(super) compilers: Compilers,
    /// Denials that nobody could be told of, since the front was started.
    pub(super) dropped: Cell<u64>,
    /// What was read last, by whomever.
    pub(super) chunk: RefCell<Box<[u8]>>,
    /// Something was given to the log.
    pub(super) noted: Notify,
    log: RefCell<Box<dyn Log>>,
    log_fails: Cell<bool>,
    /// The last notice that was given to the log.
    noticed: Cell<u64>,
    /// The keeper has forgotten notices up to here.
    heard: Cell<u64>,
    last: Cell<u64>,
}

impl Hub {
    /// Takes over what the keeper has.
    pub(super) fn new(settings: Settings, standing: Standing, log: Box<dyn Log>) -> anyhow::Result<Self> {
        // With fewer there are fewer connections; those that are refused are told so.
        if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
            let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
        }
        let directory = settings.state.try_clone().context("the state directory cannot be used")?;
        let Standing { offer, sessions: kept, metrics: _, restarts: _ } = standing;
        let directory = Directory::new(directory);
        let (mut sessions, stopped) = (Sessions::default(), Frozen::read(&directory));
        for kept in kept {
            let frozen = kept.frozen.then(|| stopped.because(kept.key));
            sessions.insert(Session { frozen, ..Session::kept(kept) });
        }
        Ok(Self {
            build: Build::new(env!("CARGO_PKG_VERSION")).context("this build has no name")?,
            began: Instant::now(),
            offer,
            keeper: Keeper::default(),
            seats: Seats::new(settings.limits),
            lines: RefCell::default(),
            sessions: RefCell::new(sessions),
            followers: Followers::default(),
            quarantine: RefCell::new(Quarantine::read(directory)?),
            writing: Mutex::new(()),
            rules: RefCell::new(Rules::read(&settings.host_rules)),
            compilers: Compilers::new(settings.limits),
            dropped: Cell::new(0),
            chunk: RefCell::new(vec![0; CHUNK].into()),
            noted: Notify::new(),
            log: RefCell::new(log),
            log_fails: Cell::new(false),
            noticed: Cell::new(0),
            heard: Cell::new(0),
            last: Cell::new(0),
            settings,
        })
    }

    /// A number that no connection has had.
    pub(super) fn next_connection(&self) -> Connection {
        self.last.set(self.last.get() + 1);
        Connection(self.last.get())
    }

    /// Gives a fact to the log.
    pub(super) fn record(&self, notice: Option<u64>, fact: &Fact<'_>) {
        self.noticed.set(notice.unwrap_or(0).max(self.noticed.get()));
        self.log.borrow_mut().event(notice, fact);
        self.noted.notify_one();
    }

    /// Shows every session to whoever counts.
    pub(super) fn look(&self) {
        let sessions = self.sessions.borrow();
        let all: Vec<Seen<'_>> = sessions
            .iter()
            .map(|session| Seen { about: session.about(), state: session.state(), usage: &session.usage })
            .collect();
        self.log.borrow_mut().look(&all);
    }

    /// Has the log written; what is written for good is forgotten by the keeper.
    pub(super) fn flush_log(&self) {
        match self.log.borrow_mut().flush() {
            Ok(written) => {
                if self.log_fails.replace(false) {
                    tracing::info!("the host log is written again");
                }
                if written > self.heard.replace(written.max(self.heard.get())) {
                    self.keeper.say(&Ask::Heard(written));
                }
            }
            Err(error) => {
                if !self.log_fails.replace(true) {
                    tracing::error!("the host log cannot be written, and is tried again: {error}");
                }
            }
        }
    }

    /// Whether notices wait to be written by a log that can be.
    pub(super) fn is_writing(&self) -> bool {
        self.heard.get() < self.noticed.get() && !self.log_fails.get()
    }

    /// Somebody was refused something.
    pub(super) fn refused(&self, peer: &Peer, refusal: &Refusal) {
        self.record(None, &Fact::Refused { uid: peer.identity.uid, process: peer.process, refusal });
    }

    /// Something happened in a session: followers are told. Its own client is told by whoever knows how.
    pub(super) fn publish(&self, session: &Session, event: &Event) {
        self.followers.publish(session, event);
    }

    /// A session is over. Its client is told, if it is still there.
    pub(super) fn ended(&self, key: Key, because: Because, notice: Option<u64>) {
        let removed = self.sessions.borrow_mut().remove(key);
        let Some(session) = removed else { return };
        self.record(notice, &Fact::Ended(session.about(), &because));
        let event = Event::Ended(because);
        self.publish(&session, &event);
        session.tell(event);
    }

    /// Denials of a session that nobody could be told of are told.
    pub(super) fn lost(&self, session: &Session, lost: Dropped) {
        let count: u64 = lost.kinds.iter().map(|(_, count)| count).sum();
        self.dropped.set(self.dropped.get().saturating_add(count));
        self.record(None, &Fact::Dropped(session.about(), &lost));
        self.publish(session, &Event::Dropped(lost));
    }
}

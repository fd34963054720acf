//! The sessions that there are.

use std::collections::BTreeMap;
use std::rc::Rc;

use control::message::{Because, Dropped, Resources, State, Summary};
use control::{Candidate, Event, SessionId, SessionName};
use enforce::keeper::{Kept, Key, Usage};

use super::kept::KeptEvents;
use super::line::Line;
use super::log::About;
use super::memo::Memo;
use super::pace::Pace;
use super::settings::Limits;
use super::words;
use crate::daemon::wire::Connection;

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) key: Key,
    pub(super) id: SessionId,
    pub(super) name: SessionName,
    pub(super) uid: u32,
    /// The supervisor's process.
    pub(super) supervisor: i32,
    pub(super) memo: Rc<Memo>,
    pub(super) stage: Stage,
    /// Who stopped it, if somebody has.
    pub(super) frozen: Option<Because>,
    /// Its client's connection, while there is one.
    pub(super) line: Option<Rc<Line>>,
    pub(super) events: KeptEvents,
    /// As last seen.
    pub(super) usage: Usage,
    /// The processors that it used lately.
    pub(super) pace: Pace,
    /// It outlived the front that has written down what was dropped until then.
    pub(super) outlived: bool,
    /// The limits' counts that its client was last told.
    pub(super) resources: Resources,
}

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The keeper opens it.
    Opening,
    /// It is there.
    Running,
    /// Its client has asked for its end.
    Ending,
}

impl Session {
    /// One that the keeper is asked to open.
    pub(super) fn opening(key: Key, name: SessionName, uid: u32, supervisor: i32, memo: Memo) -> Self {
        Self {
            key,
            id: words::id(key),
            name,
            uid,
            supervisor,
            memo: Rc::new(memo),
            stage: Stage::Opening,
            frozen: None,
            line: None,
            events: KeptEvents::default(),
            usage: Usage::default(),
            pace: Pace::default(),
            outlived: false,
            resources: Resources::default(),
        }
    }

    /// One that outlived the last front. Who stopped it is for the caller to know.
    pub(super) fn kept(Kept { key, uid, supervisor, slot: _, memo, frozen: _ }: Kept) -> Self {
        let memo = Memo::from_bytes(&memo);
        let name = SessionName::new(memo.name.as_str()).or_else(|_| SessionName::new("unknown"));
        let name = name.unwrap_or_else(|_| unreachable!("`unknown` is a name"));
        Self { stage: Stage::Running, outlived: true, ..Self::opening(key, name, uid, supervisor, memo) }
    }

    /// For records.
    pub(super) fn about(&self) -> About<'_> {
        About { id: &self.id, uid: self.uid, supervisor: self.supervisor, memo: &self.memo }
    }

    /// For selectors.
    pub(super) fn candidate(&self) -> Candidate<'_> {
        Candidate { id: &self.id, name: &self.name, uid: self.uid }
    }

    /// For lists.
    pub(super) fn summary(&self) -> Summary {
        let Usage { memory, cpu_us, processes, calls, denials, dropped: _, limits: _ } = self.usage;
        Summary {
            session: self.id.clone(),
            name: self.name.clone(),
            uid: self.uid,
            supervisor: self.supervisor.cast_unsigned(),
            policy: self.memo.policy.clone(),
            revision: self.memo.revision.clone(),
            state: self.state(),
            age_ms: self.memo.age_ms(),
            calls,
            denials,
            memory,
            cpu_us,
            processes,
        }
    }

    /// Whether it runs.
    pub(super) fn state(&self) -> State {
        match (self.stage, &self.frozen) {
            (Stage::Opening, _) => State::Opening,
            (Stage::Ending, _) => State::Ending,
            (Stage::Running, Some(because)) => State::Frozen(because.who),
            (Stage::Running, None) => State::Running,
        }
    }

    /// Tells its client, if it is there.
    pub(super) fn tell(&self, event: Event) {
        if let Some(line) = &self.line {
            line.tell(event);
        }
    }

    /// Keeps what the kernel denied, and tells its client.
    pub(super) fn denied(&mut self, event: control::message::KernelEvent, limits: &Limits) {
        self.events.push(event, limits);
        self.catch_up();
    }

    /// Tells its client, if it is there, of the denials that wait, for as long as there is room beside answers.
    pub(super) fn catch_up(&mut self) {
        if let Some(line) = &self.line {
            self.events.tell(|event| line.offer(|| Event::Denied(Box::new(event.clone()))));
        }
    }

    /// Its client is there, and has heard everything up to this number. What nobody was told of and is gone.
    pub(super) fn attach(&mut self, line: &Rc<Line>, heard: u64) -> Option<Dropped> {
        if let Some(old) = self.line.replace(Rc::clone(line)).filter(|old| old.number != line.number) {
            old.cut();
        }
        self.events.resume(heard);
        self.catch_up();
        let lost = self.events.take_lost();
        if let Some(lost) = lost.clone() {
            self.tell(Event::Dropped(lost));
        }
        if self.resources != Resources::default() {
            self.tell(Event::Resources(self.resources));
        }
        if let Some(because) = self.frozen.clone() {
            self.tell(Event::Frozen(because));
        }
        lost
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Sessions(BTreeMap<Key, Session>);

impl Sessions {
    pub(super) fn insert(&mut self, session: Session) {
        self.0.insert(session.key, session);
    }

    pub(super) fn get(&self, key: Key) -> Option<&Session> {
        self.0.get(&key)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Session> {
        self.0.get_mut(&key)
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Session> {
        self.0.remove(&key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.0.values()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The connection is over; its session goes on.
    pub(super) fn detach(&mut self, connection: Connection) {
        for session in self.0.values_mut() {
            if session.line.as_ref().is_some_and(|line| line.number == connection) {
                session.line = None;
            }
        }
    }
}

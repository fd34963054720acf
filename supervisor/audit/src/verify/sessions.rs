//! The numbers of each session: of its records, without gaps; and of its kernel events, each once.

use std::collections::{BTreeMap, BTreeSet};

use super::SessionSeen;
use crate::body::{Body, Carried, CarriedSession, KernelDenial};
use crate::numbers::{KernelNumbers, Number};
use crate::record::{Record, SessionId};

/// What is known of the sessions so far.
#[derive(Default)]
pub(super) struct Sessions {
    order: Vec<SessionId>,
    known: BTreeMap<SessionId, Known>,
    /// Names in the `carried` records of the file that has just begun, until the last of them.
    listed: BTreeSet<SessionId>,
    /// The log began at its beginning, or told where all sessions stand. From there on no session comes from nowhere.
    whole: bool,
}

struct Known {
    /// The number of its first record here; 0 while only a `carried` record told of it.
    first: u64,
    last: u64,
    ended: bool,
    kernel: KernelNumbers,
}

impl Sessions {
    /// Sessions with records here, in the order of the first.
    pub(super) fn seen(&self) -> Vec<SessionSeen> {
        let seen = |session: &SessionId| {
            let Known { first, last, ended, kernel } = self.known.get(session)?;
            let (kernel_last, kernel_missing) = (kernel.last(), kernel.missing());
            let (session, first, last, ended) = (session.clone(), *first, *last, *ended);
            Some(SessionSeen { session, first, last, ended, kernel_last, kernel_missing })
        };
        self.order.iter().filter_map(seen).collect()
    }

    /// Takes the next record; `gone` says that files before the first one are not there any more.
    pub(super) fn add(&mut self, record: &Record, gone: bool) -> Result<(), String> {
        self.whole |= !gone;
        self.numbered(record)?;
        match &record.body {
            Body::KernelDenial(denial) => self.kernel(&record.session, denial),
            Body::Carried(carried) => self.carried(carried, &record.session),
            _ => Ok(()),
        }
    }

    fn numbered(&mut self, record: &Record) -> Result<(), String> {
        let Record { session, seq, body, .. } = record;
        let ended = matches!(body, Body::SessionEnd(_));
        if let Some(known) = self.known.get_mut(session) {
            if known.last.checked_add(1) != Some(*seq) {
                return Err(format!("session {session} goes on with number {seq} after {}", known.last));
            }
            (known.last, known.ended) = (*seq, known.ended || ended);
            if known.first == 0 {
                known.first = *seq;
                self.order.push(session.clone());
            }
            return Ok(());
        }
        if *seq != 1 && self.whole {
            return Err(format!("session {session} starts with number {seq}"));
        }
        let known = Known { first: *seq, last: *seq, ended, kernel: KernelNumbers::default() };
        self.known.insert(session.clone(), known);
        self.order.push(session.clone());
        Ok(())
    }

    fn kernel(&mut self, session: &SessionId, denial: &KernelDenial) -> Result<(), String> {
        let Some(known) = self.known.get_mut(session) else { return Ok(()) };
        let KernelDenial { sequence, denial: _ } = denial;
        match known.kernel.note(*sequence) {
            Number::New => Ok(()),
            Number::Again => Err(format!("kernel event {sequence} of session {session} is there twice")),
        }
    }

    /// Where sessions stand, as the log itself says, must be where they were seen to stand.
    fn carried(&mut self, carried: &Carried, teller: &SessionId) -> Result<(), String> {
        let Carried { sessions, more } = carried;
        for session in sessions {
            if !self.listed.insert(session.session.clone()) {
                return Err(format!("session {} is carried over twice", session.session));
            }
            self.agrees(session)?;
        }
        if *more {
            return Ok(());
        }
        let listed = std::mem::take(&mut self.listed);
        let forgotten = |(session, known): &(&SessionId, &Known)| {
            !known.ended && *session != teller && !listed.contains(*session)
        };
        if let Some((session, _)) = self.known.iter().find(forgotten) {
            return Err(format!("session {session} has not ended and is not carried over"));
        }
        self.whole = true;
        Ok(())
    }

    fn agrees(&mut self, carried: &CarriedSession) -> Result<(), String> {
        let CarriedSession { session, seq, kernel, ended } = carried;
        let kernel = kernel.clone().unwrap_or_default();
        match self.known.get_mut(session) {
            Some(known) if known.last != *seq => {
                Err(format!("session {session} is carried over with number {seq} after {}", known.last))
            }
            Some(known) if self.whole && known.kernel != kernel => {
                Err(format!("session {session} is carried over with other kernel events than it has"))
            }
            Some(known) => {
                (known.kernel, known.ended) = (kernel, known.ended || *ended);
                Ok(())
            }
            None if self.whole => Err(format!("session {session} is carried over and was never there")),
            None => {
                let known = Known { first: 0, last: *seq, ended: *ended, kernel };
                self.known.insert(session.clone(), known);
                Ok(())
            }
        }
    }
}

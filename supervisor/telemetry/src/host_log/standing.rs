//! Where each session stands in the log: the number of its last record, and the kernel's numbers that are there.

use std::collections::HashMap;
use std::num::NonZeroU64;

use audit::{Body, Carried, CarriedSession, KernelDenial, KernelNumbers, Number, SessionId};

/// Sessions that one `carried` record names at most: some 200 KiB.
const CARRIED_AT_ONCE: usize = 1024;

/// Where one session stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// The number of its last record.
    pub(super) seq: u64,
    pub(super) kernel: KernelNumbers,
    pub(super) ended: Option<Ended>,
}

/// A session that has ended is remembered for one file more, should a late event of it come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// In the present file.
    Here,
    /// In a file before.
    Before,
}

/// Where all sessions stand.
#[derive(Clone, Debug, Default)]
pub(super) struct Standings {
    known: HashMap<SessionId, Standing>,
}

impl Standings {
    pub(super) fn get(&self, session: &SessionId) -> Option<&Standing> {
        self.known.get(session)
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = (&SessionId, &Standing)> {
        self.known.iter()
    }

    /// The number that the session's next record has.
    pub(super) fn next(&self, session: &SessionId) -> u64 {
        self.known.get(session).map_or(1, |standing| standing.seq + 1)
    }

    /// Whether this event of the kernel is in the log already.
    pub(super) fn has(&self, session: &SessionId, sequence: NonZeroU64) -> bool {
        self.known.get(session).is_some_and(|standing| standing.kernel.judge(sequence) == Number::Again)
    }

    /// A record was written; gives where the session stood before.
    pub(super) fn wrote(&mut self, session: &SessionId, body: &Body) -> Option<Standing> {
        let before = self.known.get(session).cloned();
        let standing = self.known.entry(session.clone()).or_default();
        standing.seq += 1;
        match body {
            Body::KernelDenial(KernelDenial { sequence, .. }) => drop(standing.kernel.note(*sequence)),
            Body::SessionEnd(_) => standing.ended = Some(Ended::Here),
            _ => {}
        }
        before
    }

    /// Takes back what [`Self::wrote`] did.
    pub(super) fn restore(&mut self, session: SessionId, before: Option<Standing>) {
        match before {
            Some(standing) => drop(self.known.insert(session, standing)),
            None => drop(self.known.remove(&session)),
        }
    }

    /// A line of the log that was read: whose it is, its number, and the kernel's number if it tells of an event.
    pub(super) fn read(&mut self, session: SessionId, seq: u64, sequence: Option<NonZeroU64>, ended: bool) {
        let standing = self.known.entry(session).or_default();
        standing.seq = standing.seq.max(seq);
        if let Some(sequence) = sequence {
            standing.kernel.note(sequence);
        }
        if ended {
            standing.ended = Some(Ended::Here);
        }
    }

    /// A `carried` record that was read.
    pub(super) fn resume(&mut self, carried: Carried) {
        for CarriedSession { session, seq, kernel, ended } in carried.sessions {
            let ended = ended.then_some(Ended::Before);
            self.known.insert(session, Standing { seq, kernel: kernel.unwrap_or_default(), ended });
        }
    }

    /// Forgets what ended before the present file, for the next file to be begun.
    pub(super) fn age(&mut self) {
        self.known.retain(|_, standing| standing.ended != Some(Ended::Before));
        for standing in self.known.values_mut() {
            standing.ended = standing.ended.map(|_| Ended::Before);
        }
    }

    /// What the next file must begin with, in the order of names; one record at least.
    pub(super) fn carried(&self, host: &SessionId) -> Vec<Carried> {
        let mut sessions: Vec<_> = self.known.iter().filter(|(session, _)| *session != host).collect();
        sessions.sort_unstable_by_key(|(session, _)| *session);
        let one = |(session, standing): &(&SessionId, &Standing)| {
            let Standing { seq, kernel, ended } = standing;
            let kernel = Some(kernel.clone()).filter(|kernel| kernel.last() > 0);
            CarriedSession { session: (*session).clone(), seq: *seq, kernel, ended: ended.is_some() }
        };
        let chunks = sessions.chunks(CARRIED_AT_ONCE);
        let mut records: Vec<Carried> =
            chunks.map(|chunk| Carried { sessions: chunk.iter().map(one).collect(), more: true }).collect();
        match records.last_mut() {
            Some(last) => last.more = false,
            None => records.push(Carried { sessions: Vec::new(), more: false }),
        }
        records
    }
}

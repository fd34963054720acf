//! Appending: many records become lines of one buffer, and the buffer one write.

use std::io;
use std::time::Instant;

use audit::{
    Body, Digest, KernelDenial, Lost, LostKind, MAX_LINE_BYTES, Place, Record, Redact as _, RotationReason,
    SessionId, write_line,
};
use jiff::Timestamp;

use super::standing::Standing;
use super::{AppendError, Entry, HostLog, HostLogError};
use crate::config::Sync;
use crate::sinks::Shipped;

/// Bytes after which a batch is written although more is to come.
const WRITE_BYTES: usize = 1 << 20;

/// What an append did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Records that are in the log now.
    pub written: u64,
    /// Kernel events that were in the log already.
    pub skipped: u64,
    /// Records that no line can hold (8 MiB), or that have no JSON form. They are counted as lost, and the log says so.
    pub lost: u64,
}

/// Records that are lines in memory and not yet in the file.
#[derive(Debug, Default)]
pub(super) struct Batch {
    lines: Vec<u8>,
    records: u64,
    /// Where sessions and chain stood before each record, to be taken back if the write fails.
    undo: Vec<(SessionId, Option<Standing>)>,
    before: Option<Digest>,
    shipped: Vec<Shipped>,
    /// What is to be written with the next append.
    waiting: Vec<Entry>,
}

/// The time as a record keeps it, so that sinks are told the very same.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

impl Batch {
    pub(super) fn wait(&mut self, entry: Entry) {
        self.waiting.push(entry);
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl HostLog {
    /// Writes one record. Many at once are cheaper: see [`Self::append_all`].
    ///
    /// # Errors
    /// The record is not in the file, and counted as lost.
    pub fn append(&mut self, entry: Entry) -> Result<Appended, AppendError> {
        self.append_all(vec![entry])
    }

    /// Writes records in their order, with one write a MiB. Events of the kernel that are in the log already are passed
    /// over. With [`Sync::Batch`] all of them are on the disk afterwards.
    ///
    /// # Errors
    /// The first records are in the file, as many as the error says; the others are not, and counted as lost.
    pub fn append_all(&mut self, entries: Vec<Entry>) -> Result<Appended, AppendError> {
        let total = entries.len() as u64;
        let mut appended = Appended::default();
        let done = self.write_all(entries, &mut appended);
        done.map(|()| appended).map_err(|source| {
            let lost = total - appended.written - appended.skipped;
            self.lose(lost - appended.lost, &source.to_string());
            AppendError { written: appended.written, lost, source }
        })
    }

    /// Does the same as [`Self::append_all`]; but what is not written stays the caller's, who tries again, and is not
    /// counted as lost. Events that [`Self::has_kernel_event`] knows are to be left out.
    ///
    /// # Errors
    /// The first entries are in the file, as many as the error says, and need not be appended again. Where that is all of
    /// them they could not be brought to the disk: an append of nothing tries that again.
    pub fn append_or_keep(&mut self, entries: &[Entry]) -> Result<Appended, AppendError> {
        let mut appended = Appended::default();
        let done = self.write_all(entries.to_vec(), &mut appended);
        done.map(|()| appended).map_err(|source| AppendError { written: appended.written, lost: 0, source })
    }

    /// Counts facts that the caller had no room for, which the next record that can be written is preceded by.
    pub fn count_lost(&mut self, count: u64, why: &str) {
        self.lose(count, why);
    }

    fn write_all(&mut self, entries: Vec<Entry>, appended: &mut Appended) -> Result<(), HostLogError> {
        self.look()?;
        self.write_waiting()?;
        for entry in entries {
            self.take(entry, appended)?;
        }
        appended.written += self.flush()?;
        match (self.config.sync, self.unsynced) {
            (Sync::Batch, Some(_)) => self.sync(),
            _ => Ok(()),
        }
    }

    /// What the log has to say of itself comes first.
    fn write_waiting(&mut self) -> Result<(), HostLogError> {
        let mut ignored = Appended::default();
        if self.lost > 0 {
            let body = Lost { count: self.lost, kind: LostKind::Records, reason: self.why_lost.clone() };
            self.take(self.own(Body::Lost(body)), &mut ignored)?;
            self.flush()?;
            (self.lost, self.why_lost) = (0, None);
        }
        let waiting = std::mem::take(&mut self.batch.waiting);
        for (at, entry) in waiting.iter().enumerate() {
            let taken = self.take(entry.clone(), &mut ignored).and_then(|()| self.flush());
            if let Err(error) = taken {
                self.batch.waiting = waiting[at..].to_vec();
                return Err(error);
            }
        }
        Ok(())
    }

    /// Makes one record a line of the batch; writes the batch where it is full, and rotates where the file is.
    fn take(&mut self, mut entry: Entry, appended: &mut Appended) -> Result<(), HostLogError> {
        if let Body::KernelDenial(KernelDenial { sequence, .. }) = &entry.body
            && self.standings.has(&entry.session, *sequence)
        {
            appended.skipped += 1;
            return Ok(());
        }
        entry.body.redact(&self.redactor);
        let start = self.batch.lines.len();
        let Some(prepared) = self.prepare(&entry) else {
            self.batch.lines.truncate(start);
            appended.lost += 1;
            self.lose(1, "a record was longer than a line may be");
            return Ok(());
        };
        let full = self.file.size() + self.batch.lines.len() as u64 > self.config.max_bytes;
        if full && (self.file.size() > self.carried || start > 0) {
            self.batch.lines.truncate(start);
            appended.written += self.flush()?;
            self.rotate(RotationReason::Size)?;
            if let Some(prepared) = self.prepare(&entry) {
                self.accept(entry, prepared, 0);
            }
        } else {
            self.accept(entry, prepared, start);
        }
        if self.batch.lines.len() >= WRITE_BYTES {
            appended.written += self.flush()?;
        }
        Ok(())
    }

    /// Appends the record's line to the batch, and gives what it is sealed with. `None` if no line can hold it.
    fn prepare(&mut self, entry: &Entry) -> Option<(Timestamp, u64, Digest)> {
        let (time, seq) = (now(), self.standings.next(&entry.session));
        let start = self.batch.lines.len();
        let Entry { session, revision, body } = entry;
        let place = Place { time, session, seq, revision: *revision, prev: self.last };
        let hash = write_line(&mut self.batch.lines, &place, body).ok()?;
        self.batch.lines.push(b'\n');
        (self.batch.lines.len() - start <= MAX_LINE_BYTES).then_some((time, seq, hash))
    }

    /// The line that begins at `start` stays in the batch.
    fn accept(&mut self, entry: Entry, (time, seq, hash): (Timestamp, u64, Digest), start: usize) {
        let Entry { session, revision, body } = entry;
        let before = self.standings.wrote(&session, &body);
        self.batch.before.get_or_insert(self.last);
        let prev = std::mem::replace(&mut self.last, hash);
        self.batch.records += 1;
        if self.sinks.are_any() {
            let line = self.batch.lines[start..].trim_ascii_end().into();
            let record = Record { time, session: session.clone(), seq, revision, prev, body, hash };
            self.batch.shipped.push(Shipped { record, line });
        }
        self.batch.undo.push((session, before));
    }

    /// Writes the batch, as a whole or not at all; gives the number of records.
    fn flush(&mut self) -> Result<u64, HostLogError> {
        let records = std::mem::take(&mut self.batch.records);
        let written = self.file.append(&self.batch.lines);
        let bytes = self.batch.lines.len() as u64;
        self.batch.lines.clear();
        let (undo, before) = (std::mem::take(&mut self.batch.undo), self.batch.before.take());
        let shipped = std::mem::take(&mut self.batch.shipped);
        if let Err(source) = written {
            undo.into_iter().rev().for_each(|(session, before)| self.standings.restore(session, before));
            self.last = before.unwrap_or(self.last);
            return Err(HostLogError::Write { path: self.config.path.clone(), source });
        }
        if records > 0 {
            self.unsynced.get_or_insert_with(Instant::now);
            self.metrics.logged(records, bytes);
            self.sinks.offer(shipped);
        }
        Ok(records)
    }

    fn lose(&mut self, count: u64, why: &str) {
        if count > 0 {
            self.lost += count;
            self.why_lost = Some(why.to_owned());
            self.metrics.log_lost(count);
        }
    }

    /// A record of the log about itself, outside of any batch.
    pub(super) fn write_line(&mut self, lines: &mut Vec<u8>, body: &Body) -> io::Result<()> {
        let host = self.host.clone();
        let place = Place {
            time: Timestamp::now(),
            session: &host,
            seq: self.standings.next(&host),
            revision: None,
            prev: self.last,
        };
        self.last = write_line(lines, &place, body)?;
        lines.push(b'\n');
        self.standings.wrote(&host, body);
        Ok(())
    }
}

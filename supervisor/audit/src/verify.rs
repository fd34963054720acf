//! Proves that a log is as it was written: each line by its own hash, all lines by the chain, each session by its numbers.
//!
//! In the host's log of many sessions this proves as well that no record of a session is there twice or missing, that no
//! event of the kernel was written twice, and how many were dropped ([`SessionSeen::kernel_missing`]).

mod sessions;

use std::fs::File;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::body::{Body, Recovered, Repaired};
use crate::chain::Digest;
use crate::files::log_files;
use crate::lines::{End, Line, Lines};
use crate::read::ReadError;
use crate::record::{Record, SessionId};

use sessions::Sessions;

/// What holds of a log that verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Verified {
    /// The files, in order.
    pub files: Vec<PathBuf>,
    /// Records in all of them.
    pub records: u64,
    /// Sessions in the order of their first record.
    pub sessions: Vec<SessionSeen>,
    /// The hash of the last record. Keep it elsewhere, and nobody can rewrite the log up to here unnoticed.
    pub head: Digest,
    /// The predecessor that the first record names, if that is in a file that is not there any more.
    pub continues: Option<Digest>,
    /// The last file's last line that is a whole record; 0 if it has none.
    pub last_whole_line: u64,
    /// Bytes behind it that are not a whole line: a crash, or a write in progress.
    pub truncated_tail: Option<u64>,
    /// Places where a later session found the file's end damaged and said so.
    pub damages: Vec<Damage>,
    /// Places where the daemon cut off a last line that was not whole and said so.
    pub repairs: Vec<Repair>,
}

/// One session in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSeen {
    /// Its name.
    pub session: SessionId,
    /// The number of its first record here; more than 1 only if older files are gone.
    pub first: u64,
    /// The number of its last record here.
    pub last: u64,
    /// Whether its `session_end` is here. If not, it still runs, was killed, or its last lines were cut off.
    pub ended: bool,
    /// The highest number of a kernel event of the session; 0 if there is none.
    pub kernel_last: u64,
    /// How many kernel events below it are not in the log: they were dropped, or are in files that are gone.
    pub kernel_missing: u64,
}

/// A damaged end of file that a later session found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub file: PathBuf,
    /// The line of the `recovered` record, from 1.
    pub line: u64,
    /// What it says.
    pub recovered: Recovered,
}

/// A last line that was not whole and was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// The file.
    pub file: PathBuf,
    /// The line of the `repaired` record, from 1.
    pub line: u64,
    /// What it says.
    pub repaired: Repaired,
}

/// The first place where a log is not as it was written.
#[derive(Debug, thiserror::Error)]
#[error("{}:{line}: {what}", file.display())]
pub struct VerifyError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 if the file cannot be read at all.
    pub line: u64,
    /// What is wrong.
    pub what: String,
    /// Records before it that are as they were written.
    pub records: u64,
}

/// Verifies a log with all its rotated files.
///
/// # Errors
/// The first place where the log is not as it was written, or a file that cannot be read.
pub fn verify(path: &Path) -> Result<Verified, VerifyError> {
    let mut chain = Chain::default();
    match chain.files(path) {
        Ok((files, last_whole_line, truncated_tail)) => Ok(Verified {
            files,
            records: chain.records,
            sessions: chain.sessions.seen(),
            head: chain.head.unwrap_or(Digest::GENESIS),
            continues: chain.continues,
            last_whole_line,
            truncated_tail,
            damages: chain.damages,
            repairs: chain.repairs,
        }),
        Err(ReadError { file, line, what }) => Err(VerifyError { file, line, what, records: chain.records }),
    }
}

/// What has been proved so far.
#[derive(Default)]
struct Chain {
    records: u64,
    head: Option<Digest>,
    continues: Option<Digest>,
    sessions: Sessions,
    damages: Vec<Damage>,
    repairs: Vec<Repair>,
}

/// Lines that are no records, until a `recovered` record accounts for them.
struct Unexplained {
    first: ReadError,
    bytes: u64,
    newlines: u64,
    hash: Sha256,
    /// How the last of them ends.
    end: End,
}

impl Chain {
    fn files(&mut self, path: &Path) -> Result<(Vec<PathBuf>, u64, Option<u64>), ReadError> {
        let files = log_files(path).map_err(|error| ReadError::file(path, &error))?;
        let mut ending = (0, None);
        for file in &files {
            if ending.1.is_some() {
                return Err(wrong(file, 0, "the file before this one does not end with a whole line"));
            }
            ending = self.file(file)?;
        }
        Ok((files, ending.0, ending.1))
    }

    /// Gives the last whole line and the bytes behind it.
    fn file(&mut self, file: &Path) -> Result<(u64, Option<u64>), ReadError> {
        let unreadable = |error| ReadError::file(file, &error);
        let mut lines = Lines::new(File::open(file).map_err(unreadable)?);
        let mut last_whole = 0;
        let mut unexplained: Option<Unexplained> = None;
        while let Some(line) = lines.next().map_err(unreadable)? {
            match crate::read::parse(file, &line) {
                Ok(record) => {
                    self.record(file, &line, &record, unexplained.take())?;
                    last_whole = line.number;
                }
                Err(error) if line.end == End::Cut && unexplained.is_none() => {
                    drop(error);
                    return Ok((last_whole, Some(line.bytes.len() as u64)));
                }
                Err(error) => match &mut unexplained {
                    Some(unexplained) => unexplained.add(&line),
                    None => unexplained = Some(Unexplained::new(error, &line)),
                },
            }
        }
        unexplained.map_or(Ok((last_whole, None)), |unexplained| Err(unexplained.first))
    }

    fn record(
        &mut self,
        file: &Path,
        line: &Line,
        record: &Record,
        unexplained: Option<Unexplained>,
    ) -> Result<(), ReadError> {
        self.explained(file, line, record, unexplained)?;
        self.linked(record).map_err(|what| wrong(file, line.number, what))?;
        let gone = self.continues.is_some();
        self.sessions.add(record, gone).map_err(|what| wrong(file, line.number, &what))?;
        if let Body::Repaired(repaired) = &record.body {
            let (file, repaired) = (file.to_owned(), repaired.clone());
            self.repairs.push(Repair { file, line: line.number, repaired });
        }
        self.head = Some(record.hash);
        self.records += 1;
        Ok(())
    }

    /// Damage must be named by the record after it, byte for byte; and what is named must be there.
    fn explained(
        &mut self,
        file: &Path,
        line: &Line,
        record: &Record,
        unexplained: Option<Unexplained>,
    ) -> Result<(), ReadError> {
        match (&record.body, unexplained) {
            (Body::Recovered(recovered), unexplained) => {
                let (found, error) = match unexplained {
                    Some(unexplained) => unexplained.finish(),
                    None => {
                        let nothing = Recovered { bytes: 0, newlines: 0, sha256: Digest::of(b"") };
                        (nothing, wrong(file, line.number, "it tells of damage that is not there"))
                    }
                };
                if found != *recovered {
                    return Err(error);
                }
                self.damages.push(Damage { file: file.to_owned(), line: line.number, recovered: found });
                Ok(())
            }
            (_, Some(unexplained)) => Err(unexplained.first),
            (_, None) => Ok(()),
        }
    }

    fn linked(&mut self, record: &Record) -> Result<(), &'static str> {
        match (self.head, &record.body) {
            (Some(head), _) if head == record.prev => Ok(()),
            (Some(_), _) => {
                Err("it does not follow the line before it: lines were removed, inserted or moved")
            }
            (None, _) if record.prev == Digest::GENESIS => Ok(()),
            (None, Body::Rotated(_)) => {
                self.continues = Some(record.prev);
                Ok(())
            }
            (None, _) => Err("the records before this one were removed"),
        }
    }
}

impl Unexplained {
    fn new(first: ReadError, line: &Line) -> Self {
        let (bytes, hash) = (line.bytes.len() as u64, Sha256::new_with_prefix(&line.bytes));
        Self { first, bytes, newlines: 0, hash, end: line.end }
    }

    fn add(&mut self, line: &Line) {
        if self.end == End::Newline {
            self.hash.update(b"\n");
            self.bytes += 1;
            self.newlines += 1;
        }
        self.hash.update(&line.bytes);
        self.bytes += line.bytes.len() as u64;
        self.end = line.end;
    }

    /// What a `recovered` record must say; its own newline is the one that ended the last of these lines.
    fn finish(self) -> (Recovered, ReadError) {
        let sha256 = Digest::from(self.hash);
        (Recovered { bytes: self.bytes, newlines: self.newlines, sha256 }, self.first)
    }
}

fn wrong(file: &Path, line: u64, what: &str) -> ReadError {
    ReadError { file: file.to_owned(), line, what: what.to_owned() }
}

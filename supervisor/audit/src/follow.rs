//! Following a log while it is written, across rotation.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::body::Body;
use crate::chain::Digest;
use crate::files::{identity, log_files};
use crate::lines::MAX_LINE_BYTES;
use crate::read::ReadError;
use crate::record::Record;

/// How long [`Follower::next`] sleeps between two looks at the file.
const PAUSE: Duration = Duration::from_millis(100);

/// Where following starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the first record of all files that are kept, as [`crate::read`].
    Oldest,
    /// With the present file's first record.
    Beginning,
    /// With the next record that is written.
    End,
}

/// Follows a log.
///
/// # Errors
/// The file cannot be read.
pub fn follow(path: &Path, start: Start) -> io::Result<Follower> {
    let oldest = if start == Start::Oldest { log_files(path)?.into_iter().next() } else { None };
    let mut follower = Follower {
        path: path.to_owned(),
        current: Current::open(oldest.unwrap_or_else(|| path.to_owned()))?,
        head: None,
        ready: VecDeque::new(),
    };
    if start == Start::End {
        follower.current.skip()?;
    }
    Ok(follower)
}

/// Gives records as they come; as an iterator it waits for them and never ends. Lines that are no records, and records
/// that do not follow the one before, are told as errors, and what comes after them is still given.
pub struct Follower {
    path: PathBuf,
    current: Current,
    head: Option<Digest>,
    ready: VecDeque<Result<Record, ReadError>>,
}

impl Iterator for Follower {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.poll() {
                Some(item) => return Some(item),
                None => std::thread::sleep(PAUSE),
            }
        }
    }
}

impl Follower {
    /// The next record, if there is one now. Does not wait.
    pub fn poll(&mut self) -> Option<Result<Record, ReadError>> {
        if self.ready.is_empty()
            && let Err(error) = self.advance()
        {
            return Some(Err(ReadError::file(&self.current.file, &error)));
        }
        self.ready.pop_front()
    }

    fn advance(&mut self) -> io::Result<()> {
        self.drain()?;
        if !self.ready.is_empty() || identity(&self.path) == Some(self.current.identity) {
            return Ok(());
        }
        // The path means another file now. What was written before that happened comes first.
        self.drain()?;
        if !self.ready.is_empty() {
            return Ok(());
        }
        if let Some(next) = self.successor()? {
            self.current = Current::open(next)?;
            self.drain()?;
        }
        Ok(())
    }

    /// The file after the current one, or the oldest one that is left if the current one is gone.
    fn successor(&self) -> io::Result<Option<PathBuf>> {
        let mut files = log_files(&self.path)?;
        files.retain(|file| identity(file).is_some());
        let at = files.iter().position(|file| identity(file) == Some(self.current.identity));
        Ok(files.into_iter().nth(at.map_or(0, |at| at + 1)))
    }

    /// Reads until there is something to give, so that no more of a long file is held than that.
    fn drain(&mut self) -> io::Result<()> {
        while self.ready.is_empty()
            && let Some((number, line)) = self.current.line()?
        {
            let wrong = |what: String| ReadError { file: self.current.file.clone(), line: number, what };
            match Record::parse(&line) {
                Ok(record) => {
                    // A file's first record after files that are gone names a predecessor that cannot be known.
                    let follows = self.head.is_none_or(|head| head == record.prev);
                    if !follows {
                        let what = match record.body {
                            Body::Rotated(_) => "records between the last file and this one are missing",
                            _ => {
                                "it does not follow the line before it: lines were removed, inserted or moved"
                            }
                        };
                        self.ready.push_back(Err(wrong(what.to_owned())));
                    }
                    self.head = Some(record.hash);
                    self.ready.push_back(Ok(record));
                }
                Err(error) => self.ready.push_back(Err(wrong(error.to_string()))),
            }
        }
        Ok(())
    }
}

/// The file that is being read.
struct Current {
    file: PathBuf,
    identity: (u64, u64),
    reader: File,
    /// What was read and is not a whole line yet.
    partial: Vec<u8>,
    /// Where in `partial` no newline can be any more.
    searched: usize,
    number: u64,
}

impl Current {
    fn open(file: PathBuf) -> io::Result<Self> {
        let reader = File::open(&file)?;
        let metadata = reader.metadata()?;
        let identity = (metadata.dev(), metadata.ino());
        Ok(Self { file, identity, reader, partial: Vec::new(), searched: 0, number: 0 })
    }

    /// Goes behind the last whole line.
    fn skip(&mut self) -> io::Result<()> {
        let (mut end, mut read, mut chunk) = (0, 0, vec![0; 64 * 1024]);
        loop {
            let count = self.reader.read(&mut chunk)?;
            if count == 0 {
                break;
            }
            self.number += memchr::memchr_iter(b'\n', &chunk[..count]).count() as u64;
            end = memchr::memrchr(b'\n', &chunk[..count]).map_or(end, |at| read + at as u64 + 1);
            read += count as u64;
        }
        self.reader.seek(SeekFrom::Start(end)).map(drop)
    }

    /// The next whole line with its number, if there is one now.
    fn line(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        loop {
            let newline = memchr::memchr(b'\n', &self.partial[self.searched..]).map(|at| self.searched + at);
            let too_long = (self.partial.len() > MAX_LINE_BYTES).then(|| self.partial.len() - 1);
            if let Some(end) = newline.or(too_long) {
                let mut line: Vec<u8> = self.partial.drain(..=end).collect();
                line.pop();
                (self.searched, self.number) = (0, self.number + 1);
                return Ok(Some((self.number, line)));
            }
            self.searched = self.partial.len();
            if self.reader.by_ref().take(64 * 1024).read_to_end(&mut self.partial)? == 0 {
                return Ok(None);
            }
        }
    }
}

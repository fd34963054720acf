//! One direction's framing: newline-delimited lines, scanned while their bytes arrive.
//!
//! - A line ends at `\n`. A carriage return directly before it is kept and forwarded; one anywhere else is refused,
//!   because readers with universal newlines would end a line there and see other messages than the doorman.
//! - Lines of nothing but white space are ignored.
//! - A line longer than the limit is skipped without being stored; the lines after it are read as usual.

use crate::id::RequestId;
use crate::message::Message;
use crate::scan::{Fault, Scanner, Slot};

/// Free space that is always offered to a read: a pipe's default capacity.
const SPACE: usize = 64 * 1024;
/// Buffers larger than this are given back after a quiet time.
const KEPT: usize = 4 * SPACE;
/// Reads without a large line after which a large buffer is given back: large answers come in rows, and fresh memory
/// costs a page fault each 4 KiB.
const QUIET: u32 = 64;
/// The most that is offered to one read, so that what was read is still in the cache when it is scanned.
const TURN: usize = 4 * SPACE;
/// Bytes of a refused line that are shown.
const EXCERPT: usize = 256;
/// Bytes of an overlong line's end that are kept, to find an id that stands last.
const TAIL: usize = 1024;
/// Offsets in a line are 32 bits wide.
const LONGEST: u64 = u32::MAX as u64 / 2;

/// One direction's framing. `space` → read → `filled` → `next` until `None`, and again.
pub struct Frames {
    buffer: Vec<u8>,
    /// Where the current line begins.
    start: usize,
    filled: usize,
    /// Up to here there is no newline in the current line.
    searched: usize,
    limit: usize,
    scanner: Scanner,
    line: Line,
    /// Reads since the buffer was last needed at its size.
    quiet: u32,
    /// The first bytes of an overlong line.
    excerpt: Vec<u8>,
}

/// What is known of the current line.
enum Line {
    /// Nothing of it has been scanned; the scanner still holds the outline of the line before.
    New,
    Open,
    Broken(Fault),
    /// It is too long: `dropped` bytes of it are gone, the buffer holds its tail.
    Skipped {
        dropped: u64,
        id: Option<RequestId>,
    },
}

/// What a complete line turned out to be.
enum Ended {
    Blank,
    Message,
    Malformed { reason: FrameError, skipped: Option<u64>, id: Option<RequestId> },
}

/// A line as the doorman sees it.
#[derive(Debug)]
pub enum Frame<'a> {
    /// One JSON text with one reading.
    Message(Message<'a>),
    /// Anything else. It is never forwarded.
    Malformed {
        /// What is wrong.
        reason: FrameError,
        /// The first bytes of the line, at most 256. Untrusted, perhaps no UTF-8.
        excerpt: &'a [u8],
        /// The length of the line in bytes.
        bytes: u64,
        /// The id, where one can be told although the rest is refused: so that the sender can be answered.
        id: Option<RequestId>,
    },
}

/// Why a line is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than the session's limit.
    #[error("longer than {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: u64,
    },
    /// The stream ended inside of a line.
    #[error("the stream ended before the line did")]
    Unfinished,
    /// Not one JSON text with one reading.
    #[error(transparent)]
    Json(#[from] Fault),
}

impl Frames {
    /// Framing with a limit on the bytes of a line, its newline not counted (at most 2 GiB − 1).
    pub fn new(max_bytes: u64) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            filled: 0,
            searched: 0,
            limit: max_bytes.min(LONGEST) as usize,
            scanner: Scanner::new(),
            line: Line::New,
            quiet: 0,
            excerpt: Vec::new(),
        }
    }

    /// Where the shell reads into; at least 64 KiB. Take every frame with [`Self::next`] before reading again.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start == self.filled && self.buffer.len() > KEPT {
            (self.start, self.filled, self.searched) = (0, 0, 0);
            self.quiet += 1;
            if self.quiet > QUIET {
                self.buffer = Vec::new();
            }
        }
        if self.buffer.len() - self.filled < SPACE {
            self.compact();
        }
        if self.buffer.len() - self.filled < SPACE {
            // In small steps, so that the zeros are still in the cache when the read overwrites them; the vector itself
            // reserves in doubling ones.
            self.buffer.resize(self.buffer.len() + SPACE, 0);
        }
        let end = self.buffer.len().min(self.filled + TURN);
        &mut self.buffer[self.filled..end]
    }

    /// The shell has read this many bytes into `space`. They are scanned at once, so that the work overlaps the pipe.
    pub fn filled(&mut self, n: usize) {
        self.filled = (self.filled + n).min(self.buffer.len());
        if self.filled > KEPT {
            self.quiet = 0;
        }
        if self.newline().is_none() {
            self.scan_open_line();
        }
    }

    /// The next complete line that is not blank.
    #[allow(clippy::should_implement_trait, reason = "a lending iterator: the frame borrows the buffer")]
    pub fn next(&mut self) -> Option<Frame<'_>> {
        loop {
            let Some(end) = self.newline() else {
                self.scan_open_line();
                return None;
            };
            let line = self.start..end;
            let ended = self.end_line(end);
            self.start = end + 1;
            self.searched = self.start;
            if !matches!(ended, Ended::Blank) {
                return Some(self.frame(ended, line));
            }
        }
    }

    /// The stream has ended; call after the last [`Self::next`]. What is left is a line without a newline: an error.
    pub fn finish(&mut self) -> Option<Frame<'_>> {
        let line = self.start..self.filled;
        self.start = self.filled;
        self.searched = self.filled;
        let skipped = match std::mem::replace(&mut self.line, Line::New) {
            Line::Skipped { dropped, .. } => Some(dropped),
            _ => None,
        };
        if skipped.is_none() && self.buffer[line.clone()].iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        Some(self.frame(Ended::Malformed { reason: FrameError::Unfinished, skipped, id: None }, line))
    }

    /// The end of the current line, if it has come.
    fn newline(&mut self) -> Option<usize> {
        let found = memchr::memchr(b'\n', &self.buffer[self.searched..self.filled]);
        self.searched = found.map_or(self.filled, |n| self.searched + n);
        found.map(|_| self.searched)
    }

    /// Moves the current line to the front of the buffer.
    fn compact(&mut self) {
        self.buffer.copy_within(self.start..self.filled, 0);
        self.filled -= self.start;
        self.searched -= self.start;
        self.start = 0;
    }

    /// Scans what there is of a line whose newline has not come yet.
    fn scan_open_line(&mut self) {
        self.scan_until(self.filled);
        self.drop_all_but_tail();
    }

    fn scan_until(&mut self, end: usize) {
        if matches!(self.line, Line::New) {
            self.scanner.reset();
            self.line = Line::Open;
        }
        if matches!(self.line, Line::Open) {
            // Never past the limit, so that what is known of an overlong line does not depend on the chunks.
            let within = end.min(self.start + self.limit);
            if let Err(fault) = self.scanner.scan(&self.buffer[self.start..within]) {
                self.line = Line::Broken(fault);
            }
        }
        if end - self.start > self.limit && !matches!(self.line, Line::Skipped { .. }) {
            let line = &self.buffer[self.start..end];
            self.excerpt.clear();
            self.excerpt.extend_from_slice(&line[..self.limit.min(EXCERPT)]);
            self.line = Line::Skipped { dropped: 0, id: self.leading_id(line) };
        }
    }

    /// The id, if it was scanned before the line was refused.
    fn leading_id(&self, line: &[u8]) -> Option<RequestId> {
        self.scanner.outline().raw(line, Slot::Id).and_then(RequestId::read)
    }

    /// Gives back what an overlong line holds, except for its end.
    fn drop_all_but_tail(&mut self) {
        let Line::Skipped { dropped, .. } = &mut self.line else { return };
        let excess = (self.filled - self.start).saturating_sub(TAIL);
        *dropped += excess as u64;
        self.start += excess;
        self.compact();
        self.buffer.truncate(KEPT);
        self.buffer.shrink_to(KEPT);
    }

    fn end_line(&mut self, end: usize) -> Ended {
        self.scan_until(end);
        let line = &self.buffer[self.start..end];
        let (reason, skipped, id) = match std::mem::replace(&mut self.line, Line::New) {
            Line::New | Line::Open => match self.scanner.finish(line) {
                Ok(true) => return Ended::Message,
                Ok(false) => return Ended::Blank,
                Err(fault) => (fault.into(), None, self.leading_id(line)),
            },
            Line::Broken(fault) => (fault.into(), None, self.leading_id(line)),
            Line::Skipped { dropped, id } => {
                (FrameError::TooLong { limit: self.limit as u64 }, Some(dropped), id)
            }
        };
        Ended::Malformed { reason, skipped, id: id.or_else(|| trailing_id(line)) }
    }

    fn frame(&self, ended: Ended, line: std::ops::Range<usize>) -> Frame<'_> {
        let line = &self.buffer[line];
        let Ended::Malformed { reason, skipped, id } = ended else {
            return Frame::Message(Message::new(line, self.scanner.outline()));
        };
        let excerpt = if skipped.is_some() { &self.excerpt } else { &line[..line.len().min(EXCERPT)] };
        Frame::Malformed { reason, excerpt, bytes: skipped.unwrap_or(0) + line.len() as u64, id }
    }
}

/// The id of a refused object whose last member is its id, which is how the TypeScript SDK writes messages.
///
/// In a valid text an unescaped `"id":…}` at the very end can only be the last member of the outermost object.
/// In an invalid one this is a guess; the engine never answers a request that is still open because of it.
fn trailing_id(line: &[u8]) -> Option<RequestId> {
    let tail = &line[line.len().saturating_sub(TAIL)..];
    let tail = tail.trim_ascii_end().strip_suffix(b"}")?.trim_ascii_end();
    let key = memchr::memmem::rfind(tail, b"\"id\"")?;
    let before = tail[..key].trim_ascii_end().last();
    let raw = tail[key + 4..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    if !matches!(before, Some(b',' | b'{')) || !crate::value::is_one(raw) {
        return None;
    }
    RequestId::read(raw)
}

#[cfg(test)]
mod tests;

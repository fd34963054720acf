//! Lines of a log file with their places, without ever holding more than one record may have.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

/// Bytes of the longest line of a log, with its newline.
pub const MAX_LINE_BYTES: usize = 8 * 1024 * 1024;

/// One line, or the rest of a file that has no newline at its end.
pub(crate) struct Line {
    /// The bytes without the newline.
    pub(crate) bytes: Vec<u8>,
    /// Line number, from 1.
    pub(crate) number: u64,
    /// How the line ends.
    pub(crate) end: End,
}

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With a newline.
    Newline,
    /// With the end of the file.
    Cut,
    /// Nowhere within [`MAX_LINE_BYTES`]: what follows counts as the next line.
    TooLong,
}

/// Reads lines one by one.
pub(crate) struct Lines {
    reader: BufReader<File>,
    number: u64,
}

impl Lines {
    /// From the file's current position, which must be its start.
    pub(crate) fn new(file: File) -> Self {
        Self { reader: BufReader::with_capacity(64 * 1024, file), number: 0 }
    }

    /// The next line, or `None` at the end of the file.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let limit = MAX_LINE_BYTES as u64;
        let count = self.reader.by_ref().take(limit).read_until(b'\n', &mut bytes)?;
        if count == 0 {
            return Ok(None);
        }
        let end = match bytes.last() {
            Some(b'\n') => End::Newline,
            _ if count == MAX_LINE_BYTES => End::TooLong,
            _ => End::Cut,
        };
        if end == End::Newline {
            bytes.pop();
        }
        self.number += 1;
        Ok(Some(Line { bytes, number: self.number, end }))
    }
}

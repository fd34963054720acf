//! The lines of a head or of trailers, up to the empty one. Each byte is looked at once, however it comes in.

use memchr::memchr;

use crate::{Fault, MAX_HEAD};

/// What the lines are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    /// A request line, then fields.
    Head,
    /// Fields only (RFC 9112 section 7.1.2).
    Trailers,
}

/// How far the lines have been read. The bytes that are given always begin with the first line.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    section: Section,
    /// Where the open line begins.
    start: usize,
    /// Up to here there is no line feed in the open line.
    searched: usize,
}

impl Lines {
    pub(super) fn head() -> Self {
        Self { section: Section::Head, start: 0, searched: 0 }
    }

    pub(super) fn trailers() -> Self {
        Self { section: Section::Trailers, start: 0, searched: 0 }
    }

    /// The bytes up to and with the empty line, once it has come; at most [`MAX_HEAD`].
    pub(super) fn end(&mut self, bytes: &[u8]) -> Result<Option<usize>, Fault> {
        let bytes = &bytes[..bytes.len().min(MAX_HEAD)];
        self.begin(bytes)?;
        while let Some(found) = memchr(b'\n', bytes.get(self.searched..).unwrap_or_default()) {
            let end = self.searched + found;
            let line = bytes[self.start..end].strip_suffix(b"\r").ok_or(Fault::BareLineFeed)?;
            self.check(line)?;
            if line.is_empty() {
                // Whoever asks once more is told the same.
                (self.start, self.searched) = (0, 0);
                return Ok(Some(end + 1));
            }
            (self.start, self.searched) = (end + 1, end + 1);
        }
        self.searched = bytes.len();
        if bytes.len() == MAX_HEAD { Err(Fault::TooLong) } else { Ok(None) }
    }

    /// What is no HTTP at all shows in its first byte, before there is a line.
    fn begin(&self, bytes: &[u8]) -> Result<(), Fault> {
        match (self.section, bytes.first()) {
            (Section::Head, Some(b'\r' | b'\n')) => Err(Fault::EmptyLine),
            (Section::Head, Some(byte)) if !byte.is_ascii_alphabetic() => Err(Fault::NotHttp),
            _ => Ok(()),
        }
    }

    fn check(&self, line: &[u8]) -> Result<(), Fault> {
        if memchr(b'\r', line).is_some() {
            return Err(Fault::BareCarriageReturn);
        }
        if memchr(0, line).is_some() {
            return Err(Fault::Nul);
        }
        match (self.section, self.start) {
            (Section::Head, 0) => request_line(line),
            _ => field(line),
        }
    }
}

/// The shape of the line, so that other protocols are known by it and need not be waited for; httparse reads it when the
/// head is whole.
fn request_line(line: &[u8]) -> Result<(), Fault> {
    let mut words = line.split(|byte| *byte == b' ');
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some(b"PRI"), Some(b"*"), Some(version), None) if version.starts_with(b"HTTP/2") => {
            Err(Fault::Http2)
        }
        (Some(b"CONNECT"), Some(_), ..) => Err(Fault::Connect),
        (_, _, Some(b"HTTP/1.1" | b"HTTP/1.0"), None) => Ok(()),
        (_, _, Some(version), None) if version.starts_with(b"HTTP/") => Err(Fault::HttpVersion),
        (_, None, ..) => Err(Fault::NotHttp),
        _ => Err(Fault::RequestLine),
    }
}

fn field(line: &[u8]) -> Result<(), Fault> {
    match (line.first(), memchr(b':', line)) {
        (None, _) => Ok(()),
        (Some(b' ' | b'\t'), _) => Err(Fault::Folded),
        (_, None) => Err(Fault::Field),
        (_, Some(colon)) if line[..colon].ends_with(b" ") || line[..colon].ends_with(b"\t") => {
            Err(Fault::SpaceBeforeColon)
        }
        _ => Ok(()),
    }
}

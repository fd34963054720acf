//! Reading a log back when the daemon starts: its last record, where the sessions stand, and what a crash left.
//!
//! A file that carries on another one tells where the sessions stood (`carried`), so that usually one file is read.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::num::NonZeroU64;
use std::path::Path;

use audit::{Body, Digest, MAX_LINE_BYTES, Record, SessionId, log_files, unseal};
use jiff::Timestamp;
use serde::Deserialize;

use super::standing::Standings;

/// What a file says.
#[derive(Debug)]
pub(super) struct Replayed {
    /// The hash of the last whole record; [`Digest::GENESIS`] if there is none.
    pub(super) last: Digest,
    /// Where it ends, with its newline.
    pub(super) end: u64,
    /// When the first record was written.
    pub(super) began: Option<Timestamp>,
    /// What stands behind the last record.
    pub(super) rest: Rest,
    /// The file has lines of which none is a record, or more behind its last record than is kept: it is not a log.
    pub(super) foreign: bool,
}

/// What stands behind the last whole record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rest {
    Nothing,
    /// A whole record that lacks its newline.
    Unended,
    /// Bytes in which no line ends: what a crash leaves.
    Torn(Box<[u8]>),
    /// Lines that are no records: somebody wrote there.
    Foreign(Box<[u8]>),
}

/// The members of a line that matter here.
#[derive(Deserialize)]
struct Glance<'l> {
    time: Timestamp,
    #[serde(borrow)]
    session: Cow<'l, str>,
    seq: u64,
    #[serde(borrow)]
    event: Cow<'l, str>,
    prev: Digest,
    sequence: Option<NonZeroU64>,
}

/// Reads the rotated files that are needed to know where the sessions stand when the present file begins.
pub(super) fn before(path: &Path, standings: &mut Standings) -> io::Result<Option<Digest>> {
    let mut files = log_files(path)?;
    files.retain(|file| file != path);
    let complete = |file: &std::path::PathBuf| File::open(file).and_then(begins_complete).unwrap_or(false);
    let from = files.iter().rposition(complete).unwrap_or(0);
    let mut last = None;
    for file in &files[from..] {
        last = Some(read(&mut File::open(file)?, standings)?.last);
    }
    Ok(last)
}

/// Whether a file can be understood without those before it: it is the first one, or tells where the sessions stood.
pub(super) fn begins_complete(file: impl Read) -> io::Result<bool> {
    let mut lines = BufReader::new(file);
    let mut line = Vec::new();
    for _ in 0..2 {
        line.clear();
        lines.by_ref().take(MAX_LINE_BYTES as u64).read_until(b'\n', &mut line)?;
        let Ok(glance) = serde_json::from_slice::<Glance<'_>>(line.trim_ascii_end()) else {
            return Ok(false);
        };
        if glance.prev == Digest::GENESIS || glance.event == "carried" {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads a file from its start and adds what its records say. Lines that are no records are passed over: what they were
/// is for [`audit::verify`].
pub(super) fn read(file: &mut impl Read, standings: &mut Standings) -> io::Result<Replayed> {
    let mut lines = BufReader::with_capacity(256 << 10, file);
    let mut replayed =
        Replayed { last: Digest::GENESIS, end: 0, began: None, rest: Rest::Nothing, foreign: false };
    let (mut line, mut at, mut behind) = (Vec::new(), 0, Vec::new());
    loop {
        line.clear();
        let count = lines.by_ref().take(MAX_LINE_BYTES as u64).read_until(b'\n', &mut line)?;
        if count == 0 {
            break;
        }
        at += count as u64;
        let whole = line.strip_suffix(b"\n");
        match unseal(whole.unwrap_or(&line)) {
            Ok(hash) => {
                note(whole.unwrap_or(&line), &mut replayed, standings);
                (replayed.last, replayed.end) = (hash, at);
                behind.clear();
                replayed.rest = if whole.is_some() { Rest::Nothing } else { Rest::Unended };
            }
            // Only what stands behind the last record is kept, and of that no more than there can be to repair.
            Err(_) if behind.len() < 2 * MAX_LINE_BYTES => behind.extend_from_slice(&line),
            Err(_) => {}
        }
    }
    if !behind.is_empty() {
        let more = at - replayed.end != behind.len() as u64;
        let whole = memchr::memchr(b'\n', &behind).is_some();
        replayed.foreign = more || replayed.end == 0 && !could_be_ours(&behind);
        let behind = behind.into_boxed_slice();
        replayed.rest = if whole { Rest::Foreign(behind) } else { Rest::Torn(behind) };
    }
    Ok(replayed)
}

/// Nothing but the beginning of a first record, or what a lost write leaves in its place, is still ours.
fn could_be_ours(bytes: &[u8]) -> bool {
    const START: &[u8] = b"{\"v\":1,\"time\":\"";
    let begun = bytes.starts_with(START) || START.starts_with(bytes);
    (begun && memchr::memchr(b'\n', bytes).is_none()) || bytes.iter().all(|byte| *byte == 0)
}

fn note(line: &[u8], replayed: &mut Replayed, standings: &mut Standings) {
    let Ok(glance) = serde_json::from_slice::<Glance<'_>>(line) else { return };
    replayed.began.get_or_insert(glance.time);
    if let Some(session) = SessionId::new(glance.session) {
        standings.read(session, glance.seq, glance.sequence, glance.event == "session_end");
    }
    if glance.event == "carried"
        && let Ok(Record { body: Body::Carried(carried), .. }) = Record::parse(line)
    {
        standings.resume(carried);
    }
}

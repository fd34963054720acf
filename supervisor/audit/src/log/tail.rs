//! The end of a log file: its last whole record, and what stands behind it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::body::Recovered;
use crate::chain::{Digest, unseal};
use crate::record::LINE_START;

/// How many bytes are looked at, in turn, until a record is found.
const WINDOWS: [u64; 4] = [4 << 10, 256 << 10, 20 << 20, 1 << 30];

/// The end of a file.
pub(super) struct Tail {
    /// The hash of the last whole record; [`Digest::GENESIS`] if there is none.
    pub(super) last: Digest,
    /// What stands behind it.
    pub(super) damage: Option<Recovered>,
}

impl Tail {
    /// Reads the end of a file of this size. `None` if the file is not a log.
    pub(super) fn read(file: &File, size: u64) -> io::Result<Option<Self>> {
        for window in WINDOWS {
            let start = size.saturating_sub(window);
            let mut bytes = vec![0; usize::try_from(size - start).map_err(io::Error::other)?];
            file.read_exact_at(&mut bytes, start)?;
            if let Some((last, end)) = last_record(&bytes) {
                return Ok(Some(Self::after(last, &bytes[end..])));
            }
            if start == 0 {
                // Nothing but a first record that was never finished is still ours.
                let ours = bytes.starts_with(LINE_START) || LINE_START.starts_with(&bytes);
                return Ok(ours.then(|| Self::after(Digest::GENESIS, &bytes)));
            }
        }
        Ok(None)
    }

    fn after(last: Digest, rest: &[u8]) -> Self {
        match unseal(rest) {
            // A whole record that lacks nothing but its newline.
            Ok(hash) => Self { last: hash, damage: Some(damage(b"")) },
            Err(_) => Self { last, damage: (!rest.is_empty()).then(|| damage(rest)) },
        }
    }
}

/// The hash of the last line that is a whole record, and where the next line begins.
fn last_record(bytes: &[u8]) -> Option<(Digest, usize)> {
    let mut end = memchr::memrchr(b'\n', bytes)?;
    loop {
        let start = memchr::memrchr(b'\n', &bytes[..end]).map_or(0, |newline| newline + 1);
        // In a window the first line may lack its beginning: then its hash does not fit, and the next window is larger.
        if let Ok(hash) = unseal(&bytes[start..end]) {
            return Some((hash, end + 1));
        }
        end = start.checked_sub(1)?;
    }
}

fn damage(bytes: &[u8]) -> Recovered {
    Recovered {
        bytes: bytes.len() as u64,
        newlines: memchr::memchr_iter(b'\n', bytes).count() as u64,
        sha256: Digest::of(bytes),
    }
}

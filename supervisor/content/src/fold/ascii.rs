//! Folding of ASCII, block by block: most blocks are folded by vector instructions, the others without a branch.

use std::ops::Range;

/// Bytes that are folded together.
pub(super) const BLOCK: usize = 32;
/// What a sign that is dropped is folded to.
const DROPPED: u8 = 0;

/// The way back from a folded text.
pub(super) struct Blocks {
    /// Where what comes from each block of the source begins in the folded text.
    starts: Vec<usize>,
}

/// The folded text, and the way back.
pub(super) fn fold(text: &str) -> (String, Blocks) {
    let bytes = text.as_bytes();
    let mut out = vec![0; text.len() + BLOCK];
    let mut starts = Vec::with_capacity(text.len() / BLOCK + 1);
    let (mut length, mut after_space) = (0, false);
    for begin in (0..bytes.len()).step_by(BLOCK) {
        starts.push(length);
        let Some((into, _)) = out[length..].split_first_chunk_mut() else { break };
        let before = begin.checked_sub(1).and_then(|before| bytes[before..].first_chunk());
        length += match (before, bytes[begin..].first_chunk()) {
            (Some(before), Some(block)) if each(before, block, into) && !(after_space && into[0] == b' ') => {
                after_space = into[BLOCK - 1] == b' ';
                BLOCK
            }
            _ => some(&bytes[begin..(begin + BLOCK).min(bytes.len())], into, &mut after_space),
        };
    }
    out.truncate(length);
    // ASCII in, ASCII out: nothing is lost here.
    (String::from_utf8(out).unwrap_or_default(), Blocks { starts })
}

/// What becomes of one byte: nothing, or one byte.
pub(super) fn byte(byte: u8) -> Option<u8> {
    Some(folded(byte)).filter(|folded| *folded != DROPPED)
}

fn is_space(byte: u8) -> bool {
    (byte == b' ') | (byte.wrapping_sub(b'\t') < 5)
}

fn folded(byte: u8) -> u8 {
    let dropped = (byte == b'*') | (byte == b'`');
    let lower = byte | u8::from(byte.wrapping_sub(b'A') < 26) << 5;
    let kept = if is_space(byte) { b' ' } else { lower };
    if dropped { DROPPED } else { kept }
}

/// Folds a block byte by byte, and tells whether each of them stands for one byte. `before` begins one byte before it.
fn each(before: &[u8; BLOCK], block: &[u8; BLOCK], out: &mut [u8; BLOCK]) -> bool {
    let mut lost = 0;
    for ((before, byte), out) in before.iter().zip(block).zip(out) {
        *out = folded(*byte);
        lost |= u8::from(*out == DROPPED) | u8::from(is_space(*before) & is_space(*byte));
    }
    lost == 0
}

/// A block whose bytes each stand for one byte, whatever is before it; `None` for others.
pub(super) fn whole(bytes: &[u8]) -> Option<[u8; BLOCK]> {
    let block: &[u8; BLOCK] = bytes.try_into().ok()?;
    let (mut out, mut before) = ([0; BLOCK], [0; BLOCK]);
    before[1..].copy_from_slice(&block[..BLOCK - 1]);
    each(&before, block, &mut out).then_some(out)
}

/// Folds bytes of which some are dropped, and tells how many are kept.
fn some(block: &[u8], out: &mut [u8; BLOCK], after_space: &mut bool) -> usize {
    let mut length = 0;
    for byte in block {
        let byte = folded(*byte);
        // Always below: a byte at most is written for each that was read.
        out[length % BLOCK] = byte;
        length += usize::from(keeps(byte, after_space));
    }
    length
}

/// Whether a folded byte is kept: none that is dropped, and no space behind another.
fn keeps(byte: u8, after_space: &mut bool) -> bool {
    let (dropped, space) = (byte == DROPPED, byte == b' ');
    let kept = !dropped & !(space & *after_space);
    *after_space = (dropped & *after_space) | (!dropped & space);
    kept
}

impl Blocks {
    /// The bytes of the source from which a range of the folded text was made.
    pub(super) fn source(&self, source: &str, folded: &str, range: &Range<usize>) -> Range<usize> {
        let start = self.at(source, folded, range.start);
        let end = if range.is_empty() { start } else { self.at(source, folded, range.end - 1) + 1 };
        start..end.max(start)
    }

    /// The byte of the source that a byte of the folded text stands for.
    fn at(&self, source: &str, folded: &str, place: usize) -> usize {
        // Nothing is folded to more than it is: the block is the one of that number, or a later one.
        let least = place / BLOCK;
        let index = match self.starts.get(least + 1) {
            Some(next) if *next > place => least,
            _ => self.starts.partition_point(|start| *start <= place).saturating_sub(1),
        };
        let start = self.starts.get(index).copied().unwrap_or_default();
        let begin = (index * BLOCK).min(source.len());
        // Nearly every block is kept byte by byte.
        if self.starts.get(index + 1) == Some(&(start + BLOCK)) {
            return begin + place - start;
        }
        let bytes = &source.as_bytes()[begin..(begin + BLOCK).min(source.len())];
        let mut after_space =
            start.checked_sub(1).is_some_and(|last| folded.as_bytes().get(last) == Some(&b' '));
        let bytes = bytes.iter().map(|byte| self::folded(*byte)).enumerate();
        let mut kept = bytes.filter(|(_, byte)| keeps(*byte, &mut after_space));
        kept.nth(place - start).map_or(source.len(), |(offset, _)| begin + offset)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{byte, fold};

    /// The plainest way to say it.
    fn plainly(text: &str) -> (String, Vec<usize>) {
        let (mut out, mut places) = (String::new(), Vec::new());
        for (place, read) in text.bytes().enumerate() {
            match byte(read) {
                Some(b' ') if out.ends_with(' ') => {}
                None => {}
                Some(folded) => {
                    out.push(char::from(folded));
                    places.push(place);
                }
            }
        }
        (out, places)
    }

    proptest! {
        #[test]
        fn blocks_are_what_single_bytes_are(text in "[ \ta-dA-D*`\n\0]{0,200}") {
            let (folded, blocks) = fold(&text);
            let (wanted, places) = plainly(&text);
            prop_assert_eq!(&folded, &wanted);
            for (at, place) in places.iter().enumerate() {
                prop_assert_eq!(blocks.source(&text, &folded, &(at..at + 1)), *place..place + 1);
            }
            let all = 0..folded.len();
            let whole = places.first().zip(places.last()).map(|(first, last)| *first..last + 1);
            prop_assert!(whole.is_none_or(|whole| blocks.source(&text, &folded, &all) == whole));
        }
    }

    #[test]
    fn every_byte_has_its_form() {
        let forms: Vec<(u8, Option<u8>)> =
            (0..128).map(|each| (each, byte(each))).filter(|(each, form)| *form != Some(*each)).collect();
        let capitals = (b'A'..=b'Z').map(|each| (each, Some(each.to_ascii_lowercase())));
        let spaces = (b'\t'..=b'\r').map(|each| (each, Some(b' ')));
        let dropped = [b'\0', b'*', b'`'].map(|each| (each, None));
        let mut wanted: Vec<_> = capitals.chain(spaces).chain(dropped).collect();
        wanted.sort_unstable();
        assert_eq!(forms, wanted);
    }
}

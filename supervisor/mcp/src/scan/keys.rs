//! The keys of the objects that are open: finds duplicates when an object closes.
//!
//! Keys are compared by meaning (`"a"` equals `"\u0061"`). An object with very many keys costs n·log n, whatever
//! their hashes are, so that a hostile line cannot make the check quadratic.

use super::outline::Span;
use crate::value;

/// Up to this many keys comparing each pair is faster than sorting.
const FEW: usize = 12;
/// Records kept allocated between messages.
const KEPT: usize = 1024;

#[derive(Clone, Copy)]
struct Record {
    hash: u64,
    /// The key between its quotes, as written.
    raw: Span,
}

#[derive(Default)]
pub(super) struct Keys {
    records: Vec<Record>,
    unescaped: Vec<u8>,
}

impl Keys {
    pub(super) fn clear(&mut self) {
        self.records.clear();
        self.records.shrink_to(KEPT);
        self.unescaped.shrink_to(KEPT);
    }

    /// Where the keys of an object that opens now will begin.
    pub(super) fn mark(&self) -> u32 {
        self.records.len() as u32
    }

    /// Remembers a key and gives its meaning, or `None` if it has none (a lone surrogate).
    pub(super) fn add<'a>(&'a mut self, line: &'a [u8], raw: Span) -> Option<&'a [u8]> {
        let text = raw.of(line);
        let plain = memchr::memchr(b'\\', text).is_none();
        let text = if plain { text } else { self.unescape(text)? };
        let hash = hash(text);
        self.records.push(Record { hash, raw });
        Some(if plain { raw.of(line) } else { &self.unescaped })
    }

    fn unescape(&mut self, text: &[u8]) -> Option<&[u8]> {
        self.unescaped.clear();
        value::unescape_into(text, &mut self.unescaped).then_some(&self.unescaped[..])
    }

    /// Forgets the keys from `mark` on and tells whether two of them were equal.
    pub(super) fn close(&mut self, line: &[u8], mark: u32) -> bool {
        let records = &mut self.records[mark as usize..];
        let duplicate =
            if records.len() <= FEW { any_pair(records, line) } else { any_neighbours(records, line) };
        self.records.truncate(mark as usize);
        duplicate
    }
}

fn any_pair(records: &[Record], line: &[u8]) -> bool {
    records
        .iter()
        .enumerate()
        .any(|(n, a)| records[..n].iter().any(|b| a.hash == b.hash && same(*a, *b, line)))
}

fn any_neighbours(records: &mut [Record], line: &[u8]) -> bool {
    let meaning = |record: &Record| value::unescaped(record.raw.of(line));
    records.sort_unstable_by(|a, b| a.hash.cmp(&b.hash).then_with(|| meaning(a).cmp(meaning(b))));
    records.windows(2).any(|pair| pair[0].hash == pair[1].hash && same(pair[0], pair[1], line))
}

fn same(a: Record, b: Record, line: &[u8]) -> bool {
    let (a, b) = (a.raw.of(line), b.raw.of(line));
    a == b || value::unescaped(a).eq(value::unescaped(b))
}

/// Multiply and rotate, eight bytes a step. Quality only matters for speed: equal hashes are compared by meaning.
fn hash(bytes: &[u8]) -> u64 {
    let step = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(bytes.len() as u64, |hash, word| step(hash, u64::from_le_bytes(*word)));
    let tail = rest.iter().fold(0, |tail, byte| tail << 8 | u64::from(*byte));
    step(hash, tail)
}

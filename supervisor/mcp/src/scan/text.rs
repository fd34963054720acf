//! Runs of plain bytes inside of a string, many at a time.

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES << 7;
/// Wide enough that the compiler's vectors pay, small enough that a hit is found again quickly.
const BLOCK: usize = 64;

/// Bytes that end a run: `"`, `\` and control characters. UTF-8 has been checked before.
fn ends_run(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20)
}

/// The length of the longest prefix without a byte that ends a run.
pub(super) fn plain_run(bytes: &[u8]) -> usize {
    let short = bytes.len().min(BLOCK);
    let run = by_words(&bytes[..short]);
    if run < short {
        return run;
    }
    let (blocks, rest) = bytes[short..].as_chunks::<BLOCK>();
    let calm = blocks.iter().take_while(|block| !any_ends_run(block)).count();
    let at = short + calm * BLOCK;
    at + by_words(blocks.get(calm).map_or(rest, |block| block))
}

/// Without an early exit and without a branch: this is what lets the compiler use vector instructions.
fn any_ends_run(block: &[u8; BLOCK]) -> bool {
    let mut hits = 0;
    for byte in block {
        hits |= u8::from(*byte == b'"') | u8::from(*byte == b'\\') | u8::from(*byte < 0x20);
    }
    hits != 0
}

/// Eight bytes a step: the classic tests for a zero byte and for a byte below *n*. A borrow can flag a byte
/// wrongly only above a byte that is flagged rightly, so the lowest flag is exact.
fn by_words(bytes: &[u8]) -> usize {
    let mut at = 0;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let word = u64::from_le_bytes(*word);
        let hits = has_zero(word ^ (ONES * u64::from(b'"')))
            | has_zero(word ^ (ONES * u64::from(b'\\')))
            | (word.wrapping_sub(ONES * 0x20) & !word & HIGHS);
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    at + rest.iter().take_while(|byte| !ends_run(**byte)).count()
}

fn has_zero(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

#[cfg(test)]
mod tests {
    use super::{ends_run, plain_run};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_the_slow_way(bytes in proptest::collection::vec(any::<u8>(), 0..200), calm in any::<bool>()) {
            let bytes: Vec<u8> = bytes.iter().map(|b| if calm && *b != b'"' { b'a' | (b & 0x80) } else { *b }).collect();
            prop_assert_eq!(plain_run(&bytes), bytes.iter().take_while(|b| !ends_run(**b)).count());
        }
    }
}

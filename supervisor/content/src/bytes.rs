//! Searching bytes in blocks: loops without branches, which the compiler turns into vector instructions.

/// Bytes that are judged together.
const BLOCK: usize = 32;
/// Bytes that are judged one by one before: where such bytes stand close together, a block is too much.
const FIRST: usize = 4;

/// The place of the first byte from `from` on for which `wanted` holds.
pub(crate) fn next(bytes: &[u8], from: usize, wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let rest = bytes.get(from..)?;
    if let Some(offset) = rest.iter().take(FIRST).position(|byte| wanted(*byte)) {
        return Some(from + offset);
    }
    let mut at = 0;
    for block in rest.chunks_exact(BLOCK) {
        if block.iter().fold(false, |any, byte| any | wanted(*byte)) {
            break;
        }
        at += BLOCK;
    }
    rest[at..].iter().position(|byte| wanted(*byte)).map(|offset| from + at + offset)
}

/// The runs of at least `least` bytes for which `fits` holds, in order.
///
/// Only each `least`-th byte is looked at until one fits: a text without such runs costs a fraction of its length.
pub(crate) fn runs(
    bytes: &[u8],
    least: usize,
    fits: impl Fn(u8) -> bool,
) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        while let Some(&probe) = bytes.get(from + least - 1) {
            let at = from + least - 1;
            if !fits(probe) {
                from = at + 1;
                continue;
            }
            let begin =
                bytes[from..at].iter().rposition(|byte| !fits(*byte)).map_or(from, |last| from + last + 1);
            let end =
                bytes[at..].iter().position(|byte| !fits(*byte)).map_or(bytes.len(), |first| at + first);
            from = end;
            if end - begin >= least {
                return Some(begin..end);
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::{next, runs};

    #[test]
    fn the_first_place_is_found() {
        let text = format!("{}!{}!", "a".repeat(70), "b".repeat(5));
        assert_eq!(next(text.as_bytes(), 0, |byte| byte == b'!'), Some(70));
        assert_eq!(next(text.as_bytes(), 71, |byte| byte == b'!'), Some(76));
        assert_eq!(next(text.as_bytes(), 77, |byte| byte == b'!'), None);
    }

    #[test]
    fn runs_are_as_a_plain_loop_finds_them() {
        let text = b"12 1234 123 123456 1 1234";
        let found: Vec<_> = runs(text, 4, |byte| byte.is_ascii_digit()).collect();
        assert_eq!(found, [3..7, 12..18, 21..25]);
        assert_eq!(runs(b"12", 4, |_| true).count(), 0);
        assert_eq!(runs(b"1234", 4, |_| true).next(), Some(0..4));
    }
}

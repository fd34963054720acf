//! Escape sequences of terminals (ECMA-48 section 5.4 and 5.6, xterm's control sequences).

/// The bytes of the escape sequence that a text begins with. None goes on behind the end of a line.
pub(super) fn sequence(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (introducer, length) = opened(bytes)?;
    match introducer {
        b'[' => Some(length + parameters(&bytes[length..])),
        b']' | b'P' | b'^' | b'_' | b'X' => Some(length + string(&bytes[length..])),
        // ESC and intermediate bytes, such as the choice of a character set.
        0x20..=0x2f if bytes[0] == 0x1b => Some(1 + intermediate(&bytes[1..])),
        0x30..=0x7e if bytes[0] == 0x1b => Some(length),
        _ => None,
    }
}

/// The bytes of the control character that a text begins with, and of what only says to a terminal how to read on: neither a
/// final byte nor a body, which a reader takes for text.
pub(crate) fn opening(text: &str) -> usize {
    let bytes = text.as_bytes();
    match opened(bytes) {
        Some((b'[' | b']' | b'P' | b'^' | b'_' | b'X', length)) => {
            length + leading(&bytes[length..], |byte| matches!(byte, 0x30..=0x3f))
        }
        Some((0x20..=0x2f, _)) if bytes[0] == 0x1b => {
            1 + leading(&bytes[1..], |byte| matches!(byte, 0x20..=0x2f))
        }
        _ => text.chars().next().map_or(0, char::len_utf8),
    }
}

/// What an escape is introduced by, and the bytes of that.
fn opened(bytes: &[u8]) -> Option<(u8, usize)> {
    match bytes {
        [0x1b, second, ..] => Some((*second, 2)),
        // The same in one character, U+0080 to U+009F.
        [0xc2, c1 @ 0x80..=0x9f, ..] => Some((c1 - 0x40, 2)),
        _ => None,
    }
}

/// Parameter bytes, intermediate bytes and the final byte; what is there of them.
fn parameters(bytes: &[u8]) -> usize {
    let middle = leading(bytes, |byte| matches!(byte, 0x20..=0x3f));
    middle + usize::from(bytes.get(middle).is_some_and(|byte| matches!(byte, 0x40..=0x7e)))
}

fn intermediate(bytes: &[u8]) -> usize {
    let middle = leading(bytes, |byte| matches!(byte, 0x20..=0x2f));
    middle + usize::from(bytes.get(middle).is_some_and(|byte| matches!(byte, 0x30..=0x7e)))
}

fn leading(bytes: &[u8], fits: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| fits(**byte)).count()
}

/// The body of a control string and its end; nothing if it has no end on its line.
///
/// A body ends at the next control character or line break, so each byte is looked at once however many strings are begun,
/// and no string reaches from one text into another where texts are joined line by line.
fn string(bytes: &[u8]) -> usize {
    let ends = |at: usize| match bytes[at] {
        b'\t' | b'\r' => false,
        0xc2 => bytes.get(at + 1).is_some_and(|next| matches!(next, 0x80..=0x9f)),
        byte => byte < 0x20 || byte == 0x7f,
    };
    let Some(end) = (0..bytes.len()).find(|at| ends(*at)) else { return 0 };
    match bytes[end..] {
        [0x07, ..] => end + 1,
        [0x1b, b'\\', ..] | [0xc2, 0x9c, ..] => end + 2,
        _ => 0,
    }
}

//! Escape sequences of terminals (ECMA-48 section 5.4 and 5.6, xterm's control sequences).

/// The bytes of the escape sequence that a text begins with.
pub(super) fn sequence(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (introducer, length) = match bytes {
        [0x1b, second, ..] => (*second, 2),
        // The same in one character, U+0080 to U+009F.
        [0xc2, c1 @ 0x80..=0x9f, ..] => (c1 - 0x40, 2),
        _ => return None,
    };
    match introducer {
        b'[' => Some(length + parameters(&bytes[length..])),
        b']' | b'P' | b'^' | b'_' | b'X' => Some(length + string(&bytes[length..])),
        // ESC and intermediate bytes, such as the choice of a character set.
        0x20..=0x2f if bytes[0] == 0x1b => Some(1 + intermediate(&bytes[1..])),
        0x30..=0x7e if bytes[0] == 0x1b => Some(length),
        _ => None,
    }
}

/// Parameter bytes, intermediate bytes and the final byte; what is there of them.
fn parameters(bytes: &[u8]) -> usize {
    let middle = bytes.iter().take_while(|byte| matches!(byte, 0x20..=0x3f)).count();
    middle + usize::from(bytes.get(middle).is_some_and(|byte| matches!(byte, 0x40..=0x7e)))
}

fn intermediate(bytes: &[u8]) -> usize {
    let middle = bytes.iter().take_while(|byte| matches!(byte, 0x20..=0x2f)).count();
    middle + usize::from(bytes.get(middle).is_some_and(|byte| matches!(byte, 0x30..=0x7e)))
}

/// The body of a control string and its end; nothing if it has no end.
///
/// A body ends at the next control character, so each byte is looked at once however many strings are begun.
fn string(bytes: &[u8]) -> usize {
    let is_control = |at: usize| match bytes[at] {
        b'\t' | b'\n' | b'\r' => false,
        0xc2 => bytes.get(at + 1).is_some_and(|next| matches!(next, 0x80..=0x9f)),
        byte => byte < 0x20 || byte == 0x7f,
    };
    let Some(end) = (0..bytes.len()).find(|at| is_control(*at)) else { return 0 };
    match bytes[end..] {
        [0x07, ..] => end + 1,
        [0x1b, b'\\', ..] | [0xc2, 0x9c, ..] => end + 2,
        _ => 0,
    }
}

//! Whether a server has switched to another protocol.

/// What the first bytes of a server say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Too little to tell.
    More,
    /// 101: the protocol changes (RFC 9110 section 15.2.2). See [`super::Requests::switched`].
    Switches,
    /// Anything else.
    Stays,
}

/// What a connection's first answer is; `bytes` is everything that the server has sent so far. An interim answer before it
/// (100, 103) counts as staying.
pub fn answer(bytes: &[u8]) -> Answer {
    const SWITCH: &[u8] = b"HTTP/1.1 101";
    match bytes.strip_prefix(SWITCH) {
        Some([]) => Answer::More,
        Some([b' ' | b'\r' | b'\n', ..]) => Answer::Switches,
        Some(_) => Answer::Stays,
        None if SWITCH.starts_with(bytes) => Answer::More,
        None => Answer::Stays,
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, answer};

    #[test]
    fn only_101_switches() {
        let cases: [(&[u8], Answer); 8] = [
            (b"", Answer::More),
            (b"HTTP/1.1 10", Answer::More),
            (b"HTTP/1.1 101", Answer::More),
            (b"HTTP/1.1 101 Switching Protocols\r\n", Answer::Switches),
            (b"HTTP/1.1 101\r\n", Answer::Switches),
            (b"HTTP/1.1 1011", Answer::Stays),
            (b"HTTP/1.1 200 OK\r\n", Answer::Stays),
            (b"\r\nHTTP/1.1 101 ", Answer::Stays),
        ];
        for (bytes, expected) in cases {
            assert_eq!(answer(bytes), expected, "{}", bytes.escape_ascii());
        }
    }
}

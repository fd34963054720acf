//! Whether a URI has one spelling only, so that rules about spellings hold.

use percent_encoding::percent_decode_str;
use url::Url;

/// Characters of a path that stand there without an escape, other than letters and digits (RFC 3986, section 3.3).
const BARE: &str = "-._~!$&'()*+,;=:@";

/// Whether a URI is written as every reader normalises it (RFC 3986 section 6.2.2): scheme and host in lower case, no `.` and
/// `..` segments, escapes in capitals and only of what needs them, no empty segments, no backslashes and nothing invisible.
/// What leads to the same thing with and without is not written: a fragment, an empty query, a user's name, a `/` at the end
/// of a file. What is no URL at all, such as `note:1`, is plain unless it holds an escape, a fragment or a step upwards.
pub fn is_plain_uri(uri: &str) -> bool {
    let steps = uri.split(['/', ':', '?']).any(|part| part == "." || part == "..");
    let strange = uri.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '\\' | '#'));
    // `%C0%AF`, a slash in two bytes where one would do, is no UTF-8.
    let broken = percent_decode_str(uri).decode_utf8().is_err();
    if steps || strange || broken || uri.ends_with('?') || has_needless_escape(uri) {
        return false;
    }
    let Ok(url) = Url::parse(uri) else { return true };
    let path = uri.split_once("://").map_or("", |(_, rest)| rest);
    let path = path.split('?').next().unwrap_or_default();
    let (authority, path) = path.split_once('/').unwrap_or((path, ""));
    let empty = path.trim_start_matches('/').contains("//");
    let directory = url.scheme() == "file" && path.ends_with('/');
    // A host alone is the same with and without the slash.
    let same = url.as_str().trim_end_matches('/') == uri.trim_end_matches('/');
    same && !empty && !directory && !authority.contains('@')
}

/// `%61` is `a`, and `%c3` is `%C3`; `%2e` and `%2f` would be read as steps by some. In a query, `%26` and `&` are not the same.
fn has_needless_escape(uri: &str) -> bool {
    let query = uri.find('?').unwrap_or(uri.len());
    uri.match_indices('%').any(|(at, _)| match uri.as_bytes().get(at + 1..at + 3).and_then(escaped) {
        Some(c) => {
            c.is_ascii_alphanumeric()
                || "-._~/\\%".contains(c)
                || c.is_ascii_control()
                || (at < query && BARE.contains(c))
        }
        None => true,
    })
}

/// The byte of an escape in capitals. Those beyond ASCII are parts of characters, which need it.
fn escaped(hex: &[u8]) -> Option<char> {
    let digit = |byte: u8| char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_lowercase());
    let value = digit(*hex.first()?)? * 16 + digit(*hex.get(1)?)?;
    char::from_u32(value)
}

#[cfg(test)]
mod tests {
    use super::is_plain_uri;

    #[test]
    fn one_spelling_is_plain() {
        for uri in [
            "file:///etc/passwd",
            "file:///a%20b",
            "db://table/rows",
            "note:1",
            "https://example.org",
            "https://example.org/a?b=c%26d",
            "demo://resource/dynamic/text/1",
            "test://static/resource/1",
            "memo://insights",
            "file:///srv/b%C3%BC.txt",
            "file:///srv/%C3%9Cber.txt",
            "file:///srv/a@b(c).txt",
            "file:///",
            "https://example.org/a/",
            "https://example.org/a?b=%40",
        ] {
            assert!(is_plain_uri(uri), "{uri}");
        }
    }

    #[test]
    fn other_spellings_are_not() {
        for uri in [
            "file:///etc/../etc/passwd",
            "file:///etc/./passwd",
            "file:///%65tc/passwd",
            "file:///etc%2fpasswd",
            "file:///etc%5cpasswd",
            "FILE:///etc/passwd",
            "file:///etc//passwd",
            "file:\\\\\\etc\\passwd",
            "https://EXAMPLE.org/",
            "https://example.org:443/",
            "file:///etc/passwd\u{0}",
            "file:///etc/pass wd",
            "file:///a%",
            "file:///a%2",
            "note:..",
            "note:%2e%2e",
            "file:///a%2500",
            "file:///a%C0%AFb",
            "file:///etc/passwd#x",
            "file:///etc/passwd#",
            "file:///etc/passwd?",
            "file:///etc/passwd/",
            "file:///srv/b%c3%bc.txt",
            "file:///srv/b%C3%bc.txt",
            "file:///srv/a%40b.txt",
            "file:///srv/a%28b",
            "file:///srv/a%3Ab",
            "https://u@example.org/x",
            "https://@example.org/x",
            "https://u:p@example.org/x",
            "db://t/r#",
            "note:1#x",
            "note:1?",
        ] {
            assert!(!is_plain_uri(uri), "{uri}");
        }
    }
}

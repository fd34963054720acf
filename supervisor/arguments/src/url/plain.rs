//! Whether a URI has one spelling only, so that rules about spellings hold.

use url::Url;

/// Whether a URI is written as every reader normalises it (RFC 3986 section 6.2.2): scheme and host in lower case, no `.` and
/// `..` segments, no escapes of what needs none, no empty segments, no backslashes and nothing invisible. What is no URL at all,
/// such as `note:1`, is plain unless it holds an escape or a step upwards.
pub fn is_plain_uri(uri: &str) -> bool {
    let steps = uri.split(['/', ':', '?', '#']).any(|part| part == "." || part == "..");
    let strange = uri.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\');
    if steps || strange || has_needless_escape(uri.as_bytes()) {
        return false;
    }
    let Ok(url) = Url::parse(uri) else { return true };
    let path = uri.split_once("://").map_or("", |(_, rest)| rest);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let empty = path.split_once('/').is_some_and(|(_, path)| path.trim_start_matches('/').contains("//"));
    // A host alone is the same with and without the slash.
    !empty && url.as_str().trim_end_matches('/') == uri.trim_end_matches('/')
}

/// `%61` is `a`; `%2e` and `%2f` would be read as steps by some.
fn has_needless_escape(uri: &[u8]) -> bool {
    let hex = |byte: u8| char::from(byte).to_digit(16);
    uri.windows(3).filter(|escape| escape[0] == b'%').any(|escape| {
        let value = hex(escape[1]).zip(hex(escape[2])).map(|(high, low)| high * 16 + low);
        match value.and_then(char::from_u32) {
            Some(c) => c.is_ascii_alphanumeric() || "-._~/\\%".contains(c) || c.is_control(),
            None => true,
        }
    }) || uri.ends_with(b"%")
        || uri.iter().rev().nth(1) == Some(&b'%')
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
        ] {
            assert!(!is_plain_uri(uri), "{uri}");
        }
    }
}

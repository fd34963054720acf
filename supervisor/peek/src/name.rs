//! Host names as the DNS has them (RFC 1123 section 2.1, RFC 2181 section 11), in one spelling.

use crate::fault::NameFault;

/// The longest name in text form, without the trailing dot (RFC 1035 section 2.3.4).
const MAX_NAME: usize = 253;
/// The longest label (RFC 1035 section 2.3.4).
const MAX_LABEL: usize = 63;

/// The name in lower case and without its trailing dot.
///
/// Underscores are in no host name by the letter, and in many by custom; the policy takes them, too.
pub(crate) fn host_name(raw: &[u8]) -> Result<String, NameFault> {
    let name = raw.strip_suffix(b".").unwrap_or(raw);
    if name.is_empty() {
        return Err(NameFault::Empty);
    }
    if name.len() > MAX_NAME {
        return Err(NameFault::TooLong);
    }
    if !name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
        return Err(if raw.contains(&b':') { NameFault::Address } else { NameFault::Character });
    }
    if name.split(|byte| *byte == b'.').any(|label| !(1..=MAX_LABEL).contains(&label.len())) {
        return Err(NameFault::Label);
    }
    if is_number(name.rsplit(|byte| *byte == b'.').next().unwrap_or_default()) {
        return Err(NameFault::Address);
    }
    Ok(name.iter().map(|byte| char::from(byte.to_ascii_lowercase())).collect())
}

/// A last label that is a number makes resolvers read the name as an IPv4 address (WHATWG URL section 3.5).
fn is_number(label: &[u8]) -> bool {
    let hex = label.strip_prefix(b"0x").or_else(|| label.strip_prefix(b"0X"));
    label.iter().all(u8::is_ascii_digit) || hex.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use super::host_name;
    use crate::fault::NameFault;

    #[test]
    fn names_have_one_spelling() {
        let cases = [
            ("API.GitHub.com", "api.github.com"),
            ("api.github.com.", "api.github.com"),
            ("localhost", "localhost"),
            ("_dmarc.example.com", "_dmarc.example.com"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("r3---sn-x.example", "r3---sn-x.example"),
            ("0x.example", "0x.example"),
            ("1.2.3.4.example", "1.2.3.4.example"),
        ];
        for (raw, name) in cases {
            assert_eq!(host_name(raw.as_bytes()).as_deref(), Ok(name), "{raw}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let cases: [(&[u8], NameFault); 19] = [
            (b"", NameFault::Empty),
            (b".", NameFault::Empty),
            (b"..", NameFault::Label),
            (b"a..b", NameFault::Label),
            (b".a", NameFault::Label),
            (b"a b", NameFault::Character),
            (b"a\0b", NameFault::Character),
            (b"a/b", NameFault::Character),
            (b"*.example", NameFault::Character),
            ("bücher.example".as_bytes(), NameFault::Character),
            (b"a%2eb", NameFault::Character),
            (b"127.0.0.1", NameFault::Address),
            (b"127.0.0.1.", NameFault::Address),
            (b"127.1", NameFault::Address),
            (b"2130706433", NameFault::Address),
            (b"0x7F000001", NameFault::Address),
            (b"a.0x", NameFault::Address),
            (b"::1", NameFault::Address),
            (b"a.08", NameFault::Address),
        ];
        for (raw, fault) in cases {
            assert_eq!(host_name(raw), Err(fault), "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn lengths_are_those_of_the_dns() {
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert_eq!(host_name(longest.as_bytes()), Ok(longest.clone()));
        assert_eq!(host_name(format!("{longest}.").as_bytes()), Ok(longest.clone()));
        assert_eq!(host_name(format!("{longest}a").as_bytes()), Err(NameFault::TooLong));
        assert_eq!(host_name(format!("{label}a.b").as_bytes()), Err(NameFault::Label));
    }
}

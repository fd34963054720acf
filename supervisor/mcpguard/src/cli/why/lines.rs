//! Lines of a policy, as the policy language wants them written.

/// `tools:` with one key of one tool.
pub(super) fn tool(key: &str, field: &str, value: &str) -> String {
    format!("tools:\n  {}: {{ {field}: {value} }}\n", text(key))
}

/// A section with one key.
pub(super) fn section(name: &str, key: &str, value: &str) -> String {
    format!("{name}:\n  {key}: {value}\n")
}

/// A list with one item.
pub(super) fn one(item: &str) -> String {
    format!("[{}]", text(item))
}

/// Text, in double quotes where YAML could read something else.
pub(super) fn text(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&&*text.to_ascii_lowercase());
    // A JSON string is a YAML double-quoted scalar (YAML 1.2.2 §1.3).
    if plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

/// A size that holds so many bytes, rounded up to KiB.
pub(super) fn size(bytes: u64) -> String {
    let kib = bytes.div_ceil(1024).max(1);
    if kib.is_multiple_of(1024) { format!("{}MiB", kib / 1024) } else { format!("{kib}KiB") }
}

/// Whether a tool can be named exactly: the policy language knows globs, and `defaults` is its own word.
pub(super) fn is_tool_name(name: &str) -> bool {
    let strange = |c: char| c.is_whitespace() || "\\[]{}!*?".contains(c);
    (1..=128).contains(&name.chars().count()) && !name.contains(strange) && name != "defaults"
}

/// Whether the policy language takes it for a domain: letters, digits, `-` and `_` in labels, and no address.
pub(super) fn is_domain(name: &str) -> bool {
    let sound = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    let number = last.strip_prefix("0x").unwrap_or(last).bytes().all(|b| b.is_ascii_hexdigit());
    let number = number && (last.starts_with("0x") || last.bytes().all(|b| b.is_ascii_digit()));
    name.len() <= 253 && name.split('.').all(sound) && !number
}

/// Whether `session.extra_methods` can name it.
pub(super) fn is_method(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_$.-".contains(c))
    };
    name.len() <= 128 && name.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_where_yaml_reads_something_else() {
        for plain in ["get_file", "create/thing", "/a/b.c", "a-b"] {
            assert_eq!(text(plain), plain);
        }
        for (word, quoted) in
            [("get_*", "\"get_*\""), ("No", "\"No\""), ("7", "\"7\""), ("a\"b", "\"a\\\"b\""), ("", "\"\"")]
        {
            assert_eq!(text(word), quoted);
        }
    }

    #[test]
    fn domains_are_what_the_policy_language_takes_for_them() {
        for name in ["a.example", "_x._tcp.a.example", "xn--bcher-kva.example", "host", "a.0xg", "1.example"]
        {
            assert!(is_domain(name), "{name}");
        }
        for name in
            ["", ".", "a..b", "A.example", "a.example.", "a.1", "a.0x1", "a b", "-a.b", "a-.b", "*.a", "a:1"]
        {
            assert!(!is_domain(name), "{name}");
        }
    }

    #[test]
    fn sizes_hold_what_they_must() {
        assert_eq!(size(1), "1KiB");
        assert_eq!(size(1025), "2KiB");
        assert_eq!(size(3 << 20), "3MiB");
    }
}

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
    fn sizes_hold_what_they_must() {
        assert_eq!(size(1), "1KiB");
        assert_eq!(size(1025), "2KiB");
        assert_eq!(size(3 << 20), "3MiB");
    }
}

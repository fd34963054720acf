//! Words that two readers could read differently.
//!
//! Go's `encoding/json` matches keys regardless of case (and folds `ſ` to `s`, the Kelvin sign to `k`);
//! the Python SDK 2.x accepts a field by its Python name besides its wire name (`request_id` for `requestId`,
//! `meta` for `_meta`: pydantic's `populate_by_name`). A key that is not the protocol's word but that such a
//! reader would take for it gives a message two readings, so it is refused.

/// Whether some reader would take `key` for `word` although it is not `word` itself.
pub(crate) fn alike(key: &[u8], word: &str) -> bool {
    if key.len() > word.len() * 3 + 8 || key == word.as_bytes() {
        return false;
    }
    let Ok(key) = std::str::from_utf8(key) else { return true };
    fold(key).eq(fold(word))
}

fn fold(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    })
}

#[cfg(test)]
mod tests {
    use super::alike;

    #[test]
    fn readers_that_fold_are_known() {
        for (key, word) in [
            ("Method", "method"),
            ("METHOD", "method"),
            ("request_id", "requestId"),
            ("meta", "_meta"),
            ("task\u{17f}", "tasks"),
            ("tool\u{17f}", "tools"),
            ("input_requests", "inputRequests"),
            ("toolſ", "tools"),
        ] {
            assert!(alike(key.as_bytes(), word), "{key} is read as {word}");
        }
    }

    #[test]
    fn other_words_are_other_words() {
        for (key, word) in
            [("method", "method"), ("methods", "method"), ("", "id"), ("idx", "id"), ("content", "tools")]
        {
            assert!(!alike(key.as_bytes(), word), "{key} is not {word}");
        }
    }
}

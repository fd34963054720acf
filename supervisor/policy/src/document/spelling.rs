//! The nearest valid spelling of a word.

/// The candidate that a mistyped word most likely means, if any is near enough.
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain = simplify(word);
    candidates
        .map(|candidate| (distance(&plain, &simplify(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= tolerance(candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Long words are compared no further: a hostile key must not cost quadratic time.
fn distance(word: &str, candidate: &str) -> usize {
    match word.len() {
        0..=64 => strsim::damerau_levenshtein(word, candidate),
        _ => usize::MAX,
    }
}

/// `allowedDomains`, `allowed-domains` and `ALLOWED_DOMAINS` mean the same to a person.
fn simplify(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn tolerance(candidate: &str) -> usize {
    (candidate.len() / 3).clamp(1, 4)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let keys = ["allowed_domains", "allowed_ports", "listen", "unix_sockets"];
        let near = |word| nearest(word, keys.into_iter());
        assert_eq!(near("allow_domains"), Some("allowed_domains"));
        assert_eq!(near("allowedDomains"), Some("allowed_domains"));
        assert_eq!(near("allowed-port"), Some("allowed_ports"));
        assert_eq!(near("lisen"), Some("listen"));
        assert_eq!(near("proxy"), None);
        assert_eq!(near(&"x".repeat(100_000)), None);
    }
}

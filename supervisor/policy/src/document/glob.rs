//! Globs of tool names: `*` is any run of characters, `?` exactly one.

/// The one spelling of a glob: within a run of wildcards the `?` come first and one `*` at most comes last.
pub(crate) fn canonical(glob: &str) -> String {
    let mut out = String::new();
    let mut star = false;
    for symbol in glob.chars() {
        match symbol {
            '*' => star = true,
            '?' => out.push('?'),
            literal => {
                out.extend(std::mem::take(&mut star).then_some('*'));
                out.push(literal);
            }
        }
    }
    out.extend(star.then_some('*'));
    out
}

/// Whether the glob matches the name.
pub(crate) fn matches(glob: &str, name: &str) -> bool {
    let (glob, name): (Vec<char>, Vec<char>) = (glob.chars().collect(), name.chars().collect());
    let mut row = vec![false; name.len() + 1];
    row[0] = true;
    for symbol in glob {
        let mut next = vec![false; name.len() + 1];
        for at in 0..=name.len() {
            next[at] = match symbol {
                '*' => row[at] || (at > 0 && next[at - 1]),
                '?' => at > 0 && row[at - 1],
                literal => at > 0 && row[at - 1] && name[at - 1] == literal,
            };
        }
        row = next;
    }
    row[name.len()]
}

/// Whether some name is matched by both globs.
pub(crate) fn overlap(left: &str, right: &str) -> bool {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    // row[j]: the first i symbols of `left` and the first j of `right` can match a common beginning.
    let mut row = vec![false; right.len() + 1];
    row[0] = true;
    for j in 1..=right.len() {
        row[j] = row[j - 1] && right[j - 1] == '*';
    }
    for symbol in left {
        let mut next = vec![false; right.len() + 1];
        next[0] = row[0] && symbol == '*';
        for j in 1..=right.len() {
            let other = right[j - 1];
            next[j] = match (symbol, other) {
                ('*', _) | (_, '*') => row[j] || next[j - 1] || row[j - 1],
                ('?', _) | (_, '?') => row[j - 1],
                (a, b) => row[j - 1] && a == b,
            };
        }
        row = next;
    }
    row[right.len()]
}

/// Whether every name that `narrow` matches is surely matched by `wide` too.
pub(crate) fn includes(wide: &str, narrow: &str) -> bool {
    let (wide, narrow): (Vec<char>, Vec<char>) = (wide.chars().collect(), narrow.chars().collect());
    let mut row = vec![false; narrow.len() + 1];
    row[0] = true;
    for symbol in wide {
        let mut next = vec![false; narrow.len() + 1];
        for at in 0..=narrow.len() {
            next[at] = match symbol {
                '*' => row[at] || (at > 0 && next[at - 1]),
                '?' => at > 0 && row[at - 1] && narrow[at - 1] != '*',
                literal => at > 0 && row[at - 1] && narrow[at - 1] == literal,
            };
        }
        row = next;
    }
    row[narrow.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{includes, matches, overlap};

    #[test]
    fn stars_and_question_marks() {
        for (glob, name, expected) in [
            ("search_*", "search_code", true),
            ("search_*", "search_", true),
            ("search_*", "research_x", false),
            ("*_file", "read_file", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*", "", true),
            ("a*b*c", "aXXbYYc", true),
            ("a*b*c", "acb", false),
        ] {
            assert_eq!(matches(glob, name), expected, "{glob} {name}");
        }
    }

    #[test]
    fn overlaps() {
        for (left, right, expected) in [
            ("get_*", "*_all", true),
            ("get_*", "set_*", false),
            ("a?", "?b", true),
            ("a?", "?bc", false),
            ("*x*", "*y*", true),
        ] {
            assert_eq!(overlap(left, right), expected, "{left} {right}");
            assert_eq!(overlap(right, left), expected, "{right} {left}");
        }
    }

    #[test]
    fn one_spelling() {
        for (glob, plain) in [("a**", "a*"), ("*?b", "?*b"), ("*?*?", "??*"), ("a?", "a?"), ("*a*", "*a*")] {
            assert_eq!(super::canonical(glob), plain, "{glob}");
        }
    }

    #[test]
    fn inclusion() {
        assert!(includes("*a*", "a*"));
        assert!(!includes("a*", "*a*"));
        assert!(!includes("?*", "*"));
    }

    proptest! {
        #[test]
        fn agree_with_matching(left in "[ab*?]{0,6}", right in "[ab*?]{0,6}", name in "[abc]{0,7}") {
            let (l, r) = (matches(&left, &name), matches(&right, &name));
            prop_assert!(!(l && r) || overlap(&left, &right), "both match {name}");
            prop_assert!(!includes(&left, &right) || !r || l, "{right} matches {name}, {left} does not");
        }
    }
}

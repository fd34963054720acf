//! Which words of a text changed.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Edit, cut};

/// The most words on each side that are compared with each other; more are shown as one change. This bounds the work to
/// so many steps a word.
const MOST_COMPARED: usize = 256;

/// The most edits that one change shows. What is more becomes part of the last one.
const MOST_EDITS: usize = 8;

/// Words of context.
const CONTEXT: usize = 3;

/// The most characters of each part of an edit.
pub(crate) const MOST_SHOWN: usize = 400;

/// A run of words that differ: half-open ranges of both texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hunk {
    old: (usize, usize),
    new: (usize, usize),
}

/// The changed words, with some words around them. Nothing if only white space differs.
pub(crate) fn edits(old: &str, new: &str) -> Vec<Edit> {
    let old: Vec<&str> = old.split_whitespace().collect();
    let new: Vec<&str> = new.split_whitespace().collect();
    let hunks = bounded(joined(hunks(&old, &new)));
    hunks.into_iter().map(|hunk| edit(&old, &new, hunk)).collect()
}

fn edit(old: &[&str], new: &[&str], Hunk { old: (from, to), new: (begin, end) }: Hunk) -> Edit {
    let shown = |words: &[&str], most| cut(&words.join(" "), most);
    Edit {
        before: shown(&new[begin.saturating_sub(CONTEXT)..begin], MOST_SHOWN / 4),
        old: shown(&old[from..to], MOST_SHOWN),
        new: shown(&new[begin..end], MOST_SHOWN),
        after: shown(&new[end..new.len().min(end + CONTEXT)], MOST_SHOWN / 4),
    }
}

fn hunks(old: &[&str], new: &[&str]) -> Vec<Hunk> {
    let begin = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[begin..], &new[begin..]);
    let end = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let old_middle = &old_rest[..old_rest.len() - end];
    let new_middle = &new_rest[..new_rest.len() - end];
    let moved = |(from, to)| (from + begin, to + begin);
    let found = match old_middle.len().max(new_middle.len()) {
        0 => Vec::new(),
        1..=MOST_COMPARED => between(old_middle, new_middle),
        _ => vec![Hunk { old: (0, old_middle.len()), new: (0, new_middle.len()) }],
    };
    found.into_iter().map(|hunk| Hunk { old: moved(hunk.old), new: moved(hunk.new) }).collect()
}

/// What lies between the words of the longest common subsequence. Each word becomes a number first: two numbers are compared
/// in one instruction.
fn between(old: &[&str], new: &[&str]) -> Vec<Hunk> {
    let (old_numbers, new_numbers) = numbers(old, new);
    let (mut from, mut begin) = (0, 0);
    let mut found = Vec::new();
    for (to, end) in matched(&old_numbers, &new_numbers).into_iter().chain([(old.len(), new.len())]) {
        if (from, begin) != (to, end) {
            found.push(Hunk { old: (from, to), new: (begin, end) });
        }
        (from, begin) = (to + 1, end + 1);
    }
    found
}

fn numbers(old: &[&str], new: &[&str]) -> (Vec<usize>, Vec<usize>) {
    let words: BTreeSet<&str> = old.iter().chain(new).copied().collect();
    let known: BTreeMap<&str, usize> = words.into_iter().zip(0..).collect();
    let of = |words: &[&str]| words.iter().filter_map(|word| known.get(word).copied()).collect();
    (of(old), of(new))
}

/// The places of the common words.
fn matched(old: &[usize], new: &[usize]) -> Vec<(usize, usize)> {
    let common = common(old, new);
    let width = new.len() + 1;
    let (mut a, mut b) = (0, 0);
    let mut found = Vec::new();
    while a < old.len() && b < new.len() {
        if old[a] == new[b] {
            found.push((a, b));
            (a, b) = (a + 1, b + 1);
        } else if common[(a + 1) * width + b] >= common[a * width + b + 1] {
            a += 1;
        } else {
            b += 1;
        }
    }
    found
}

/// For each pair of places the length of the longest common subsequence from there on.
fn common(old: &[usize], new: &[usize]) -> Vec<u16> {
    let width = new.len() + 1;
    let mut lengths = vec![0_u16; (old.len() + 1) * width];
    for (a, word) in old.iter().enumerate().rev() {
        let (rows, below) = lengths.split_at_mut((a + 1) * width);
        let row = &mut rows[a * width..];
        for b in (0..new.len()).rev() {
            row[b] = if *word == new[b] { below[b + 1] + 1 } else { below[b].max(row[b + 1]) };
        }
    }
    lengths
}

/// Hunks with one or two common words between them are read more easily as one.
fn joined(hunks: Vec<Hunk>) -> Vec<Hunk> {
    let mut joined: Vec<Hunk> = Vec::with_capacity(hunks.len());
    for hunk in hunks {
        match joined.last_mut() {
            Some(last) if hunk.new.0 - last.new.1 <= 2 => {
                (last.old.1, last.new.1) = (hunk.old.1, hunk.new.1);
            }
            _ => joined.push(hunk),
        }
    }
    joined
}

fn bounded(mut hunks: Vec<Hunk>) -> Vec<Hunk> {
    if let (true, Some(end)) = (hunks.len() > MOST_EDITS, hunks.last().copied()) {
        hunks.truncate(MOST_EDITS);
        if let Some(last) = hunks.last_mut() {
            (last.old.1, last.new.1) = (end.old.1, end.new.1);
        }
    }
    hunks
}

#[cfg(test)]
mod tests {
    use super::{MOST_COMPARED, MOST_EDITS, edits};

    fn shown(old: &str, new: &str) -> Vec<(String, String)> {
        edits(old, new).into_iter().map(|edit| (edit.old, edit.new)).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect()
    }

    #[test]
    fn changed_words_are_found() {
        assert_eq!(shown("read a  file", "read\na file"), []);
        assert_eq!(shown("read a file", "read any file"), pairs(&[("a", "any")]));
        assert_eq!(shown("a b c d e f", "a X c d e f g"), pairs(&[("b", "X"), ("", "g")]));
        assert_eq!(shown("a b c d", "a X c Y"), pairs(&[("b c d", "X c Y")]));
        assert_eq!(shown("", "new"), pairs(&[("", "new")]));
        assert_eq!(shown("a a b", "a b"), pairs(&[("a", "")]));
    }

    #[test]
    fn context_stands_around() {
        let found = edits("one two three four five", "one two three 4 five");
        assert_eq!((found[0].before.as_str(), found[0].after.as_str()), ("one two three", "five"));
    }

    #[test]
    fn long_and_scattered_changes_are_bounded() {
        let words = |n: usize, sign: &str| format!("{sign} ").repeat(n);
        let long = edits(&words(MOST_COMPARED + 1, "a"), &words(MOST_COMPARED + 1, "b"));
        assert_eq!(long.len(), 1);
        assert!(long[0].new.chars().count() < 450, "{}", long[0].new);
        let other = "b c d X ".repeat(40);
        let scattered = edits(&"b c d e ".repeat(40), &other);
        assert_eq!(scattered.len(), MOST_EDITS);
        assert!(scattered[MOST_EDITS - 1].new.ends_with("d X"));
    }
}

//! What a text says, beyond its spelling: its words without punctuation, how far it reaches, whom it names.

use std::collections::BTreeSet;

/// Words that widen what a tool does, or that give orders to who reads about it.
const SCOPE: &str = "all always any anything before bypass credentials delete deletes entire every everything execute \
    executes first forward hidden ignore include includes including instead must never overwrite overwrites password \
    passwords recursive recursively remove removes secret secretly send sends silently token unrestricted upload uploads \
    whole";

/// The same of several words.
const PHRASES: &[&str] = &[
    "do not ask",
    "do not mention",
    "do not tell",
    "don't mention",
    "don't tell",
    "without asking",
    "without confirmation",
];

/// The words of a text in lower case, without the punctuation around them. Signs that a program would read (`/`, `*`, `$`,
/// `<`, a dot or a hyphen before a word) stay: `.env` is not `env`.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(word).filter(|word| !word.is_empty()).collect()
}

fn word(written: &str) -> String {
    let opened = written.trim_start_matches(['"', '\'', '`', '(', '[', '{', '“', '‘', '«']);
    let closed = opened
        .trim_end_matches(['.', ',', ';', ':', '!', '?', '"', '\'', '`', ')', ']', '}', '”', '’', '»', '…']);
    let only_marks = closed.chars().all(|c| matches!(c, '-' | '–' | '—' | '•' | '#'));
    if only_marks { String::new() } else { closed.to_lowercase() }
}

/// The words and phrases of scope in a text, whatever signs stand around them.
pub(super) fn scope(text: &str) -> BTreeSet<&'static str> {
    let known: BTreeSet<&str> = SCOPE.split(' ').collect();
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty());
    let line = format!(" {} ", words.clone().collect::<Vec<_>>().join(" "));
    let single = words.filter_map(|word| known.get(word).copied());
    let phrases = PHRASES.iter().copied().filter(|phrase| line.contains(&format!(" {phrase} ")));
    single.chain(phrases).collect()
}

/// The URLs, e-mail addresses, paths, host and file names in a text.
pub(super) fn addresses(text: &str) -> BTreeSet<&str> {
    let breaks = |c: char| c.is_whitespace() || ">()[]{}\"'`,;|=".contains(c);
    // Most words have no such sign, which is seen at once.
    let signed = |piece: &&str| piece.bytes().any(|byte| b"/.@\\%$:".contains(&byte));
    // What ends a tag is no path.
    let pieces = text.split(breaks).filter(signed).filter_map(|piece| piece.split("</").next());
    let pieces = pieces.map(|piece| piece.trim_start_matches('<').trim_end_matches(['.', ':', '!', '?']));
    pieces.filter(|piece| is_address(piece)).collect()
}

fn is_address(piece: &str) -> bool {
    let begins =
        |starts: &[&str]| starts.iter().any(|start| piece.starts_with(start) && piece.len() > start.len());
    let is_drive = matches!(piece.as_bytes(), [drive, b':', b'\\', ..] if drive.is_ascii_alphabetic());
    piece.contains("://")
        || begins(&["/", "~/", "./", "../", "\\\\", "mailto:", "$HOME", "%"])
        || is_drive
        || is_email(piece)
        || is_dotted(piece)
        || piece.matches('/').count() > 1
}

fn is_email(piece: &str) -> bool {
    piece.split_once('@').is_some_and(|(who, host)| !who.is_empty() && is_dotted(host))
}

/// `example.com`, `notes.txt`, `.env`: a dot, then letters and digits only.
fn is_dotted(piece: &str) -> bool {
    let Some((before, last)) = piece.rsplit_once('.') else { return false };
    let named = before.chars().any(char::is_alphanumeric) || before.is_empty();
    named
        && (2..=24).contains(&last.len())
        && last.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && last.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::{addresses, scope, words};

    #[test]
    fn punctuation_and_case_are_no_words() {
        assert_eq!(words("Read, (the) \"File\" - now!"), ["read", "the", "file", "now"]);
        assert_eq!(
            words(".env /etc *.txt --force <b> a-b"),
            [".env", "/etc", "*.txt", "--force", "<b>", "a-b"]
        );
    }

    #[test]
    fn scope_is_found() {
        let found = scope("<b>Deletes ANY</b>/all files, without\nconfirmation. Company");
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["all", "any", "deletes", "without confirmation"]);
    }

    #[test]
    fn addresses_are_found() {
        let text = "See https://a.example/x?y, [b](http://b.example), mail to c@d.example; /etc/passwd ~/.ssh/id \
            ../up .env C:\\x evil.com notes.txt src/a/b. <https://d.example/> No: and/or, e.g. 1.5 <b>end.</b>";
        let found: Vec<&str> = addresses(text).into_iter().collect();
        assert_eq!(
            found,
            [
                "../up",
                ".env",
                "/etc/passwd",
                "C:\\x",
                "c@d.example",
                "evil.com",
                "http://b.example",
                "https://a.example/x?y",
                "https://d.example/",
                "notes.txt",
                "src/a/b",
                "~/.ssh/id"
            ]
        );
    }
}

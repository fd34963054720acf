//! `command`: a program of the rule, and a line that reads the same with and without a shell.
//!
//! What a shell acts on within double quotes is refused everywhere, even in single quotes: a server that puts the line
//! into quotes of its own (`sh -c "cd x && LINE"`) sets it free. What only unquoted text means (globs, braces, `~`, `#`)
//! is refused unquoted.

use unicode_normalization::UnicodeNormalization as _;

use crate::excerpt::Excerpt;
use crate::invisible;

/// Characters where the rule names no bound.
const MAX_LENGTH: u64 = 8192;
/// Operators, expansions and line ends.
const ACTIVE: &str = ";&|<>$`\n\r\0";

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandFault {
    /// Longer than the rule says.
    #[error("is longer than {most} characters")]
    TooLong {
        /// The most characters.
        most: u64,
    },
    /// No words.
    #[error("is empty")]
    Empty,
    /// A character that a shell acts on.
    #[error("holds `{0}`, which a shell acts on; run one program with plain arguments")]
    Syntax(Excerpt),
    /// A control character, or one that is not seen.
    #[error("holds the character U+{code:04X}; leave it out", code = *.0 as u32)]
    Character(char),
    /// Quotes that do not end.
    #[error("has a quote or a backslash without its end")]
    Quotes,
    /// Another program.
    #[error("runs `{program}`, and must run one of: {programs}")]
    Program {
        /// The first word.
        program: Excerpt,
        /// The programs of the rule.
        programs: Excerpt,
    },
}

/// A command line.
pub(crate) fn check(line: &str, programs: &[String], max_length: Option<u64>) -> Result<(), CommandFault> {
    bounded(line.chars().count() as u64, max_length)?;
    if let Some(active) = line.chars().find(|character| ACTIVE.contains(*character)) {
        return Err(syntax(active));
    }
    characters(line)?;
    unquoted(line)?;
    let words = shell_words::split(line).map_err(|_| CommandFault::Quotes)?;
    let first = words.first().ok_or(CommandFault::Empty)?;
    // A quoted program is another word to a server that splits at spaces.
    let unquoted = line.split([' ', '\t']).find(|word| !word.is_empty());
    program(if unquoted == Some(first) { first } else { line }, programs)
}

/// The words of a command, which nobody has to split.
pub(crate) fn check_words(
    words: &[&str],
    programs: &[String],
    max_length: Option<u64>,
) -> Result<(), CommandFault> {
    bounded(words.iter().map(|word| word.chars().count() as u64 + 1).sum(), max_length)?;
    words.iter().try_for_each(|word| characters(word))?;
    program(words.first().ok_or(CommandFault::Empty)?, programs)
}

fn bounded(length: u64, max_length: Option<u64>) -> Result<(), CommandFault> {
    let most = max_length.unwrap_or(MAX_LENGTH);
    if length > most { Err(CommandFault::TooLong { most }) } else { Ok(()) }
}

fn characters(text: &str) -> Result<(), CommandFault> {
    let control = text.chars().find(|character| character.is_control() && *character != '\t');
    let found = control.or_else(|| invisible::first_needless(text));
    found.map_or(Ok(()), |found| Err(CommandFault::Character(found)))
}

fn program(first: &str, programs: &[String]) -> Result<(), CommandFault> {
    match !first.is_empty() && programs.iter().any(|program| program == first) {
        true => Ok(()),
        false => {
            Err(CommandFault::Program { program: Excerpt::of(first), programs: Excerpt::list(programs) })
        }
    }
}

/// What has a meaning in unquoted text.
fn unquoted(line: &str) -> Result<(), CommandFault> {
    let (mut quote, mut begins) = (None, true);
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None | Some('"'), '\\') => {
                characters.next().ok_or(CommandFault::Quotes)?;
            }
            (None, bare) if is_active(bare, begins) => return Err(syntax(bare)),
            _ => {}
        }
        begins = matches!(character, ' ' | '\t' | '=' | ':') && quote.is_none();
    }
    Ok(())
}

/// `~`, `#` and `!` mean something where a word begins, and `~` behind `=` and `:` as well. `HEAD~1` is a word. A character
/// that is folded into an operator is one to whoever folds it.
fn is_active(character: char, begins: bool) -> bool {
    match character {
        '~' | '#' | '!' => begins,
        '(' | ')' | '{' | '}' | '[' | ']' | '*' | '?' => true,
        ascii if ascii.is_ascii() => false,
        other => other.nfkc().any(|folded| ACTIVE.contains(folded) || "'\"\\".contains(folded)),
    }
}

fn syntax(character: char) -> CommandFault {
    CommandFault::Syntax(Excerpt::of(character.encode_utf8(&mut [0; 4])))
}

#[cfg(test)]
mod tests {
    use super::{CommandFault, check, check_words};

    fn programs() -> Vec<String> {
        ["git", "ls", "/usr/bin/grep"].map(str::to_owned).to_vec()
    }

    fn judged(line: &str) -> Result<(), CommandFault> {
        check(line, &programs(), None)
    }

    #[test]
    fn plain_lines_pass() {
        for line in [
            "git",
            "git status",
            " git  log --oneline -n 5 ",
            "git commit -m 'a (b) [c] #d'",
            "git diff HEAD~1",
            "/usr/bin/grep -rn \"foo bar\" src",
            "git\tstatus",
            "git show HEAD^",
            "git commit -m \"it's\"",
            r"ls a\ b",
            "git log --format=%H",
            "git checkout -b feature/x",
            "git commit -m 'Größe'",
            "ls 'a*b'",
            "git log a..b",
        ] {
            assert_eq!(judged(line), Ok(()), "{line}");
        }
    }

    #[test]
    fn shell_syntax_is_refused() {
        for line in [
            "git status; id",
            "git status && id",
            "git status | sh",
            "git status & id",
            "ls > x",
            "ls < x",
            "ls `id`",
            "ls $(id)",
            "ls ${HOME}",
            "ls $HOME",
            "ls\nid",
            "ls\rid",
            "ls \0",
            "ls 'a; id'",
            "ls \"$(id)\"",
            "ls *",
            "ls ?",
            "ls [a]",
            "ls {a,b}",
            "ls (a)",
            "ls ~",
            "ls ~root",
            "ls # x",
            "git -c a=~/x",
            "ls ；id",
            "ls ＄(id)",
            "ls ｜ sh",
            "ls 'a",
            "ls \"a",
            "ls a\\",
            "ls \u{202e}x",
            "ls \u{1b}[2J",
            "! git",
            "ls <(id)",
            "ls \u{b}id",
        ] {
            assert!(judged(line).is_err(), "{}", line.escape_debug());
        }
    }

    #[test]
    fn only_the_programs_run() {
        for line in [
            "",
            " ",
            "id",
            "gitk",
            "./git",
            "/usr/bin/git",
            "../git",
            "grep x",
            "FOO=bar git",
            "'git' status",
            "g\\it status",
            "\"git\" x",
            "env git",
            "sudo git",
            "sh -c git",
            "GIT status",
            "ｇｉｔ status",
            "git\u{a0}x",
            "''",
        ] {
            assert!(judged(line).is_err(), "{line}");
        }
        assert_eq!(check("", &[String::new()], None), Err(CommandFault::Empty));
        assert!(check("git", &[], None).is_err());
    }

    #[test]
    fn words_are_taken_as_they_are() {
        let judged = |words: &[&str]| check_words(words, &programs(), None);
        assert_eq!(judged(&["git", "commit", "-m", "a; b && c $(d) `e`"]), Ok(()));
        for words in [
            &[][..],
            &[""],
            &["git status"],
            &["id"],
            &["git", "a\0b"],
            &["git", "a\nb"],
            &["git", "\u{202e}"],
        ] {
            assert!(judged(words).is_err(), "{words:?}");
        }
        assert!(check_words(&["git", "abcdef"], &programs(), Some(5)).is_err());
    }
}

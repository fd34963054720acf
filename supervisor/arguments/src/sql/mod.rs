//! `sql`: a single statement of a permitted kind, whatever database reads it.
//!
//! ```text
//!  text ──► tokens of each dialect ──► words: one statement, no other verb, no file, no dangerous function
//!                    └──► syntax trees of those dialects that parse it: all of the same permitted kind
//! ```
//! The dialects differ in what ends a string, a name or a comment, and that is where attacks hide. So the words are looked
//! at as every dialect cuts them; a text that only some of them can cut is refused.
//!
//! The parser works by recursion, so that what it reads is bounded beforehand (`depth`), and read on a stack that fits (`stack`).

mod depth;
mod functions;
mod kind;
mod pragma;
mod stack;
mod tables;
mod words;

use sqlparser::dialect::{
    Dialect, GenericDialect, MsSqlDialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect,
};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{TokenWithSpan, Tokenizer};

use crate::excerpt::Excerpt;
use crate::text::is_longer;

/// Characters where the rule names no bound.
const MAX_LENGTH: u64 = 65_536;

/// Why SQL is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SqlFault {
    /// Longer than the rule says.
    #[error("is longer than {most} characters")]
    TooLong {
        /// The most characters.
        most: u64,
    },
    /// A control character, or one that databases turn into a quote.
    #[error("holds the character U+{code:04X}; leave it out", code = *.0 as u32)]
    Character(char),
    /// A comment that MySQL and MariaDB execute.
    #[error("holds a comment that is executed (`/*!`)")]
    ExecutedComment,
    /// Names with escapes (`U&"…"`), which hide what they name.
    #[error("holds a name that is written in escapes (`U&\"…\"`); write it plainly")]
    EscapedName,
    /// Databases do not agree where strings, names and comments end.
    #[error("has quotes or comments that databases read differently, or that do not end; write it plainly")]
    Doubtful,
    /// No dialect parses it.
    #[error("is not a statement that is understood, or nests too deep; write a plain one")]
    Unparsable,
    /// More than one statement, or none.
    #[error("must be exactly one statement")]
    NotSingle,
    /// More operators and clauses than are read.
    #[error("has too many operators, clauses or joins to be checked; split it into several statements")]
    TooComplex,
    /// Brackets, expressions or queries within each other.
    #[error("is nested too deep to be checked; write at most 20 levels of queries within queries")]
    TooDeep,
    /// The system gives no thread to read it on, or reading it has failed.
    #[error("cannot be checked now; try again later, and tell the user if that does not help")]
    Unchecked,
    /// A statement, or part of one, of another kind.
    #[error("does `{kind}`, and may only do: {statements}")]
    Kind {
        /// What it does.
        kind: Excerpt,
        /// What the rule permits.
        statements: Excerpt,
    },
    /// `INTO` outside of an insertion: a table or file that is written.
    #[error("writes its result somewhere (`INTO`)")]
    Into,
    /// A row lock that blocks others.
    #[error("locks rows; leave the lock out")]
    Locks,
    /// `:=` changes a variable.
    #[error("assigns a variable (`:=`)")]
    Assigns,
    /// A file or program where a table is expected.
    #[error("reads or writes a file or program")]
    File,
    /// A `PRAGMA` that changes something, or is not known to change nothing.
    #[error("sets a pragma; only those that describe tables may be read")]
    Pragma,
    /// A function that reaches files, the network or the server.
    #[error("calls `{0}`, which does more than read tables")]
    Function(Excerpt),
}

/// All dialects that a text is read in, the most general first.
fn dialects() -> [&'static dyn Dialect; 5] {
    [&GenericDialect, &PostgreSqlDialect {}, &MySqlDialect {}, &SQLiteDialect {}, &MsSqlDialect {}]
}

pub(crate) fn check(text: &str, statements: &[String], max_length: Option<u64>) -> Result<(), SqlFault> {
    let most = max_length.unwrap_or(MAX_LENGTH);
    if is_longer(text, most) {
        return Err(SqlFault::TooLong { most });
    }
    characters(text)?;
    let (text, statements) = (text.to_owned(), statements.to_vec());
    stack::with(move || in_any_dialect(&text, &statements))
}

fn in_any_dialect(text: &str, statements: &[String]) -> Result<(), SqlFault> {
    let mut parsed = false;
    for dialect in dialects() {
        parsed |= read(text, dialect, statements)?;
        // All dialects cut a plain text alike, so that another would only say the same.
        if parsed && is_plain(text) {
            return Ok(());
        }
    }
    parsed.then_some(()).ok_or(SqlFault::Unparsable)
}

/// U+02BC and U+FF07 become apostrophes where a database converts them to an 8-bit character set.
fn characters(text: &str) -> Result<(), SqlFault> {
    let wrong = |c: &char| {
        (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
            || matches!(c, '\u{2bc}' | '\u{ff07}' | '\u{feff}')
    };
    if let Some(wrong) = text.chars().find(wrong) {
        return Err(SqlFault::Character(wrong));
    }
    match text.as_bytes().windows(3).find_map(hidden) {
        Some(fault) => Err(fault),
        None => Ok(()),
    }
}

fn hidden(bytes: &[u8]) -> Option<SqlFault> {
    match bytes {
        b"/*!" | b"/*M" => Some(SqlFault::ExecutedComment),
        [b'u' | b'U', b'&', b'"'] => Some(SqlFault::EscapedName),
        _ => None,
    }
}

/// Whether nothing in it is cut differently by different dialects.
fn is_plain(text: &str) -> bool {
    text.is_ascii()
        && !text.contains(['\\', '#', '$', '`', '"', '[', '{', '@', '^', '~', '!', '?', '&', '|', ':'])
        && !text.contains("--")
        && !text.contains("/*")
        && !text.contains("//")
}

/// Whether the dialect parses it. What it cuts is judged either way.
fn read(text: &str, dialect: &dyn Dialect, statements: &[String]) -> Result<bool, SqlFault> {
    let tokens = Tokenizer::new(dialect, text).tokenize_with_location().map_err(|_| SqlFault::Doubtful)?;
    depth::check(&tokens)?;
    words::check(&tokens, statements)?;
    parse(tokens, dialect, statements)
}

fn parse(tokens: Vec<TokenWithSpan>, dialect: &dyn Dialect, statements: &[String]) -> Result<bool, SqlFault> {
    let first = words::first(&tokens).unwrap_or_default();
    if first == "pragma" {
        return kind::permitted(&first, statements).map(|()| true);
    }
    let mut parser =
        Parser::new(dialect).with_recursion_limit(depth::MAX_NESTED).with_tokens_with_locations(tokens);
    match parser.parse_statements().as_deref() {
        Ok([statement]) => kind::check(statement, &first, statements).map(|()| true),
        Ok(_) => Err(SqlFault::NotSingle),
        Err(ParserError::RecursionLimitExceeded) => Err(SqlFault::TooDeep),
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
mod nesting;
#[cfg(test)]
mod tests;

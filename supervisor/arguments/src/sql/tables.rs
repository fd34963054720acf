//! Where a statement names its tables: no file stands there, neither as a text nor as a name in quotes.
//!
//! DuckDB reads `FROM 'a.csv'` and `FROM "a.csv"`, Spark ``FROM csv.`/a` ``, in a list behind a comma as well.

use sqlparser::tokenizer::{Token, Word};

use super::SqlFault;

/// Words behind which a table stands. Behind the first two, others may follow with commas.
const BEFORE: [&str; 7] = ["FROM", "JOIN", "INTO", "TABLE", "UPDATE", "DESCRIBE", "SUMMARIZE"];
/// Words that end a list of tables.
const ENDING: [&str; 15] = [
    "WHERE",
    "SELECT",
    "GROUP",
    "ORDER",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "WINDOW",
    "QUALIFY",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "SET",
    "VALUES",
    "RETURNING",
];
/// How names of files end that databases read.
const EXTENSIONS: [&str; 17] = [
    ".csv", ".tsv", ".txt", ".parquet", ".json", ".jsonl", ".ndjson", ".gz", ".zst", ".xlsx", ".db",
    ".sqlite", ".duckdb", ".arrow", ".feather", ".orc", ".avro",
];

/// Tokens without white space. A comment or a bracket between them changes nothing.
pub(super) fn check(tokens: &[&Token]) -> Result<(), SqlFault> {
    // Whether a list of tables goes on, for each open bracket.
    let mut lists = vec![false];
    let mut expected = false;
    for (at, token) in tokens.iter().enumerate() {
        if expected && is_file(&tokens[at..]) {
            return Err(SqlFault::File);
        }
        let list = lists.last().copied().unwrap_or_default();
        match token {
            Token::LParen => lists.push(expected && list),
            Token::LBracket | Token::LBrace => lists.push(false),
            Token::RParen | Token::RBracket | Token::RBrace => drop(lists.pop()),
            Token::Word(word) => {
                if let (Some(list), Some(goes_on)) = (lists.last_mut(), goes_on(word, compares(tokens, at))) {
                    *list = goes_on;
                }
            }
            _ => {}
        }
        expected = match token {
            Token::Word(word) => BEFORE.iter().any(|before| is(word, before)) && !compares(tokens, at),
            Token::Comma => list,
            Token::LParen => expected && list,
            _ => false,
        };
    }
    Ok(())
}

/// What a word says about the list of tables that it stands in: that it begins, or ends, or nothing.
fn goes_on(word: &Word, compares: bool) -> Option<bool> {
    let one_of = |words: &[&str]| words.iter().any(|other| is(word, other));
    match one_of(&["FROM", "JOIN"]) && !compares {
        true => Some(true),
        false => one_of(&ENDING).then_some(false),
    }
}

/// `IS DISTINCT FROM` compares. A name behind a period is no word of the language.
fn compares(tokens: &[&Token], at: usize) -> bool {
    match at.checked_sub(1).map(|before| tokens[before]) {
        Some(Token::Word(before)) => is(before, "DISTINCT"),
        Some(Token::Period) => true,
        _ => false,
    }
}

/// A text, or a name of several parts of which one is in quotes and looks like a file's.
fn is_file(tokens: &[&Token]) -> bool {
    let named = tokens.chunks(2).map_while(|part| match part {
        [Token::Word(word), rest @ ..] => Some((word, matches!(rest, [Token::Period]))),
        _ => None,
    });
    // The first part without a period behind it is the last.
    let mut goes_on = true;
    let mut named = named.take_while(|(_, dotted)| std::mem::replace(&mut goes_on, *dotted));
    let named = named.any(|(word, _)| is_file_name(word));
    named
        || matches!(
            tokens.first(),
            Some(
                Token::SingleQuotedString(_) | Token::EscapedStringLiteral(_) | Token::DollarQuotedString(_)
            )
        )
}

fn is_file_name(word: &Word) -> bool {
    let name = word.value.trim_end().to_ascii_lowercase();
    let file = name.contains(['/', '\\']) || EXTENSIONS.iter().any(|extension| name.ends_with(extension));
    word.quote_style.is_some() && file
}

fn is(word: &Word, name: &str) -> bool {
    word.quote_style.is_none() && word.value.eq_ignore_ascii_case(name)
}

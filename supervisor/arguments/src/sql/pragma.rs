//! `PRAGMA`: SQLite's settings, of which only those that describe may be read.
//!
//! The parser knows no pragma with a name as its argument, so that the few forms that are permitted are told here.

use sqlparser::tokenizer::Token;

use super::SqlFault;

/// What describes a table, an index or the whole, by the argument. Without it: a setting that is read.
const DESCRIBING: [&str; 10] = [
    "table_info",
    "table_xinfo",
    "table_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "foreign_key_list",
    "foreign_key_check",
    "integrity_check",
    "quick_check",
];
const READING: [&str; 14] = [
    "application_id",
    "collation_list",
    "compile_options",
    "data_version",
    "database_list",
    "encoding",
    "foreign_keys",
    "freelist_count",
    "function_list",
    "journal_mode",
    "page_count",
    "page_size",
    "schema_version",
    "user_version",
];

/// `PRAGMA [schema.]name[(argument)]`. Others set something, or do something: `incremental_vacuum`, `optimize`.
pub(super) fn check(tokens: &[&Token]) -> Result<(), SqlFault> {
    let tokens = match tokens {
        [rest @ .., Token::SemiColon] => rest,
        all => all,
    };
    match tokens {
        [_, Token::Word(_), Token::Period, name @ Token::Word(_), rest @ ..]
        | [_, name @ Token::Word(_), rest @ ..] => named(name, rest),
        _ => Err(SqlFault::Pragma),
    }
}

fn named(name: &Token, rest: &[&Token]) -> Result<(), SqlFault> {
    let one_of = |names: &[&str]| {
        names.iter().any(|known| matches!(name, Token::Word(word) if word.value.eq_ignore_ascii_case(known)))
    };
    let sound = match rest {
        [] => one_of(&DESCRIBING) || one_of(&READING),
        [Token::LParen, Token::Word(_) | Token::SingleQuotedString(_) | Token::Number(..), Token::RParen] => {
            one_of(&DESCRIBING)
        }
        _ => false,
    };
    if sound { Ok(()) } else { Err(SqlFault::Pragma) }
}

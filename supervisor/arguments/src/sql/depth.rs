//! How deep a syntax tree can become.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::SqlFault;

/// How deep the parser may recurse where it counts: subqueries, expressions, tables. One level of a query takes up to four.
pub(super) const MAX_NESTED: usize = 100;
/// Brackets within brackets. The parser does not count those of some clauses (`MATCH_RECOGNIZE`, `JSON_TABLE`).
const MAX_BRACKETS: usize = 100;
/// Tokens that can each add a level. `1+1+1…` is parsed in a loop, and its tree is as deep as it is long: it is dropped
/// by recursion, which the parser's own limit does not count.
const MAX_LEVELS: usize = 1000;
/// What a join weighs. `a JOIN b JOIN c … ON … ON …` recurses for each, uncounted by the parser, with large frames.
const JOIN: usize = 8;

pub(super) fn check(tokens: &[TokenWithSpan]) -> Result<(), SqlFault> {
    let (mut levels, mut brackets) = (0, 0_usize);
    for TokenWithSpan { token, .. } in tokens {
        levels += weight(token);
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => brackets += 1,
            Token::RParen | Token::RBracket | Token::RBrace => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        if brackets > MAX_BRACKETS {
            return Err(SqlFault::TooDeep);
        }
    }
    if levels > MAX_LEVELS { Err(SqlFault::TooComplex) } else { Ok(()) }
}

/// Rows and lists are flat: their commas, brackets, names and literals add no level.
fn weight(token: &Token) -> usize {
    match token {
        Token::Word(word) => match word.keyword {
            Keyword::NoKeyword | Keyword::NULL | Keyword::TRUE | Keyword::FALSE => 0,
            Keyword::JOIN | Keyword::STRAIGHT_JOIN => JOIN,
            _ => 1,
        },
        Token::Whitespace(_) | Token::Comma | Token::LParen | Token::RParen | Token::Number(..) => 0,
        Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) | Token::Period | Token::SemiColon => 0,
        _ => 1,
    }
}

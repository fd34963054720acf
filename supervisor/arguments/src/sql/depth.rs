//! How deep a syntax tree can become.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::SqlFault;

/// Tokens that can each add a level. `1+1+1…` is parsed in a loop, and its tree is as deep as it is long: it is dropped
/// by recursion, which the parser's own limit does not count.
const MAX_LEVELS: usize = 1000;

pub(super) fn check(tokens: &[TokenWithSpan]) -> Result<(), SqlFault> {
    let levels = tokens.iter().filter(|token| can_nest(&token.token)).count();
    if levels > MAX_LEVELS { Err(SqlFault::TooComplex) } else { Ok(()) }
}

/// Rows and lists are flat: their commas, brackets, names and literals add no level.
fn can_nest(token: &Token) -> bool {
    match token {
        Token::Word(word) => {
            !matches!(word.keyword, Keyword::NoKeyword | Keyword::NULL | Keyword::TRUE | Keyword::FALSE)
        }
        Token::Whitespace(_) | Token::Comma | Token::LParen | Token::RParen | Token::Number(..) => false,
        Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) | Token::Period | Token::SemiColon => {
            false
        }
        _ => true,
    }
}

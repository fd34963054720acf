//! The paths that code names: `use` trees spread out, and paths in expressions and types as they stand.

use super::source::Token;

/// A path and the line where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedPath {
    pub(super) parts: Vec<String>,
    pub(super) line: usize,
}

/// Every path that the tokens name, single words included.
pub(super) fn named(tokens: &[Token]) -> Vec<NamedPath> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].text == "use" {
            at = use_tree(tokens, at + 1, &[], &mut found);
        } else if is_word(&tokens[at]) {
            at = plain(tokens, at, &mut found);
        } else {
            at += 1;
        }
    }
    found
}

fn is_word(token: &Token) -> bool {
    token.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// `a::b::c`.
fn plain(tokens: &[Token], begin: usize, found: &mut Vec<NamedPath>) -> usize {
    let mut parts = vec![tokens[begin].text.clone()];
    let mut at = begin + 1;
    while let [separator, word, ..] = &tokens[at.min(tokens.len())..] {
        if separator.text != "::" || !is_word(word) {
            break;
        }
        parts.push(word.text.clone());
        at += 2;
    }
    found.push(NamedPath { parts, line: tokens[begin].line });
    at
}

/// One branch of a `use` tree; returns the place behind it.
fn use_tree(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<NamedPath>) -> usize {
    let mut parts = prefix.to_vec();
    let line = tokens.get(at).map_or(0, |token| token.line);
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "::" => at += 1,
            "as" => at += 2,
            "{" => return branches(tokens, at + 1, &parts, found),
            _ if is_word(token) || token.text == "*" => {
                parts.push(token.text.clone());
                at += 1;
            }
            _ => break,
        }
    }
    found.push(NamedPath { parts, line });
    at
}

fn branches(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<NamedPath>) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "}" => return at + 1,
            "," => at += 1,
            _ => {
                let next = use_tree(tokens, at, prefix, found);
                // Whatever is no branch is stepped over, so that odd input ends too.
                at = next.max(at + 1);
            }
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::super::source::tokens;
    use super::named;

    fn joined(source: &str) -> Vec<String> {
        named(&tokens(source)).into_iter().map(|path| path.parts.join("::")).collect()
    }

    #[test]
    fn use_trees_are_spread_out() {
        let found = joined("use std::{fs::{self, File}, io as inout, net::TcpStream}; use crate::a;");
        for path in ["std::fs::self", "std::fs::File", "std::io", "std::net::TcpStream", "crate::a"] {
            assert!(found.contains(&path.to_owned()), "{path} in {found:?}");
        }
    }

    #[test]
    fn paths_in_expressions_are_found() {
        assert!(joined("fn f() { let a = std::env::var(x); }").contains(&"std::env::var".to_owned()));
    }

    #[test]
    fn broken_input_ends() {
        joined("use {{{ ; use ::{,}; use a::{b");
    }
}

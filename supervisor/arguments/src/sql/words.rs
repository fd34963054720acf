//! What a statement does, told by its words, wherever they stand in it.
//!
//! A tree would have to be walked through each of its hundreds of kinds of nodes, and knows no words of dialects that the
//! parser has not. Words miss nothing: a verb within a `WITH`, behind an alias, in a branch of a union.

use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use super::{SqlFault, functions, pragma, tables};
use crate::excerpt::Excerpt;

/// Words that begin statements which change something, and that no database takes for a plain name unquoted. T-SQL needs
/// no semicolon between statements: `SELECT 1 FROM t SHUTDOWN` reads as an alias, and is two.
const VERBS: [&str; 19] = [
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE",
    "TRUNCATE",
    "DROP",
    "ALTER",
    "CREATE",
    "GRANT",
    "REVOKE",
    "EXEC",
    "EXECUTE",
    "SHUTDOWN",
    "KILL",
    "BACKUP",
    "RESTORE",
    "DBCC",
    "RECONFIGURE",
    "WAITFOR",
];
/// Words that are whole statements in T-SQL. They are columns as well (`SELECT commit FROM log`), so that they count only where
/// an alias could stand.
const LONE: [&str; 19] = [
    "REVERT",
    "ROLLBACK",
    "COMMIT",
    "SETUSER",
    "CHECKPOINT",
    "DENY",
    "SAVE",
    "DECLARE",
    "PRINT",
    "RAISERROR",
    "THROW",
    "GOTO",
    "RETURN",
    "BREAK",
    "DEALLOCATE",
    "READTEXT",
    "WRITETEXT",
    "UPDATETEXT",
    "BULK",
];
/// Words behind which an expression begins, so that a column stands there.
const OPENING: [&str; 24] = [
    "SELECT", "DISTINCT", "ALL", "WHERE", "AND", "OR", "NOT", "BY", "ON", "FROM", "JOIN", "WHEN", "THEN",
    "ELSE", "CASE", "IN", "LIKE", "ILIKE", "IS", "BETWEEN", "HAVING", "SET", "USING", "INTO",
];
/// The first word of a statement in lower case, behind opening brackets.
pub(super) fn first(tokens: &[TokenWithSpan]) -> Option<String> {
    let mut tokens = tokens.iter().map(|token| &token.token);
    match tokens.find(|token| !matches!(token, Token::Whitespace(_) | Token::LParen))? {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_ascii_lowercase()),
        _ => None,
    }
}

pub(super) fn check(tokens: &[TokenWithSpan], statements: &[String]) -> Result<(), SqlFault> {
    let first = first(tokens).ok_or(SqlFault::NotSingle)?;
    let tokens: Vec<&Token> = tokens
        .iter()
        .map(|token| &token.token)
        .filter(|token| !matches!(token, Token::Whitespace(_)))
        .collect();
    let called = called(&tokens);
    let line = Line { tokens, called, first, statements };
    line.single()?;
    if line.first == "pragma" {
        pragma::check(&line.tokens)?;
    }
    tables::check(&line.tokens)?;
    (0..line.tokens.len()).try_for_each(|at| line.token(at))
}

/// `name(`, and each part of `schema.name(`: told from the end, so that a name of thousands of parts is read once.
fn called(tokens: &[&Token]) -> Vec<bool> {
    let mut called = vec![false; tokens.len()];
    for at in (0..tokens.len()).rev() {
        called[at] = match tokens.get(at + 1) {
            Some(Token::LParen) => true,
            Some(Token::Period) => matches!(tokens.get(at + 2), Some(Token::Word(_))) && called[at + 2],
            _ => false,
        };
    }
    called
}

/// The tokens of a statement without white space and comments.
struct Line<'a> {
    tokens: Vec<&'a Token>,
    /// For each token, whether it is part of the name of something that is called.
    called: Vec<bool>,
    first: String,
    statements: &'a [String],
}

impl Line<'_> {
    /// Semicolons at the end only.
    fn single(&self) -> Result<(), SqlFault> {
        let semicolon = |token: &&Token| matches!(token, Token::SemiColon | Token::EOF);
        let end = self.tokens.iter().rposition(|token| !semicolon(token)).unwrap_or_default();
        match self.tokens[..end].iter().any(semicolon) {
            true => Err(SqlFault::NotSingle),
            false => Ok(()),
        }
    }

    fn token(&self, at: usize) -> Result<(), SqlFault> {
        match self.tokens[at] {
            Token::Assignment => return Err(SqlFault::Assigns),
            Token::Word(word) => self.call(at, word)?,
            _ => return Ok(()),
        }
        if self.is_name(at) {
            return Ok(());
        }
        self.verb(at)?;
        self.lone(at)?;
        self.into(at)?;
        self.lock(at)?;
        self.file(at)
    }

    /// A word that is a name because of what stands before it: a column, or an alias. `PREPARE x AS DELETE …` has no alias.
    fn is_name(&self, at: usize) -> bool {
        let dotted = at > 0 && matches!(self.tokens[at - 1], Token::Period);
        let aliases = matches!(&self.first[..], "select" | "with" | "insert" | "update" | "delete");
        dotted || (aliases && self.is_alias_keyword(at))
    }

    /// Whether an `AS` stands before that is no name itself: `t.as INTO x` and `1 AS as INTO x` write a table.
    fn is_alias_keyword(&self, at: usize) -> bool {
        let named = at > 1 && (matches!(self.tokens[at - 2], Token::Period) || self.is(at - 2, "AS"));
        at > 0 && self.is(at - 1, "AS") && !named
    }

    fn call(&self, at: usize, word: &Word) -> Result<(), SqlFault> {
        let runs = matches!(&self.first[..], "exec" | "execute" | "call" | "do");
        match (runs || self.called[at]) && functions::is_dangerous(&word.value) {
            true => Err(SqlFault::Function(Excerpt::of(&word.value))),
            false => Ok(()),
        }
    }

    fn verb(&self, at: usize) -> Result<(), SqlFault> {
        let Some(verb) = VERBS.iter().find(|verb| self.is(at, verb)) else { return Ok(()) };
        let verb = verb.to_ascii_lowercase();
        // Functions of MySQL: `INSERT(text, 1, 2, 'x')`, `TRUNCATE(1.5, 1)`.
        let function = matches!(&verb[..], "insert" | "truncate")
            && matches!(self.tokens.get(at + 1), Some(Token::LParen));
        match at == 0 || function || self.belongs(at, &verb) || self.statements.contains(&verb) {
            true => Ok(()),
            false => {
                Err(SqlFault::Kind { kind: Excerpt::of(&verb), statements: Excerpt::list(self.statements) })
            }
        }
    }

    /// A statement of one word, behind what could be the end of another. Procedures and functions are made of such.
    fn lone(&self, at: usize) -> Result<(), SqlFault> {
        let Some(lone) = LONE.iter().find(|lone| self.is(at, lone)) else { return Ok(()) };
        let lone = lone.to_ascii_lowercase();
        let body = matches!(&self.first[..], "create" | "alter");
        match !body && self.ends_term(at) && !self.statements.contains(&lone) {
            true => {
                Err(SqlFault::Kind { kind: Excerpt::of(&lone), statements: Excerpt::list(self.statements) })
            }
            false => Ok(()),
        }
    }

    /// Whether the token before ends an expression or a table's name.
    fn ends_term(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1) else { return false };
        match self.tokens[before] {
            Token::Word(_) => !OPENING.iter().any(|word| self.is(before, word)) || self.is_name(before),
            Token::RParen | Token::RBracket | Token::RBrace | Token::Number(..) => true,
            Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) | Token::Placeholder(_) => true,
            _ => false,
        }
    }

    /// Verbs that are part of another statement's syntax.
    fn belongs(&self, at: usize, verb: &str) -> bool {
        let action = |at| ["CASCADE", "SET", "RESTRICT", "NO"].iter().any(|word| self.is(at, word));
        match &self.first[..] {
            "grant" | "revoke" => true,
            "alter" => matches!(verb, "drop" | "alter"),
            "show" => verb == "create",
            "create" => at > 0 && self.is(at - 1, "ON") && action(at + 1),
            _ => false,
        }
    }

    /// `INTO` right behind the verb of an insertion. Elsewhere it makes a table, or a file.
    fn into(&self, at: usize) -> Result<(), SqlFault> {
        let verb = |at: usize| ["INSERT", "MERGE"].iter().any(|verb| self.is(at, verb)) && !self.is_name(at);
        let modifier =
            |at| ["IGNORE", "LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED"].iter().any(|word| self.is(at, word));
        let inserts = (at >= 1 && verb(at - 1))
            || (at == 1 && self.is(0, "REPLACE"))
            || (at >= 2 && verb(at - 2) && modifier(at - 1))
            || (at >= 3 && verb(at - 3) && self.is(at - 2, "OR"));
        match self.is(at, "INTO") && !inserts {
            true => Err(SqlFault::Into),
            false => Ok(()),
        }
    }

    fn lock(&self, at: usize) -> Result<(), SqlFault> {
        let row = self.is(at, "FOR") && ["SHARE", "KEY", "NO"].iter().any(|word| self.is(at + 1, word));
        let mode = self.is(at, "LOCK") && self.is(at + 1, "IN");
        match (row || mode) && !self.statements.iter().any(|statement| statement == "update") {
            true => Err(SqlFault::Locks),
            false => Ok(()),
        }
    }

    /// DuckDB reads `FROM 'file.csv'`; `COPY` and `LOAD` read and write files; `PROGRAM 'x'` runs one. `IS DISTINCT FROM`
    /// compares.
    fn file(&self, at: usize) -> Result<(), SqlFault> {
        let source = ["FROM", "JOIN", "TO", "PROGRAM", "INFILE", "OUTFILE", "DUMPFILE"];
        let text = matches!(
            self.tokens.get(at + 1),
            Some(
                Token::SingleQuotedString(_) | Token::EscapedStringLiteral(_) | Token::DollarQuotedString(_)
            )
        );
        let compares = self.is(at, "FROM") && at > 1 && self.is(at - 1, "DISTINCT");
        let program = self.is(at + 1, "PROGRAM")
            && matches!(self.tokens.get(at + 2), Some(Token::SingleQuotedString(_)));
        match source.iter().any(|word| self.is(at, word)) && ((text && !compares) || program) {
            true => Err(SqlFault::File),
            false => Ok(()),
        }
    }

    fn is(&self, at: usize, name: &str) -> bool {
        let word = |token: &&Token| match token {
            Token::Word(word) => word.quote_style.is_none() && word.value.eq_ignore_ascii_case(name),
            _ => false,
        };
        self.tokens.get(at).is_some_and(word)
    }
}

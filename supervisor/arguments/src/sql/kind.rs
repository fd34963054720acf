//! What a statement is: its first word, or that of the statement that `WITH` and `EXPLAIN` carry.

use sqlparser::ast::{Query, SetExpr, Statement};

use super::SqlFault;
use crate::excerpt::Excerpt;

/// Whether the rule permits the statement. `first` is its first word in lower case.
pub(super) fn check(statement: &Statement, first: &str, statements: &[String]) -> Result<(), SqlFault> {
    let permitted = |kind: &str| permitted(kind, statements);
    match statement {
        Statement::Query(query) => match first {
            // `with` in a rule means that a query may begin so; what it does must be permitted all the same.
            "with" if body(query) == "select" && permitted("with").is_ok() => Ok(()),
            "with" => permitted(body(query)),
            _ => permitted(first).and_then(|()| permitted_body(query, &permitted)),
        },
        // `EXPLAIN ANALYZE` runs what it explains, and a query changes nothing when it is run.
        Statement::Explain { statement, .. } => {
            permitted(first)?;
            explained(statement).map_or(Ok(()), permitted)
        }
        _ => permitted(first),
    }
}

/// Whether the kind is one of the rule's.
pub(super) fn permitted(kind: &str, statements: &[String]) -> Result<(), SqlFault> {
    match statements.iter().any(|permitted| permitted == kind) {
        true => Ok(()),
        false => Err(SqlFault::Kind { kind: Excerpt::of(kind), statements: Excerpt::list(statements) }),
    }
}

fn permitted_body(query: &Query, permitted: &dyn Fn(&str) -> Result<(), SqlFault>) -> Result<(), SqlFault> {
    match body(query) {
        "select" | "values" | "table" => Ok(()),
        other => permitted(other),
    }
}

/// What else than a query is explained.
fn explained(statement: &Statement) -> Option<&'static str> {
    match statement {
        Statement::Query(query) => Some(body(query)).filter(|body| *body != "select"),
        Statement::Insert(_) => Some("insert"),
        Statement::Update(_) => Some("update"),
        Statement::Delete(_) => Some("delete"),
        Statement::Merge(_) => Some("merge"),
        Statement::CreateTable(_) | Statement::CreateView(_) => Some("create"),
        // Nothing else can be explained; what a parser lets through is no word of any rule.
        _ => Some("explain of something else"),
    }
}

fn body(query: &Query) -> &'static str {
    let mut body = &*query.body;
    loop {
        body = match body {
            SetExpr::Query(query) => &query.body,
            SetExpr::Select(_) | SetExpr::SetOperation { .. } => return "select",
            SetExpr::Values(_) => return "values",
            SetExpr::Table(_) => return "table",
            SetExpr::Insert(_) => return "insert",
            SetExpr::Update(_) => return "update",
            SetExpr::Delete(_) => return "delete",
            SetExpr::Merge(_) => return "merge",
        };
    }
}

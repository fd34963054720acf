//! The policy's network in words, after its rules: what can be reached, when, and how it is checked; what stays closed.
//!
//! ```text
//! network, as the policy means it
//!   api.github.com  always; port 443, checked by name
//!   closed: every other name: whichever server is asked, the session's own resolver answers, and refuses it
//! ```

use std::io::Write;

use policy::reach::{Kind, Opening, Reach, When};
use policy::{Plan, reach};
use serde_json::{Value, json};

use crate::terminal::paint;

/// Names longer than this do not push the words of all others to the right.
const WIDEST: usize = 40;

/// For people.
pub(super) fn people(plan: &Plan, colour: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let Reach { open, closed, warnings } = reach(plan);
    writeln!(out, "network, as the policy means it")?;
    let names: Vec<String> = open.iter().map(name).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).min(WIDEST);
    for (name, opening) in names.iter().zip(&open) {
        writeln!(out, "  {name:width$}  {opening}")?;
    }
    for sentence in closed {
        writeln!(out, "  {} {sentence}", paint("closed:", "32", colour))?;
    }
    for sentence in warnings {
        writeln!(out, "  {} {sentence}", paint("warning:", "33", colour))?;
    }
    Ok(())
}

/// A range, a port and a path are told apart from a domain by a word before them.
fn name(opening: &Opening) -> String {
    let what = &opening.what;
    match opening.kind {
        Kind::Domain | Kind::Range | Kind::UnixSocket => what.clone(),
        Kind::Public => "any public host".to_owned(),
        Kind::Listen => format!("port {what}"),
    }
}

/// For machines: the same facts.
pub(super) fn document(plan: &Plan) -> Value {
    let Reach { open, closed, warnings } = reach(plan);
    let open: Vec<Value> = open.iter().map(|opening| row(plan, opening)).collect();
    json!({ "open": open, "closed": closed, "warnings": warnings })
}

fn row(plan: &Plan, opening: &Opening) -> Value {
    let Opening { what, kind, when, checked, unchecked, records, rule } = opening;
    let calls = match when {
        When::Always => Value::Null,
        When::Calls(keys) => json!(keys),
    };
    json!({
        "what": what, "kind": kind.word(), "while_a_call_of": calls,
        "ports_checked_by_name": checked, "ports_by_address_only": unchecked,
        "records": { "srv": records.srv, "txt": records.txt },
        "rule": plan.rule(*rule).map(|rule| &rule.text),
        "words": opening.to_string(),
    })
}

//! What `check` tells of the host's rules: which there are, and what they changed.

use std::io::Write;

use policy::host::{HostRule, Narrowing};
use policy::plan::Origin;
use serde_json::{Value, json};

use crate::host_rules::UnderRules;
use crate::terminal::paint;

/// For machines.
pub(super) fn document(under: &UnderRules) -> Value {
    let rules: Vec<Value> = under.rules.rules().iter().map(rule).collect();
    let narrowed: Vec<Value> = under.narrowed.iter().map(narrowing).collect();
    json!({
        "sources": under.rules.sources(),
        "revision": under.rules.revision(),
        "allow_degraded": under.forbids_degraded().is_none(),
        "rules": rules,
        "narrowed": narrowed,
    })
}

fn rule(HostRule { text, origin, reason }: &HostRule) -> Value {
    json!({ "rule": text, "origin": place(origin), "author_reason": reason })
}

fn narrowing(Narrowing { rule, before }: &Narrowing) -> Value {
    let before = before.as_ref().map(|(text, origin)| json!({ "rule": text, "origin": place(origin) }));
    json!({ "rule": rule.text, "origin": place(&rule.origin), "in_place_of": before })
}

fn place(Origin { source, line, column }: &Origin) -> Value {
    json!({ "source": source, "line": line, "column": column })
}

/// For people.
pub(super) fn people(under: &UnderRules, colour: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "rules of this host, which no policy exceeds: {}", under.rules.sources().join(", "))?;
    for HostRule { text, origin, reason } in under.rules.rules() {
        let because = reason.map(|reason| format!("; because: {reason}")).unwrap_or_default();
        writeln!(out, "  {text}  {origin}{because}")?;
    }
    for narrowing in &under.narrowed {
        writeln!(out, "  {}  {narrowing}", paint("narrowed", "33", colour))?;
    }
    Ok(())
}

//! For machines: an object a line for each difference, and one that sums up.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::counts::Counts;
use super::tally::Group;
use super::verdict::{Change, Now, Then};
use super::words::{kind_word, limits, word};
use super::{Outcome, remedy};

/// Writes it all.
pub(super) fn write(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    for group in outcome.tally.groups() {
        writeln!(out, "{}", difference(outcome, group))?;
    }
    writeln!(out, "{}", json!({ "summary": summary(outcome) }))
}

fn difference(outcome: &Outcome, group: &Group) -> Value {
    let remedy = outcome.judges.last().and_then(|judge| remedy::of(judge, group));
    let Group { change, kind, subject, then, now, rule, why, first, count } = group;
    let (then, then_cause) = match then {
        Then::Allowed => ("allowed", None),
        Then::Approved(_) => ("approved", None),
        Then::Denied(cause) => ("denied", Some(word(cause))),
    };
    let (now, cause) = match now {
        Now::Allowed => ("allowed", None),
        Now::Denied(cause) => ("denied", Some(word(cause))),
        Now::Waits(_) => ("waits", None),
        Now::Unknown => ("unknown", None),
    };
    json!({
        "change": change_word(*change), "kind": kind_word(*kind), "subject": subject, "count": count,
        "then": then, "then_cause": then_cause, "now": now, "cause": cause, "rule": rule,
        "why": (!why.is_empty()).then_some(why),
        "where": remedy.as_ref().map(|(where_to, _)| where_to), "yaml": remedy.as_ref().map(|(_, yaml)| yaml),
        "first": {
            "log": &*first.log, "session": first.session, "seq": first.seq, "time": format!("{:.6}", first.time),
        },
    })
}

fn change_word(change: Change) -> &'static str {
    match change {
        Change::Denied | Change::Waits => "narrowed",
        Change::Allowed | Change::MayPass => "widened",
        Change::Unknown => "unknown",
        Change::None => "none",
    }
}

fn summary(outcome: &Outcome) -> Value {
    let Outcome { logs, judges, tally } = outcome;
    let log = |log: &super::Log| json!({ "log": log.name(), "records": log.sound(), "broken": log.broken(), "cut_bytes": log.cut() });
    let judge = judges.last();
    json!({
        "policy": judge.map(|judge| &judge.plan.name),
        "source": judge.map(|judge| &judge.source),
        "revision": judge.map(|judge| &judge.plan.revision),
        "logs": logs.iter().map(log).collect::<Vec<_>>(),
        "records": tally.records,
        "sessions": tally.sessions,
        "sessions_without_start": tally.without_start,
        "sessions_ended_by_refusal": tally.ended_by_refusal,
        "calls": counts(&tally.calls),
        "denials": counts(&tally.denials),
        "narrowed": tally.narrowed(),
        "widened": tally.widened(),
        "not_in_a_group": tally.crowded_out,
        "not_judged": judge.map(limits),
    })
}

fn counts(counts: &Counts) -> Value {
    let Counts { all, same, denied, allowed, waits, may_pass, unknown } = counts;
    json!({
        "all": all, "as_before": same, "denied_now": denied, "allowed_now": allowed,
        "wait_for_approval": waits.saturating_add(*may_pass), "unknown": unknown,
    })
}

//! For people: counts first, then each difference, then what cannot be told.

use std::io::{self, Write};

use audit::{RuleRef, for_people};

use super::counts::Counts;
use super::tally::{Group, Tally};
use super::verdict::Change;
use super::words::{kind_word, now_word, then_word};
use super::{Outcome, notes, remedy};
use crate::terminal::{colours, paint};

/// Writes it all.
pub(super) fn write(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let colour = colours(&io::stdout());
    head(outcome, colour, out)?;
    let all: Vec<&Group> = outcome.tally.groups().collect();
    for (change, title, sgr) in [
        (Change::Denied, "denied now", "31"),
        (Change::Waits, "would wait for an approval", "33"),
        (Change::MayPass, "denied then, would wait for an approval now", "33"),
        (Change::Allowed, "allowed now", "32"),
        (Change::Unknown, "unknown", "36"),
    ] {
        let of_kind: Vec<&&Group> = all.iter().filter(|group| group.change == change).collect();
        if !of_kind.is_empty() {
            writeln!(out, "\n{}", paint(title, sgr, colour))?;
        }
        of_kind.into_iter().try_for_each(|group| row(outcome, group, out))?;
    }
    notes::write(outcome, out)
}

fn head(outcome: &Outcome, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let Outcome { logs, judges, tally } = outcome;
    let policy = judges.last().map(|judge| format!("{} ({})", judge.plan.name, judge.source));
    writeln!(
        out,
        "{} by {}",
        what_was_read(logs.len(), tally),
        shown(&policy.unwrap_or_else(|| "no policy".to_owned()))
    )?;
    for log in logs {
        if let Some(broken) = log.broken() {
            let title = paint("NOT AS IT WAS WRITTEN", "31", colour);
            let sound = log.sound();
            writeln!(out, "{title}: {}; only the {sound} records before it are judged", shown(broken))?;
        }
        if let Some(bytes) = log.cut() {
            writeln!(
                out,
                "{}: the last line is not whole ({bytes} bytes): a crash, or it is being written",
                shown(&log.name())
            )?;
        }
    }
    let Tally { calls, denials, .. } = tally;
    line("calls", calls, out)?;
    line("denials", denials, out)
}

fn what_was_read(logs: usize, tally: &Tally) -> String {
    let many = |count: u64, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let (records, sessions) = (many(tally.records, "record"), many(tally.sessions, "session"));
    format!("{records} of {sessions} in {}, judged", many(logs as u64, "log"))
}

fn line(title: &str, counts: &Counts, out: &mut dyn Write) -> io::Result<()> {
    let Counts { all, same, denied, allowed, waits, may_pass, unknown } = counts;
    let waits = waits.saturating_add(*may_pass);
    writeln!(
        out,
        "{title:<8} {all:>6}: {same} as before, {denied} denied now, {allowed} allowed now, {waits} wait for an approval, {unknown} unknown"
    )
}

/// One group: what it is, and beneath it the rule and the reason.
fn row(outcome: &Outcome, group: &Group, out: &mut dyn Write) -> io::Result<()> {
    let Group { kind, subject, then, now, rule, why, first, count, .. } = group;
    let log = if outcome.logs.len() > 1 { format!(" of {}", first.log) } else { String::new() };
    let times = format!("{count}x");
    writeln!(
        out,
        "{times:>7} {} {}  {} → {}  first #{} {:.6}{}",
        kind_word(*kind),
        shown(subject),
        then_word(*then),
        now_word(*now),
        first.seq,
        first.time,
        shown(&log)
    )?;
    if let Some(rule) = rule {
        writeln!(out, "        rule {} at {}", shown(&rule.text), shown(&place(rule)))?;
        if let Some(reason) = &rule.reason {
            writeln!(out, "        because {}", shown(reason))?;
        }
    }
    if !why.is_empty() {
        writeln!(out, "        {}", shown(why))?;
    }
    match outcome.judges.last().and_then(|judge| remedy::of(judge, group)) {
        None => Ok(()),
        Some((where_to, yaml)) => {
            writeln!(out, "        to allow exactly this, {}:", shown(&where_to))?;
            yaml.lines().try_for_each(|line| writeln!(out, "            {}", shown(line)))
        }
    }
}

fn shown(text: &str) -> std::borrow::Cow<'_, str> {
    for_people(text)
}

/// `file:line:column`.
fn place(rule: &RuleRef) -> String {
    match rule.line {
        0 => format!("{} (mcpguard's own default)", rule.source),
        _ => format!("{}:{}:{}", rule.source, rule.line, rule.column),
    }
}

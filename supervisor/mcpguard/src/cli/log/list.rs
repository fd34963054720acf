//! `mcpguard log list`: the sessions whose logs lie in the state directory, one line each.

use std::io::Write;
use std::path::Path;

use audit::{Body, Filter, SessionEnd};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::state_directory;
use crate::sessions::Counts;

/// What the list says of one log.
#[derive(Default)]
struct Summary {
    start: Option<(Timestamp, String, String)>,
    counts: Counts,
    end: Option<String>,
    unreadable: u64,
}

impl Summary {
    fn of(path: &Path) -> anyhow::Result<Self> {
        let mut summary = Self::default();
        for item in audit::read(path, Filter::default())? {
            let Ok(record) = item else {
                summary.unreadable += 1;
                continue;
            };
            summary.counts.add(&record.body);
            match record.body {
                Body::SessionStart(start) => {
                    summary.start = Some((record.time, record.session.to_string(), start.policy.name))
                }
                Body::SessionEnd(SessionEnd { reason, .. }) => {
                    summary.end = json!(reason).as_str().map(str::to_owned)
                }
                _ => {}
            }
        }
        Ok(summary)
    }

    fn document(&self, path: &Path) -> Value {
        let Self { start, counts: Counts { calls, denials }, end, unreadable } = self;
        json!({
            "path": path,
            "start": start.as_ref().map(|(time, ..)| format!("{time:.6}")),
            "session": start.as_ref().map(|(_, session, _)| session),
            "policy": start.as_ref().map(|(.., policy)| policy),
            "calls": calls,
            "denials": denials,
            "end": end,
            "unreadable_lines": unreadable,
        })
    }

    fn line(&self, path: &Path) -> String {
        let Self { start, counts: Counts { calls, denials }, end, unreadable } = self;
        let start = match start {
            Some((time, session, policy)) => format!("{time:.0}  {session}  {policy}"),
            None => path.display().to_string(),
        };
        let end = end.as_ref().map_or_else(|| "no end".to_owned(), |end| format!("ended: {end}"));
        let broken = if *unreadable > 0 { format!("  {unreadable} unreadable lines") } else { String::new() };
        audit::for_people(&format!("{start}  {calls} calls  {denials} denials  {end}{broken}")).into_owned()
    }
}

/// Lists, oldest first.
pub(super) fn run(as_json: bool, out: &mut dyn Write) -> anyhow::Result<u8> {
    let state = state_directory()?;
    for path in audit::session_logs(&state)? {
        let summary = Summary::of(&path)?;
        if as_json {
            writeln!(out, "{}", summary.document(&path))?;
        } else {
            writeln!(out, "{}", summary.line(&path))?;
        }
    }
    Ok(0)
}

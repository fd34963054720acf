//! No record is judged twice: not when a log is given twice, nor when a copy or one of its rotated files is given beside it.

use std::collections::BTreeMap;

use anyhow::bail;
use audit::SessionId;

use super::logs::Log;

/// Looks for records that are in two of the logs. A record is known by its session and its number.
///
/// # Errors
/// There are some, or a log cannot be read.
pub(super) fn each(logs: &[Log]) -> anyhow::Result<()> {
    if logs.len() < 2 {
        return Ok(());
    }
    let mut known: BTreeMap<SessionId, Vec<(u64, u64, &Log)>> = BTreeMap::new();
    for log in logs {
        for (session, (first, last)) in log.spans()? {
            // Every host's daemon has records about itself, which are not judged.
            if session == SessionId::host() {
                continue;
            }
            let spans = known.entry(session).or_default();
            if let Some((.., other)) = spans.iter().find(|(from, to, _)| first <= *to && *from <= last) {
                bail!("{}: give one of them, or what they share counts twice", both(other, log));
            }
            spans.push((first, last, log));
        }
    }
    Ok(())
}

fn both(one: &Log, other: &Log) -> String {
    match (one.name(), other.name()) {
        (one, other) if one == other => format!("{one} is given twice"),
        (one, other) => format!("{one} and {other} hold records of the same session with the same numbers"),
    }
}

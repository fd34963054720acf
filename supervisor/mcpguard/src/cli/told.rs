//! What became of a session that an operator acted on: a line for people, an object for machines.

use std::io::Write;

use serde_json::json;

use crate::sessions::Running;

/// Tells it. `deed` is what should have been done: `ended`, `frozen`, `thawed`.
pub(super) fn told(
    deed: &str,
    session: &Running,
    outcome: &Result<(), String>,
    as_json: bool,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    if as_json {
        let document = json!({
            "session": session.session, "policy": session.policy, "pid": session.pid.as_raw(),
            deed: outcome.is_ok(), "error": outcome.as_ref().err(),
        });
        return writeln!(out, "{document}");
    }
    writeln!(out, "{}", line(deed, session, outcome))
}

/// The line for people: what became of the session, and why not.
pub(super) fn line(deed: &str, session: &Running, outcome: &Result<(), String>) -> String {
    let name: String = session.session.chars().take(8).collect();
    let line = match outcome {
        Ok(()) => format!("{deed}: {name} ({})", session.policy),
        Err(why) => format!("not {deed}: {name} ({}): {why}", session.policy),
    };
    audit::for_people(&line).into_owned()
}

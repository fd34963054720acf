//! What became of a session that an operator acted on: a line for people, an object for machines.

use std::io::Write;

use serde_json::json;

use crate::sessions::Found;

/// Tells it. `deed` is what should have been done: `ended`, `frozen`, `thawed`.
pub(super) fn told(
    deed: &str,
    session: &Found,
    outcome: &Result<(), String>,
    as_json: bool,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let card = &session.card;
    if as_json {
        let document = json!({
            "session": card.session, "policy": card.policy, "pid": session.standing.supervisor().as_raw(),
            deed: outcome.is_ok(), "error": outcome.as_ref().err(),
        });
        return writeln!(out, "{document}");
    }
    writeln!(out, "{}", line(deed, session, outcome))
}

/// The line for people: what became of the session, and why not.
pub(super) fn line(deed: &str, session: &Found, outcome: &Result<(), String>) -> String {
    let card = &session.card;
    let name: String = card.session.chars().take(8).collect();
    let line = match outcome {
        Ok(()) => format!("{deed}: {name} ({})", card.policy),
        Err(why) => format!("not {deed}: {name} ({}): {why}", card.policy),
    };
    audit::for_people(&line).into_owned()
}

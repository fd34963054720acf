//! What a reader should know of the whole, said once.

use std::io::{self, Write};

use super::Outcome;
use super::words::limits;

/// Writes it.
pub(super) fn write(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let Outcome { judges, tally, .. } = outcome;
    writeln!(out)?;
    if tally.crowded_out > 0 {
        writeln!(
            out,
            "note: {} more belong to groups that are not shown; the counts hold them",
            tally.crowded_out
        )?;
    }
    if tally.ended_by_refusal > 0 {
        writeln!(
            out,
            "note: `on_violation.tool: kill` would have ended {} of the sessions at a call that is refused now; what follows is judged nevertheless",
            tally.ended_by_refusal
        )?;
    }
    if tally.without_start > 0 {
        writeln!(
            out,
            "note: the beginning of {} of the sessions is not in the log: its workspace, home, command and scopes are not known, and what hangs on those is unknown",
            tally.without_start
        )?;
    }
    for note in judges.last().into_iter().flat_map(limits) {
        writeln!(out, "note: {note}")?;
    }
    writeln!(
        out,
        "note: opened files and connections that were allowed are not recorded: a grant that is taken away is not seen"
    )
}

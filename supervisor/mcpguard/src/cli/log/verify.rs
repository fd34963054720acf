//! `mcpguard log verify`: whether a log is as it was written, for people and for machines.

use std::io::{self, Write};

use audit::{SessionSeen, Verified};
use serde_json::{Value, json};

use super::Choice;

/// Verifies; the number is the exit status.
pub(super) fn run(log: &Choice, as_json: bool, out: &mut dyn Write) -> anyhow::Result<u8> {
    let path = log.resolve()?;
    match audit::verify(&path) {
        Ok(verified) if as_json => writeln!(out, "{}", document(&verified))?,
        Ok(verified) => people(&verified, out)?,
        Err(error) => {
            let told = audit::for_people(&error.to_string()).into_owned();
            if as_json {
                let json = json!({
                    "verified": false, "file": error.file, "line": error.line, "what": error.what, "records": error.records,
                });
                writeln!(out, "{json}")?;
            } else {
                writeln!(
                    out,
                    "NOT AS WRITTEN: {told}\n{} records before it are as they were written",
                    error.records
                )?;
            }
            return Ok(1);
        }
    }
    Ok(0)
}

fn document(verified: &Verified) -> Value {
    let Verified {
        files,
        records,
        sessions,
        head,
        continues,
        last_whole_line,
        truncated_tail,
        damages,
        repairs,
    } = verified;
    let session = |seen: &SessionSeen| {
        let SessionSeen { session, first, last, ended, kernel_last, kernel_missing } = seen;
        json!({ "session": session, "first": first, "last": last, "ended": ended, "kernel_last": kernel_last, "kernel_missing": kernel_missing })
    };
    let repair = |repair: &audit::Repair| json!({ "file": repair.file, "line": repair.line, "bytes": repair.repaired.bytes });
    let damage = |damage: &audit::Damage| json!({ "file": damage.file, "line": damage.line, "bytes": damage.recovered.bytes });
    json!({
        "verified": true,
        "files": files,
        "records": records,
        "sessions": sessions.iter().map(session).collect::<Vec<_>>(),
        "head": head,
        "continues": continues,
        "last_whole_line": last_whole_line,
        "truncated_tail_bytes": truncated_tail,
        "damages": damages.iter().map(damage).collect::<Vec<_>>(),
        "repairs": repairs.iter().map(repair).collect::<Vec<_>>(),
    })
}

fn people(verified: &Verified, out: &mut dyn Write) -> io::Result<()> {
    let Verified {
        files,
        records,
        sessions,
        head,
        continues,
        last_whole_line,
        truncated_tail,
        damages,
        repairs,
    } = verified;
    let (files_word, sessions_word) = (plural(files.len(), "file"), plural(sessions.len(), "session"));
    writeln!(out, "verified: {records} records in {files_word}, {sessions_word}; head {head}")?;
    if let Some(prev) = continues {
        writeln!(out, "older files are gone; the oldest record names its predecessor {prev}")?;
    }
    if let Some(bytes) = truncated_tail {
        writeln!(
            out,
            "verified up to line {last_whole_line}, the last whole one; {bytes} bytes after it are no whole line"
        )?;
    }
    for damage in damages {
        let (file, bytes) = (damage.file.display(), damage.recovered.bytes);
        writeln!(
            out,
            "{file}:{}: {bytes} damaged bytes before this line; a later session found and named them",
            damage.line
        )?;
    }
    for repair in repairs {
        let (file, bytes) = (repair.file.display(), repair.repaired.bytes);
        writeln!(
            out,
            "{file}:{}: {bytes} bytes of a line that was not whole were cut off before this line",
            repair.line
        )?;
    }
    for seen in sessions.iter().filter(|seen| seen.kernel_missing > 0) {
        let SessionSeen { session, kernel_last, kernel_missing, .. } = seen;
        writeln!(
            out,
            "session {session}: {kernel_missing} of {kernel_last} kernel events are not in the log: the kernel had no room for them, or they could not be written"
        )?;
    }
    // The host's own records have no end.
    let host = audit::SessionId::host();
    for seen in sessions.iter().filter(|seen| !seen.ended && seen.session != host) {
        writeln!(
            out,
            "session {} has no end: it still runs, was killed, or its last records were cut off",
            seen.session
        )?;
    }
    Ok(())
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

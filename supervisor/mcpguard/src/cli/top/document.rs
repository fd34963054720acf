//! `--json`: an object a sample, on one line. The members of a session are those of `ps --json`, and its rates.

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::model::Model;
use super::sample::{Session, Source};
use super::trends::{Row, Totals};

/// Prints objects until nobody reads any more, or one. The first comes after the second sample, so that it has rates.
///
/// # Errors
/// The sessions cannot be listed, or nobody reads any more.
pub(super) fn print(
    mut model: Model,
    source: &mut dyn Source,
    interval: Duration,
    once: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    model.take(source.sample()?);
    loop {
        std::thread::sleep(interval);
        model.take(source.sample()?);
        writeln!(out, "{}", document(&mut model))?;
        out.flush()?;
        if once {
            return Ok(());
        }
    }
}

/// The object.
pub(super) fn document(model: &mut Model) -> Value {
    // All rows are on this screen.
    model.fit(usize::MAX);
    let (machine, totals) = (&model.trends.machine, model.trends.totals());
    json!({
        "time": model.trends.at().map(|at| at.to_string()),
        "host": {
            "name": machine.name,
            "processors": machine.processors,
            "memory_used_bytes": machine.memory.map(|(used, _)| used),
            "memory_bytes": machine.memory.map(|(_, all)| all),
            "load": machine.load,
        },
        "totals": sums(&totals),
        "sessions": model.visible().map(|(row, _)| session(row)).collect::<Vec<_>>(),
    })
}

fn sums(totals: &Totals) -> Value {
    let Totals { sessions, frozen, untold, calls, denials, call_rate, denial_rate, cpu, memory } = totals;
    json!({
        "sessions": sessions,
        "frozen": frozen,
        "without_log": untold,
        "calls": calls,
        "denials": denials,
        "calls_per_second": call_rate,
        "denials_per_second": denial_rate,
        "cpu_percent": cpu,
        "memory_bytes": memory,
    })
}

fn session(row: &Row) -> Value {
    let Session {
        name,
        pid,
        uid,
        policy,
        revision,
        command,
        audit,
        began,
        age,
        state,
        processes,
        memory,
        cpu,
        tally,
        ..
    } = &row.session;
    json!({
        "session": name,
        "pid": pid,
        "uid": uid,
        "policy": policy,
        "revision": revision,
        "began": began.to_string(),
        "age_seconds": age.as_secs(),
        "calls": tally.as_ref().map(|tally| tally.calls),
        "calls_in_flight": tally.as_ref().map(|tally| tally.running.len()),
        "calls_per_second": row.call_rate,
        "denials": tally.as_ref().map(|tally| tally.denials),
        "denials_per_second": row.denial_rate,
        "processes": processes,
        "cpu_ms": u64::try_from(cpu.as_millis()).unwrap_or(u64::MAX),
        "cpu_percent": row.cpu,
        "memory_bytes": memory,
        "state": state.word(),
        "command": command,
        "audit": (!audit.is_empty()).then_some(audit),
    })
}

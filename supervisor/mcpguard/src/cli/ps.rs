//! `mcpguard ps`: the sessions that run.
//!
//! ```text
//! $ mcpguard ps
//! SESSION   PID   USER  POLICY  AGE    CALLS  DENIED  PROCS  CPU     MEMORY   STATE    COMMAND
//! 5f3c0a91  4711  ada   github  2h14m     38       2      3  12.4s   96.3MiB  running  node server-github
//! ```
//! An ordinary user sees their own; root sees all, and so do members of the host daemon's group of operators. What is in the logs
//! of others the daemon tells, as far as it counts it: calls that were admitted, attempts that the kernel denied (else `?`). Exit status: 0, also where there are none.

use std::io::Write;
use std::time::Duration;

use jiff::Timestamp;
use nix::unistd::{Uid, User};
use serde_json::{Value, json};

use super::log::is_broken_pipe;
use super::table::table;
use crate::sessions::{Counts, Daemon, Processes, Running, Usage, running};

/// Arguments of `mcpguard ps`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    daemon: Daemon,
    /// Print JSON, one object a session
    #[arg(long)]
    json: bool,
}

/// Lists; the number is the exit status. A reader that goes away (`| head`) is not an error.
pub(crate) fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    match list(args, out) {
        Err(error) if is_broken_pipe(&error) => Ok(0),
        done => done,
    }
}

fn list(args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    let (sessions, _) = running(&args.daemon)?;
    let processes = Processes::now()?;
    let rows: Vec<Row<'_>> = sessions.iter().map(|session| Row::of(session, &processes)).collect();
    if args.json {
        rows.iter().try_for_each(|row| writeln!(out, "{}", row.document()))?;
        return Ok(0);
    }
    if rows.is_empty() {
        writeln!(out, "no session runs")?;
        return Ok(0);
    }
    let lines: Vec<[String; COLUMNS]> = rows.iter().map(Row::cells).collect();
    table(HEADS, &NUMBERS, &lines, out)?;
    Ok(0)
}

/// What is known of one session.
struct Row<'a> {
    session: &'a Running,
    /// `None`: its log cannot be read, or is another user's.
    counts: Option<Counts>,
    usage: Usage,
    frozen: bool,
}

const COLUMNS: usize = 12;
const HEADS: [&str; COLUMNS] = [
    "SESSION", "PID", "USER", "POLICY", "AGE", "CALLS", "DENIED", "PROCS", "CPU", "MEMORY", "STATE",
    "COMMAND",
];
/// What stands to the right.
const NUMBERS: [&str; 7] = ["PID", "AGE", "CALLS", "DENIED", "PROCS", "CPU", "MEMORY"];

impl<'a> Row<'a> {
    fn of(session: &'a Running, processes: &Processes) -> Self {
        Self {
            counts: Counts::of(session),
            usage: processes.used_by(session),
            frozen: session.is_frozen(),
            session,
        }
    }

    fn age(&self) -> Duration {
        Timestamp::now().duration_since(self.session.began).try_into().unwrap_or_default()
    }

    fn state(&self) -> &'static str {
        if self.frozen { "frozen" } else { "running" }
    }

    fn document(&self) -> Value {
        let it = self.session;
        json!({
            "session": it.session,
            "host_session": it.id().map(ToString::to_string),
            "pid": it.pid.as_raw(),
            "uid": it.uid,
            "policy": it.policy,
            "revision": it.revision,
            "began": it.began.to_string(),
            "age_seconds": self.age().as_secs(),
            "calls": self.counts.map(|counts| counts.calls),
            "denials": self.counts.map(|counts| counts.denials),
            "processes": self.usage.processes,
            "cpu_ms": self.usage.cpu_ms,
            "memory_bytes": self.usage.memory,
            "state": self.state(),
            "command": it.command,
            "audit": it.audit,
        })
    }

    fn cells(&self) -> [String; COLUMNS] {
        let it = self.session;
        let user = User::from_uid(Uid::from_raw(it.uid)).ok().flatten().map(|user| user.name);
        let number = |count: Option<u64>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
        let shown = |text: &str| audit::for_people(text).into_owned();
        [
            shown(&it.session.chars().take(8).collect::<String>()),
            it.pid.to_string(),
            user.unwrap_or_else(|| it.uid.to_string()),
            shown(&it.policy),
            age(self.age()),
            number(self.counts.map(|counts| counts.calls)),
            number(self.counts.map(|counts| counts.denials)),
            self.usage.processes.to_string(),
            format!("{:.1}s", self.usage.cpu_ms as f64 / 1000.0),
            memory(self.usage.memory),
            self.state().to_owned(),
            shown(&it.command.join(" ")),
        ]
    }
}

/// The two largest units: `3d4h`, `2h14m`, `5m9s`, `12s`.
pub(super) fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, seconds) => format!("{seconds}s"),
        (0, 0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (0, hours, minutes, _) => format!("{hours}h{minutes}m"),
        (days, hours, ..) => format!("{days}d{hours}h"),
    }
}

fn memory(bytes: u64) -> String {
    format!("{:.1}MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_by_their_two_largest_units() {
        let told = [0, 59, 309, 8064, 273_600].map(|seconds| age(Duration::from_secs(seconds)));
        assert_eq!(told, ["0s", "59s", "5m9s", "2h14m", "3d4h"]);
    }

    #[test]
    fn columns_stand_under_each_other() {
        let line = |name: &str, calls: &str| {
            let mut cells = std::array::from_fn(|_| "x".to_owned());
            (cells[0], cells[5], cells[11]) = (name.to_owned(), calls.to_owned(), "a command".to_owned());
            cells
        };
        let mut out = Vec::new();
        table(HEADS, &NUMBERS, &[line("5f3c", "1"), line("a much longer name", "100")], &mut out)
            .expect("memory");
        let text = String::from_utf8(out).expect("text");
        let ends: Vec<Option<usize>> = text.lines().map(|line| line.find("a command")).collect();
        assert_eq!(ends[1], ends[2], "{text}");
        assert!(text.lines().all(|line| !line.ends_with(' ')), "{text}");
    }
}

//! `mcpguard replay`: what another policy would have said to the calls and denials of recorded sessions.
//!
//! ```text
//! $ mcpguard replay log.jsonl --policy new.yaml
//! 35 records of 1 session in 1 log, judged by notes (new.yaml)
//! calls        16: 10 as before, 5 denied now, 1 allowed now, 0 wait for an approval, 0 unknown
//! denials       1: 0 as before, 0 denied now, 1 allowed now, 0 wait for an approval, 0 unknown
//!
//! denied now
//!      3x call read_text_file  allowed → tool_disabled  first #28 2026-11-27T22:12:24.841743Z
//!         rule tools.*_text_file.enabled: false at new.yaml:5:29
//!         because nothing is edited as text
//!         to allow exactly this, add to new.yaml:
//!             tools:
//!               read_text_file: { enabled: true }
//!      2x call write_file  allowed → tool_rate  first #24 2026-11-27T22:12:24.827873Z
//!         rule tools.write_file.max_requests_per_minute: 10 at new.yaml:6:42
//! …
//! ```
//!
//! Nothing is started, written or asked: the log is read, and the policy is compiled as `exec` would compile it for the
//! workspace and the command that the log names. The recorded calls go through the doorman's own engine at their recorded
//! times, so that rates, timeouts, exclusive calls and calls at once are judged in the order in which they happened.
//!
//! What a log does not hold cannot be judged, and counts as unknown, never as allowed: arguments that were cut, redacted or
//! not written down, schemas that servers tell, the content of answers. Opened files and connections that were allowed are
//! not recorded at all: a grant that is taken away is not seen through them.
//!
//! Exit status: 0 nothing changes in the direction that `--fail-on` names; 1 something does, or the log is not as it was
//! written; 125 nothing could be judged.

mod answers;
mod arguments;
mod arrival;
mod asking;
mod beside;
mod calls;
mod clock;
mod counts;
mod document;
mod doorman;
mod events;
mod held;
mod judge;
mod leads;
mod logs;
mod notes;
mod once;
mod open;
mod orders;
mod passing;
mod people;
mod remedy;
mod scout;
mod session;
mod sessions;
mod steps;
mod tally;
#[cfg(test)]
mod tests;
mod untold;
mod verdict;
mod words;

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use clap::ValueEnum;

use judge::Judges;
use logs::Log;
use sessions::Sessions;
use tally::Tally;

/// What stands at the end of the help.
const LIMITS: &str = "Opened files and connections that were allowed are not recorded: a policy that takes away a grant \
which the server needs is not found by its log. What a log does not hold (arguments that were cut or not written down, \
schemas, the content of answers) is told as unknown.\n\n\
Exit status: 0 nothing changes in the direction that --fail-on names; 1 something does, or a log is not as it was written; \
125 nothing could be judged.";

/// Arguments of `mcpguard replay`.
#[derive(clap::Args)]
#[command(after_help = LIMITS)]
pub(crate) struct Args {
    /// The audit logs: those of sessions, or the host's log of many
    #[arg(value_name = "LOG", required = true)]
    logs: Vec<PathBuf>,
    /// The policy to judge by: a file or a shipped preset
    #[arg(long, value_name = "FILE|PRESET")]
    policy: String,
    /// The workspace that `${workspace}` stands for; by default the recorded one
    #[arg(long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// Scopes that the callers hold, several with commas or spaces; by default the recorded ones
    #[arg(long, value_name = "SCOPES")]
    scopes: Option<String>,
    /// Which differences make the exit status 1
    #[arg(long, value_name = "WHICH", value_enum, default_value_t = FailOn::Narrowed)]
    fail_on: FailOn,
    /// Print JSON: an object a line for each difference, and one that sums up
    #[arg(long)]
    json: bool,
    /// The server's command line, so that `${server}` and the PATH are known; by default the recorded one
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Which differences make the exit status 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// What was allowed would be denied now, or wait for an approval
    Narrowed,
    /// What was denied would be allowed now, or wait for an approval
    Widened,
    /// Both
    Any,
}

/// What was read and what it came to.
struct Outcome {
    logs: Vec<Log>,
    judges: Judges,
    tally: Tally,
}

/// Judges; the number is the exit status.
pub(crate) fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    let outcome = judged(&args)?;
    let told = match args.json {
        true => document::write(&outcome, out),
        false => people::write(&outcome, out),
    };
    match told {
        // A reader that goes away (`| head`) changes nothing about what was judged.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(outcome.status(args.fail_on)),
    }
}

fn judged(args: &Args) -> anyhow::Result<Outcome> {
    let scopes = args.scopes.as_deref().map(crate::caller::named).transpose()?;
    let mut judges = Judges::new(&args.policy, args.workspace.clone(), args.command.clone(), scopes);
    let logs: Vec<Log> = args.logs.iter().map(|path| Log::proved(path)).collect::<Result<_, _>>()?;
    once::each(&logs)?;
    let mut tally = Tally::default();
    for log in &logs {
        let mut sessions = Sessions::new(log.name());
        let (mut records, before) = (log.records()?, tally.records);
        while let Some(step) = records.next() {
            sessions.step(&step, records.ahead(), &mut judges, &mut tally)?;
        }
        sessions.finish(&mut tally);
        log.was_read(tally.records - before)?;
    }
    // A policy with a mistake is told of although the logs have nothing to judge.
    judges.any()?;
    Ok(Outcome { logs, judges, tally })
}

impl Outcome {
    /// A log that is not as it was written says nothing about what is missing, so that it is never a success.
    fn status(&self, fail_on: FailOn) -> u8 {
        let (narrowed, widened) = (self.tally.narrowed(), self.tally.widened());
        let differs = match fail_on {
            FailOn::Narrowed => narrowed > 0,
            FailOn::Widened => widened > 0,
            FailOn::Any => narrowed > 0 || widened > 0,
        };
        u8::from(differs || self.logs.iter().any(|log| log.broken().is_some()))
    }
}

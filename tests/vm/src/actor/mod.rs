//! Actions by real system calls, each reported as success or as the errno that the kernel gave.
//!
//! `init --act NAME ARGUMENTS…` performs one in a process of its own and tells the outcome on stderr, because under a
//! guard stdout belongs to MCP. `init --serve` performs the same ones as tools of an MCP server.

mod chains;
mod code;
mod costs;
mod files;
mod gate;
mod hands;
mod kernel;
mod networks;
mod paths;
mod processes;
mod raw;
mod rings;
mod sockets;
mod trees;
mod tries;
mod unix_sockets;

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Output, Stdio};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use gate::run_gated;
pub(crate) use hands::lend as lend_hands;
pub(crate) use unix_sockets::address as unix_address;

/// An action: arguments in, what was seen out.
type Act = fn(&[&str]) -> io::Result<Value>;

/// Every action by name. Arguments in capitals are explained at the function.
pub(crate) const ACTS: &[&[(&str, Act)]] = &[
    chains::ACTS,
    code::ACTS,
    costs::ACTS,
    files::ACTS,
    kernel::ACTS,
    networks::ACTS,
    paths::ACTS,
    processes::ACTS,
    raw::ACTS,
    rings::ACTS,
    sockets::ACTS,
    trees::ACTS,
    tries::ACTS,
    unix_sockets::ACTS,
];

/// What stands before an outcome on stderr.
const MARK: &str = "outcome of the act: ";

/// What an action came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    ok: bool,
    /// The errno by name, where the kernel refused.
    errno: Option<String>,
    /// What was seen, or the error in words.
    pub(crate) value: Value,
}

impl Outcome {
    /// Whether the kernel did it.
    pub(crate) fn is_ok(&self) -> bool {
        self.ok
    }

    /// The errno by name.
    pub(crate) fn errno(&self) -> Option<&str> {
        self.errno.as_deref()
    }

    /// It must have succeeded.
    pub(crate) fn succeeded(&self) -> Result<()> {
        if self.ok { Ok(()) } else { bail!("the act failed: {self:?}") }
    }
}

impl From<io::Result<Value>> for Outcome {
    fn from(result: io::Result<Value>) -> Self {
        match result {
            Ok(value) => Self { ok: true, errno: None, value },
            Err(error) => Self {
                ok: false,
                errno: error.raw_os_error().map(|number| format!("{:?}", Errno::from_raw(number))),
                value: Value::String(error.to_string()),
            },
        }
    }
}

/// Performs an action in this process.
pub(crate) fn perform(name: &str, arguments: &[&str]) -> Outcome {
    let act = ACTS.iter().copied().flatten().find(|(known, _)| *known == name);
    match act {
        Some((_, act)) => act(arguments).into(),
        None => Err(io::Error::other(format!("there is no act {name}"))).into(),
    }
}

/// `init --act`: performs it and tells the outcome. The exit code says whether the kernel did it.
pub(crate) fn run_alone(name: &str, arguments: &[&str]) -> u8 {
    let outcome = perform(name, arguments);
    match serde_json::to_string(&outcome) {
        Ok(text) => eprintln!("{MARK}{text}"),
        Err(error) => eprintln!("{error}"),
    }
    u8::from(!outcome.ok)
}

/// Performs it in a process of its own, without a guard.
pub(crate) fn bare(name: &str, arguments: &[&str]) -> Result<Outcome> {
    bare_in(Command::new("/proc/self/exe"), name, arguments)
}

/// The same as another user.
pub(crate) fn bare_as(user: u32, name: &str, arguments: &[&str]) -> Result<Outcome> {
    let mut command = Command::new("/proc/self/exe");
    command.uid(user).gid(user);
    bare_in(command, name, arguments)
}

fn bare_in(mut command: Command, name: &str, arguments: &[&str]) -> Result<Outcome> {
    command.args(["--act", name]).args(arguments).stdin(Stdio::null());
    let finished = Finished::of(command.output().context("cannot start the actor")?);
    finished
        .outcome
        .with_context(|| format!("the actor told nothing, {}: {}", finished.status, finished.stderr))
}

/// A process that performed an action, and ended.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) stderr: String,
}

impl Finished {
    /// Finds the outcome in what the process wrote.
    pub(crate) fn of(Output { status, stderr, .. }: Output) -> Self {
        let stderr = String::from_utf8_lossy(&stderr).into_owned();
        let told = stderr.lines().find_map(|line| line.split_once(MARK)).map(|(_, text)| text);
        let outcome = told.and_then(|text| serde_json::from_str(text).ok());
        Self { status, outcome, stderr }
    }
}

/// The status of a process as an action reports it.
fn told(status: ExitStatus) -> Value {
    serde_json::json!({ "status": status.code(), "signal": status.signal() })
}

/// The argument at a place.
fn argument<'a>(arguments: &[&'a str], at: usize) -> io::Result<&'a str> {
    arguments.get(at).copied().ok_or_else(|| io::Error::other(format!("argument {at} is missing")))
}

/// The number at a place, decimal or with `0x`.
fn number(arguments: &[&str], at: usize) -> io::Result<u64> {
    parse(argument(arguments, at)?)
}

fn parse(text: &str) -> io::Result<u64> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok().or_else(|| text.parse::<i64>().ok().map(i64::cast_unsigned)),
    };
    parsed.ok_or_else(|| io::Error::other(format!("`{text}` is no number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_found_among_other_lines() {
        let outcome = perform("read", &["/no/such/file"]);
        let text = format!("warning: x\n{MARK}{}\n", serde_json::to_string(&outcome).unwrap());
        let output = Output { status: ExitStatus::from_raw(0), stdout: vec![], stderr: text.into_bytes() };
        assert_eq!(Finished::of(output).outcome.unwrap().errno(), Some("ENOENT"));
    }

    #[test]
    fn an_unknown_act_is_no_denial() {
        let outcome = perform("no-such-act", &[]);
        assert!(!outcome.is_ok() && outcome.errno().is_none());
    }

    #[test]
    fn numbers_are_decimal_negative_or_hexadecimal() {
        assert_eq!(parse("0x10").unwrap(), 16);
        assert_eq!(parse("-100").unwrap(), (-100_i64).cast_unsigned());
        assert!(parse("ten").is_err());
    }
}

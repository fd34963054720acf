//! The inside of a virtual machine of `cargo xtask vm-test`, as one static program with several roles.
//!
//! ```text
//! kernel ──► init (process 1) ──► init --test NAME ──► mcpguard exec ──► init --act NAME …   (the attack)
//!              │ one line a test        │ Ground, Guarded       └──────► init --serve         (an MCP server)
//!              │                        └──► init --hands   (sockets, step by step)
//!              ▼                        └─ facts of this kernel == facts that the matrix expects
//!           /dev/ttyS1 ──► xtask, which knows the list of cases from `init --list JOB`
//! ```
//!
//! Only `init --doors` runs elsewhere too, in a network namespace of its own (`tests/doors.rs`).
//! Else it is never run on a machine that anyone needs: as process 1 it ends every other process after each test. It never
//! decides to skip: what is skipped follows from the expected facts alone, and both sides compute it from them.

#![deny(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a test program talks through its streams")]

mod actor;
mod case;
mod cases;
mod client;
mod facts;
mod first;
mod ground;
mod guarded;
mod job;
mod loopback;
mod mounts;
mod need;
mod report;
mod runner;
mod serve;
mod sweep;
mod sys;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

fn main() -> ExitCode {
    // Process 1 never returns: the kernel would panic.
    if std::process::id() == 1 {
        first::run();
    }
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match role(&arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn role(arguments: &[OsString]) -> Result<u8> {
    let texts: Vec<&str> = arguments
        .iter()
        .map(|argument| argument.to_str().context("an argument is not UTF-8"))
        .collect::<Result<_>>()?;
    match texts.as_slice() {
        ["--list", job] => case::print_list(job).map(|()| 0),
        ["--test", name] => case::run(name).map(|()| 0),
        ["--act", act, rest @ ..] => Ok(actor::run_alone(act, rest)),
        ["--gate", act, rest @ ..] => Ok(actor::run_gated(act, rest)),
        ["--hands"] => actor::lend_hands().map(|()| 0),
        ["--doors"] => cases::doors().map(|()| 0),
        ["--tricks"] => cases::tricks().map(|()| 0),
        ["--throng"] => cases::throng().map(|()| 0),
        ["--serve"] => serve::run().map(|()| 0),
        other => {
            bail!(
                "init --list JOB | --test NAME | --act NAME … | --hands | --doors | --tricks | --throng | --serve; not {other:?}"
            )
        }
    }
}

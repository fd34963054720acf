//! The stages in their order. Each one may rely on those before it, and none takes back what one has given up.

use std::convert::Infallible;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use nix::errno::Errno;

use super::teller::{self, Tell};
use super::{failed, privileges, session};
use crate::limits;
use crate::orders::{Failed, FailureKind, Orders, Sealed, Word};
use crate::ruleset::{self, Engaged};
use crate::seccomp::silence;
use crate::sys::{self, Listen};

/// Engages everything and executes the command. Returns only if something failed.
pub(super) fn run(orders: &Orders, control: &OwnedFd, stdin: OwnedFd) -> Failed {
    match seal(orders, control.as_fd(), stdin) {
        Ok(never) => match never {},
        Err(failed) => failed,
    }
}

fn seal(orders: &Orders, control: BorrowedFd<'_>, stdin: OwnedFd) -> Result<Infallible, Failed> {
    let mut clock = Clock::start();
    session::follow_supervisor(orders.supervisor)?;
    session::detach(&orders.directory)?;
    session::descriptors(stdin)?;
    clock.lap("session");
    privileges::drop_all()?;
    clock.lap("privileges");
    let engaged = landlock(orders)?;
    clock.lap("landlock");
    teller::with(orders.aside, control, |tell| close(orders, clock, engaged, tell))?;
    execute(orders)
}

/// The last stages, and the word that all are engaged.
fn close(
    orders: &Orders,
    mut clock: Clock,
    Engaged { skipped, writable }: Engaged,
    tell: Tell<'_>,
) -> Result<(), Failed> {
    for limit in &orders.limits {
        limits::engage(*limit).map_err(|error| failed("a resource limit cannot be set", error))?;
    }
    clock.lap("limits");
    let (listener, unreported) = seccomp(orders)?;
    clock.lap("seccomp");
    let sealed = Sealed { skipped, unreported, stages: clock.laps };
    tell(Word::Sealed(sealed, writable.into_iter().map(Into::into).collect()), listener)
}

fn landlock(orders: &Orders) -> Result<Engaged, Failed> {
    let Some(ruleset) = &orders.ruleset else {
        return Ok(Engaged::default());
    };
    ruleset::engage(ruleset).map_err(|error| Failed { kind: FailureKind::Own, message: error.to_string() })
}

/// Installs the filter; says whether refused calls go unreported although they should be reported.
fn seccomp(orders: &Orders) -> Result<(Option<OwnedFd>, bool), Failed> {
    if orders.filter.is_empty() {
        return Ok((None, orders.listen));
    }
    let refuse = |error| failed("the system call filter cannot be installed", error);
    if !orders.listen {
        return sys::install(&orders.filter, Listen::No).map(|none| (none, false)).map_err(refuse);
    }
    match sys::install(&orders.filter, Listen::Yes) {
        Err(Errno::EBUSY) => {
            let mut filter = orders.filter.clone();
            silence(&mut filter);
            sys::install(&filter, Listen::No).map(|none| (none, true)).map_err(refuse)
        }
        other => other.map(|listener| (listener, false)).map_err(refuse),
    }
}

fn execute(orders: &Orders) -> Result<Infallible, Failed> {
    let error = match nix::unistd::execve(&orders.program, &orders.arguments, &orders.environment) {
        Ok(never) => match never {},
        Err(error) => error,
    };
    let kind = if error == Errno::ENOENT { FailureKind::NotFound } else { FailureKind::NotExecutable };
    let program = orders.program.to_string_lossy();
    Err(Failed { kind, message: format!("{program} cannot be executed: {}{}", error.desc(), hint(error)) })
}

/// What the errno hides.
fn hint(error: Errno) -> &'static str {
    match error {
        Errno::EACCES => {
            " (no execute permission, or its interpreter is not readable and executable under the policy)"
        }
        Errno::ENOENT => " (the file or the interpreter of its first line)",
        Errno::ENOEXEC => " (neither a program for this machine nor a script with a `#!` line)",
        _ => "",
    }
}

struct Clock {
    last: Instant,
    laps: Vec<(String, u64)>,
}

impl Clock {
    fn start() -> Self {
        Self { last: Instant::now(), laps: Vec::new() }
    }

    fn lap(&mut self, stage: &str) {
        let now = Instant::now();
        let nanoseconds = u64::try_from(now.duration_since(self.last).as_nanos()).unwrap_or(u64::MAX);
        self.laps.push((stage.to_owned(), nanoseconds));
        self.last = now;
    }
}

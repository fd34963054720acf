//! Telling the supervisor that all is engaged, with the descriptor of the reports.
//!
//! A descriptor travels by `sendmsg` alone. Where the filter reports that call there is nobody yet to answer: then a thread
//! tells that was started before the filter, which holds for the thread that installs it. It is started with the server's
//! few privileges and has ended before `execve`.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::mpsc;
use std::thread::{Builder, Scope};

use nix::errno::Errno;

use super::failed;
use crate::orders::{self, Failed, FailureKind, Word};

/// Tells one word.
pub(super) type Tell<'a> = &'a dyn Fn(Word, Option<OwnedFd>) -> Result<(), Failed>;

/// What it takes to tell: nothing but a socket.
const STACK: usize = 128 << 10;

/// Runs the last stages with a way to tell of them: by a thread of its own if the word is told `aside`.
pub(super) fn with(
    aside: bool,
    control: BorrowedFd<'_>,
    stages: impl FnOnce(Tell<'_>) -> Result<(), Failed>,
) -> Result<(), Failed> {
    match aside {
        false => stages(&|word, listener| tell(control, &word, listener)),
        true => std::thread::scope(|scope| by_thread(scope, control, stages)),
    }
}

fn by_thread<'scope>(
    scope: &'scope Scope<'scope, '_>,
    control: BorrowedFd<'scope>,
    stages: impl FnOnce(Tell<'_>) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let (words, heard) = mpsc::channel();
    let (told, outcome) = mpsc::channel();
    let teller = move || {
        // Nothing comes if a stage has failed.
        if let Ok((word, listener)) = heard.recv() {
            // Whoever waits for the outcome lives longer than this thread.
            let _ = told.send(tell(control, &word, listener));
        }
    };
    Builder::new().stack_size(STACK).spawn_scoped(scope, teller).map_err(|error| {
        failed("a thread cannot be started", error.raw_os_error().map_or(Errno::EAGAIN, Errno::from_raw))
    })?;
    stages(&|word, listener| {
        let unheard =
            || Failed { kind: FailureKind::Own, message: "the telling thread has ended".to_owned() };
        words.send((word, listener)).map_err(|_| unheard())?;
        outcome.recv().map_err(|_| unheard())?
    })
}

fn tell(control: BorrowedFd<'_>, word: &Word, listener: Option<OwnedFd>) -> Result<(), Failed> {
    orders::send(control, word, listener.as_ref().map(AsFd::as_fd)).map_err(|error| Failed {
        kind: FailureKind::Own,
        message: format!("the supervisor cannot be told: {error}"),
    })
}

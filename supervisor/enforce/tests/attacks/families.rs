//! Processes that will not end: what a server may leave behind.
#![expect(unsafe_code, reason = "fork and setsid have no safe names")]
#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "the process is single-threaded and calls what a shell calls"
)]

use std::io::{Error, Result};
use std::time::Duration;

/// Runs the family, which marks itself by an argument so that a test can find its members.
pub(crate) fn run(name: &str, _arguments: &[String]) -> Result<()> {
    match name {
        "double-fork" => double_fork(),
        "deaf-daemon" => deaf_daemon(),
        "fork-chain" => fork_chain(),
        "brood" => brood(),
        "polite" => polite(),
        other => Err(Error::other(format!("no attack is called {other}"))),
    }
}

fn sleep() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(60));
    }
}

/// The classic daemon: two forks and a session of its own. The server itself ends.
fn double_fork() -> Result<()> {
    if unsafe { libc::fork() } == 0 {
        unsafe { libc::setsid() };
        if unsafe { libc::fork() } == 0 {
            sleep()
        }
        unsafe { libc::_exit(0) }
    }
    Ok(())
}

/// A daemon that ignores every polite signal, below a server that does so too.
fn deaf_daemon() -> Result<()> {
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGPIPE] {
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    double_fork()?;
    sleep()
}

/// Each process lives only to start the next one, each in a session of its own: there is never anybody to kill.
fn fork_chain() -> Result<()> {
    let born = std::time::Instant::now();
    loop {
        // An end of its own, so that a failed test leaves nothing behind.
        if born.elapsed() > Duration::from_secs(20) {
            return Ok(());
        }
        match unsafe { libc::fork() } {
            0 => drop(unsafe { libc::setsid() }),
            -1 => {}
            _ => unsafe { libc::_exit(0) },
        }
    }
}

/// Many children, each with children.
fn brood() -> Result<()> {
    for _ in 0..8 {
        if unsafe { libc::fork() } == 0 {
            for _ in 0..8 {
                if unsafe { libc::fork() } == 0 {
                    unsafe { libc::setsid() };
                    sleep()
                }
            }
            sleep()
        }
    }
    sleep()
}

/// Ends when it is asked to, with a code of its own.
fn polite() -> Result<()> {
    extern "C" fn leave(_: i32) {
        unsafe { libc::_exit(42) }
    }
    unsafe { libc::signal(libc::SIGTERM, leave as *const () as usize) };
    sleep()
}

//! Process 1: makes the machine usable, runs the job, and ends the machine in a way that says how it went.

use std::convert::Infallible;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::reboot::{RebootMode, reboot};

use crate::job::{JOB, Job, Machine};
use crate::report::Report;
use crate::{case, loopback, mounts, runner, sys};

/// The I/O port of QEMU's `isa-debug-exit`: the value `n` ends QEMU with the status `2n + 1`.
const EXIT_PORT: u16 = 0xf4;
/// Everything passed: status 33.
const PASSED: u8 = 16;
/// Something failed: status 35.
const FAILED: u8 = 17;

/// Does everything and never returns.
pub(crate) fn run() -> ! {
    let (code, by_port) = match job() {
        Ok((passed, by_port)) => (if passed { PASSED } else { FAILED }, by_port),
        Err(error) => {
            println!("init: {error:#}");
            (FAILED, true)
        }
    };
    if by_port && let Err(error) = sys::write_port(EXIT_PORT, code) {
        println!("init: the exit port is closed: {error}");
    }
    loop {
        let Err(error): Result<Infallible, _> = reboot(RebootMode::RB_POWER_OFF);
        println!("init: cannot power off: {error}");
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn job() -> Result<(bool, bool)> {
    mounts::first()?;
    let job = Job::read(JOB)?;
    match job.machine {
        Machine::Servers | Machine::Tricks => mounts::servers()?,
        Machine::Plain | Machine::Smp | Machine::Icount => mounts::scratch()?,
    }
    mounts::rest()?;
    mounts::modules()?;
    loopback::up()?;
    nix::unistd::sethostname("guest")?;
    let passed = if job.shell { shell()? } else { runner::run(&case::list(&job), &job, Report::open()?)? };
    Ok((passed, job.exit_by_port))
}

/// A shell on the first serial port until it is left.
fn shell() -> Result<bool> {
    println!("mcpguard and init are in /opt/vm; `exit` ends the machine.");
    let mut shell = Command::new("/opt/vm/busybox");
    shell.args(["setsid", "-c", "/opt/vm/busybox", "sh", "-l"]).env("PATH", "/opt/vm:/usr/bin:/bin");
    shell.env("HOME", "/root").env("PS1", "guest# ").current_dir("/root");
    Ok(shell.status().context("no busybox in this machine")?.success())
}

//! Runs the cases one by one, each in a process of its own with a deadline, and reports each as it ends.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::job::Job;
use crate::report::{Line, Listed, Outcome, Report};
use crate::{ground, sweep};

/// What a case printed; not beneath a directory that is swept while it runs.
const OUTPUT: &str = "/opt/vm/output";
/// How much of it is told.
const TAIL: usize = 6000;
/// The least time that a case is given on a fast machine.
const PATIENCE: Duration = Duration::from_secs(3);

/// Runs all; returns whether nothing failed.
pub(crate) fn run(cases: &[Listed], job: &Job, mut report: Report) -> Result<bool> {
    for listed in cases {
        let line = match &listed.skip {
            Some(lack) => empty(&listed.case, Outcome::Skipped, Some(format!("this kernel lacks {lack}"))),
            None => one(listed, job)
                .unwrap_or_else(|error| empty(&listed.case, Outcome::Failed, Some(format!("{error:#}")))),
        };
        report.line(&line)?;
    }
    report.finish()
}

fn empty(case: &str, outcome: Outcome, reason: Option<String>) -> Line {
    Line {
        case: case.to_owned(),
        outcome,
        reason,
        ms: 0,
        figures: BTreeMap::new(),
        left: 0,
        output: String::new(),
    }
}

fn one(listed: &Listed, job: &Job) -> Result<Line> {
    println!("case {}", listed.case);
    let begun = Instant::now();
    let output = File::create(OUTPUT).context("cannot make the file for the output")?;
    let mut command = Command::new("/proc/self/exe");
    command.args(["--test", &listed.case]).env_clear().envs(ground::ENVIRONMENT.iter().copied());
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0);
    let deadline = job.slow(PATIENCE) + Duration::from_secs(u64::from(listed.seconds) * 6);
    let ended = wait(&mut command, deadline)?;
    let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let figures = ground::figures()?;
    let left = sweep::sweep()?;
    let (outcome, reason) = match ended {
        Some(status) if status.success() => (Outcome::Ok, None),
        Some(status) => (Outcome::Failed, Some(format!("{status}"))),
        None => (Outcome::Failed, Some(format!("still running after {} s", deadline.as_secs()))),
    };
    let output = if outcome == Outcome::Ok { String::new() } else { tail()? };
    Ok(Line { case: listed.case.clone(), outcome, reason, ms, figures, left, output })
}

/// Waits for the case's own process; `None` when the deadline has come.
fn wait(command: &mut Command, within: Duration) -> Result<Option<ExitStatus>> {
    let mut child = command.spawn().context("cannot start the case")?;
    let until = Instant::now() + within;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() > until {
            killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL)?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn tail() -> Result<String> {
    let bytes = fs::read(OUTPUT)?;
    Ok(String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(TAIL)..]).into_owned())
}

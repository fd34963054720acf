//! A step: one outside command whose failure ends the task with a sentence about what was tried.

use std::process::{Command, Output, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// Runs the command with its output shown as it comes (on stderr), and says how long it took.
pub(crate) fn shown(what: &str, command: &mut Command) -> Result<()> {
    eprintln!("{what} …");
    let begun = Instant::now();
    let status = command
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("{what}: cannot start {command:?}"))?;
    if !status.success() {
        bail!("{what}: {command:?} ended with {status}");
    }
    eprintln!("{what}: done in {:.1} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// Runs the command quietly and returns what it wrote to stdout.
pub(crate) fn read(what: &str, command: &mut Command) -> Result<String> {
    let Output { status, stdout, stderr } =
        command.stdin(Stdio::null()).output().with_context(|| format!("{what}: cannot start {command:?}"))?;
    if !status.success() {
        bail!("{what}: {command:?} ended with {status}: {}", String::from_utf8_lossy(&stderr).trim());
    }
    String::from_utf8(stdout).with_context(|| format!("{what}: the output is not UTF-8"))
}

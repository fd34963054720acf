//! Commands that run to their end: `mcpguard check`, the Inspector, an SDK's script.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::patience::patience;

/// What a command came to.
#[derive(Debug)]
pub struct Finished {
    /// The exit status; `None` after a signal.
    pub status: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

/// Runs a command without stdin, for two minutes at most.
pub fn run(command: &mut Command) -> Result<Finished> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
    let (out, err) = (child.stdout.take().context("no stdout")?, child.stderr.take().context("no stderr")?);
    let (out, err) = (thread::spawn(|| read(out)), thread::spawn(|| read(err)));
    let until = Instant::now() + patience(Duration::from_secs(120));
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() > until {
            child.kill()?;
            bail!("{command:?} ran for more than two minutes");
        }
        thread::sleep(Duration::from_millis(5));
    };
    let (stdout, stderr) = (out.join().unwrap_or_default(), err.join().unwrap_or_default());
    Ok(Finished { status: status.code(), stdout, stderr })
}

fn read(mut from: impl std::io::Read) -> String {
    let mut bytes = Vec::new();
    let _ = from.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

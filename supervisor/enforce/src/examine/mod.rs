//! `doctor`: each mechanism is really tried, in a throw-away process of its own, and must be seen to deny.
//!
//! The process is this program again, as `mcpguard enter --self-test NAME`. Exit code 0 means that the mechanism
//! denied what it must; its standard output says what was seen.

mod mechanisms;
mod root;

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use policy::Support;

use mechanisms::{MECHANISMS, Mechanism};

/// What trying one mechanism came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The mechanism.
    pub name: &'static str,
    /// Whether it works.
    pub outcome: Outcome,
    /// What was seen, one line.
    pub detail: String,
    /// What its absence costs.
    pub cost: &'static str,
    /// How to get it.
    pub remedy: &'static str,
}

/// Whether a mechanism works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was seen to deny.
    Works,
    /// It is absent, or was not seen to deny.
    Missing,
}

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tries every mechanism, each in a process of its own. Takes some milliseconds for each. What root has is tried here too,
/// unless somebody else has it, who has told what works.
pub fn examine(of_root: Option<&Support>) -> Vec<Finding> {
    MECHANISMS.iter().map(find).chain(root::examine(of_root)).collect()
}

fn find(mechanism: &Mechanism) -> Finding {
    let (outcome, detail) = match attempt(mechanism.name) {
        Ok((status, detail)) if status.success() => (Outcome::Works, detail),
        Ok((_, detail)) if !detail.is_empty() => (Outcome::Missing, detail),
        Ok((status, _)) => (Outcome::Missing, format!("the process that tried it ended with {status}")),
        Err(error) => (Outcome::Missing, format!("it could not be tried: {error}")),
    };
    let Mechanism { name, cost, remedy, .. } = *mechanism;
    Finding { name, outcome, detail, cost, remedy }
}

fn attempt(name: &str) -> std::io::Result<(ExitStatus, String)> {
    let mut child = Command::new("/proc/self/exe")
        .args(["enter", "--self-test", name])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let status = wait(&mut child)?;
    let mut detail = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        // What it started holds no copy of the pipe, so the end comes with its own.
        stdout.read_to_string(&mut detail)?;
    }
    Ok((status, detail.trim().to_owned()))
}

fn wait(child: &mut Child) -> std::io::Result<ExitStatus> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() > deadline {
            child.kill()?;
            return child.wait();
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

/// Runs one self-test in this process, which is good for nothing else afterwards. The exit code of `enter`.
pub(crate) fn self_test(name: &str) -> u8 {
    let Some(mechanism) = MECHANISMS.iter().find(|mechanism| mechanism.name == name) else {
        return mechanisms::accomplice(name);
    };
    let (code, detail) = match (mechanism.attempt)() {
        Ok(seen) => (0, seen),
        Err(missing) => (1, missing),
    };
    // Without a reader there is nobody to tell; the exit code stands.
    let _ = std::io::stdout().write_all(detail.as_bytes());
    code
}

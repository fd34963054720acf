//! The lines on the second serial port: one a case, and a trailer. xtask believes nothing but these, and only together
//! with its own list of cases and the way the machine ended.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;

use anyhow::{Context, Result};
use nix::sys::termios::{SetArg, cfmakeraw, tcdrain, tcgetattr, tcsetattr};
use serde::{Deserialize, Serialize};

/// A case of a job, before it is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    /// Its name.
    pub(crate) case: String,
    /// Seconds that it takes under emulation.
    pub(crate) seconds: u32,
    /// The kernel's property for whose absence it is skipped.
    pub(crate) skip: Option<String>,
}

/// What a case came to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) case: String,
    pub(crate) outcome: Outcome,
    /// Why it was skipped, or how it failed where it could not say so itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    pub(crate) ms: u64,
    /// Named figures that the case measured.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) figures: BTreeMap<String, u64>,
    /// Processes that it left behind.
    pub(crate) left: usize,
    /// The end of what it printed, where it failed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) output: String,
}

/// How a case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Ok,
    Failed,
    Skipped,
}

/// The last line.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Trailer {
    pub(crate) done: bool,
    pub(crate) ok: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

/// The second serial port.
pub(crate) struct Report {
    port: File,
    trailer: Trailer,
}

impl Report {
    /// Opens the port and makes it carry bytes as they are.
    pub(crate) fn open() -> Result<Self> {
        let port =
            OpenOptions::new().read(true).write(true).open("/dev/ttyS1").context("no second serial port")?;
        let mut settings = tcgetattr(&port).context("/dev/ttyS1 is not a terminal")?;
        cfmakeraw(&mut settings);
        tcsetattr(&port, SetArg::TCSANOW, &settings)?;
        Ok(Self { port, trailer: Trailer::default() })
    }

    /// Tells what a case came to.
    pub(crate) fn line(&mut self, line: &Line) -> Result<()> {
        let count = match line.outcome {
            Outcome::Ok => &mut self.trailer.ok,
            Outcome::Failed => &mut self.trailer.failed,
            Outcome::Skipped => &mut self.trailer.skipped,
        };
        *count += 1;
        self.write(&serde_json::to_string(line)?)
    }

    /// Tells that all is done; returns whether nothing failed.
    pub(crate) fn finish(mut self) -> Result<bool> {
        self.trailer.done = true;
        self.write(&serde_json::to_string(&self.trailer)?)?;
        tcdrain(&self.port)?;
        Ok(self.trailer.failed == 0)
    }

    fn write(&mut self, line: &str) -> Result<()> {
        self.port.write_all(format!("{line}\n").as_bytes()).context("the second serial port takes nothing")
    }
}

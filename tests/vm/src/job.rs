//! What one virtual machine is for: written by xtask, read on both sides.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::facts::Expected;

/// Where the job stands in the guest.
pub(crate) const JOB: &str = "/opt/vm/job.json";

/// One virtual machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Job {
    /// The kernel's name in the matrix: `6.12`.
    pub(crate) kernel: String,
    /// The command line's name in the matrix: `default`.
    pub(crate) variant: String,
    /// The hardware.
    pub(crate) machine: Machine,
    /// How much slower than a processor this machine is.
    pub(crate) slow: u32,
    /// Whether the way out by an I/O port is open; a locked down kernel closes it.
    pub(crate) exit_by_port: bool,
    /// What the probes must find.
    pub(crate) facts: Expected,
    /// The areas of cases that are run; all if empty.
    #[serde(default)]
    pub(crate) areas: Vec<String>,
    /// Only cases whose name holds this text.
    #[serde(default)]
    pub(crate) filter: String,
    /// Instead of the cases: a shell for a person.
    #[serde(default)]
    pub(crate) shell: bool,
}

/// The hardware of a virtual machine; every case is made for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Machine {
    /// One processor.
    Plain,
    /// Two processors, for races.
    Smp,
    /// One processor whose time stamp counter counts instructions.
    Icount,
    /// One processor, and a disk with the real servers as root.
    Servers,
    /// The same for the table of tricks, which takes minutes.
    Tricks,
}

impl Job {
    /// Reads a job.
    pub(crate) fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not a job", path.display()))
    }

    /// A time that a fast machine needs, as this one needs it.
    pub(crate) fn slow(&self, fast: Duration) -> Duration {
        fast * self.slow.max(1)
    }
}

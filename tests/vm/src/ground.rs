//! What a case stands on: directories of its own, the machine's facts, the product, and the ways to attack.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::actor::{self, Outcome};
use crate::facts::Expected;
use crate::guarded::Guarded;
use crate::job::Job;
use crate::mounts::SCRATCH;

/// The product in the guest.
pub(crate) const MCPGUARD: &str = "/opt/vm/mcpguard";
/// This program in the guest.
pub(crate) const INIT: &str = "/opt/vm/init";
/// The environment of every case and of what it starts.
pub(crate) const ENVIRONMENT: &[(&str, &str)] = &[
    ("PATH", "/opt/vm:/usr/local/bin:/usr/bin:/bin"),
    ("HOME", "/root"),
    ("LANG", "C.UTF-8"),
    ("RUST_BACKTRACE", "0"),
];
/// Where a case leaves its figures.
const FIGURES: &str = "/opt/vm/figures";

/// What a case stands on.
pub(crate) struct Ground {
    job: Job,
    name: String,
    directory: PathBuf,
}

#[allow(dead_code, reason = "a vocabulary for cases; not every word is used by every set of cases")]
impl Ground {
    /// Makes the case's own directories.
    pub(crate) fn prepare(job: Job, case: &str) -> Result<Self> {
        let name = case.replace('/', "-");
        let directory = Path::new("/tmp").join(&name);
        fs::create_dir_all(directory.join("workspace")).context("cannot make the case's directory")?;
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755))?;
        Ok(Self { job, name, directory })
    }

    /// The case's directory, on a tmpfs.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The workspace of guarded servers, beneath [`Self::directory`].
    pub(crate) fn workspace(&self) -> PathBuf {
        self.directory.join("workspace")
    }

    /// A directory on ext4, on a disk.
    pub(crate) fn disk(&self) -> Result<PathBuf> {
        let path = Path::new(SCRATCH).join(&self.name);
        fs::create_dir_all(&path).context("cannot make a directory on the disk")?;
        Ok(path)
    }

    /// Writes a file beneath [`Self::directory`], its directories too, and returns its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.directory.join(name);
        fs::create_dir_all(path.parent().context("no directory")?)?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// A time that a fast machine needs, as this one needs it.
    pub(crate) fn slow(&self, fast: Duration) -> Duration {
        self.job.slow(fast)
    }

    /// What the matrix says of this kernel; the case `facts/as_expected` has compared it with the kernel.
    pub(crate) fn facts(&self) -> &Expected {
        &self.job.facts
    }

    /// The kernel's name in the matrix.
    pub(crate) fn kernel(&self) -> &str {
        &self.job.kernel
    }

    /// The command line's name in the matrix.
    pub(crate) fn variant(&self) -> &str {
        &self.job.variant
    }

    /// `mcpguard ARGUMENTS…`.
    pub(crate) fn mcpguard(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(MCPGUARD);
        command.args(arguments).current_dir(self.workspace());
        command
    }

    /// Performs an action without a guard.
    pub(crate) fn act(&self, act: &str, arguments: &[&str]) -> Result<Outcome> {
        actor::bare(act, arguments)
    }

    /// `mcpguard exec` under a policy of this text, to be described further.
    pub(crate) fn guarded(&self, policy: &str) -> Result<Guarded<'_>> {
        Guarded::new(self, policy)
    }

    /// Tells a figure; the host prints it.
    pub(crate) fn figure(&self, name: &str, value: u64) -> Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(FIGURES)?;
        Ok(writeln!(file, "{value} {name}")?)
    }

    /// [`ticks`] of an operation of the case itself.
    pub(crate) fn ticks(&self, rounds: u32, operation: impl FnMut() -> Result<()>) -> Result<u64> {
        ticks(rounds, operation)
    }
}

/// The least of `rounds` readings of the time stamp counter around the operation, the cost of reading taken off.
/// On the machine `icount` these are instructions, equal from run to run but for a few.
pub(crate) fn ticks<E>(rounds: u32, mut operation: impl FnMut() -> Result<(), E>) -> Result<u64, E> {
    let nothing = least(rounds, &mut || Ok(()))?;
    Ok(least(rounds, &mut operation)?.saturating_sub(nothing))
}

fn least<E>(rounds: u32, operation: &mut dyn FnMut() -> Result<(), E>) -> Result<u64, E> {
    let mut least = u64::MAX;
    for _ in 0..rounds {
        let before = crate::sys::ticks();
        operation()?;
        least = least.min(crate::sys::ticks() - before);
    }
    Ok(least)
}

/// The figures of the last case; they are gone afterwards.
pub(crate) fn figures() -> Result<BTreeMap<String, u64>> {
    let Ok(text) = fs::read_to_string(FIGURES) else { return Ok(BTreeMap::new()) };
    fs::remove_file(FIGURES)?;
    let parse = |line: &str| -> Result<(String, u64)> {
        let (value, name) = line.split_once(' ').context("a figure without a name")?;
        Ok((name.to_owned(), value.parse()?))
    };
    text.lines().map(parse).collect()
}

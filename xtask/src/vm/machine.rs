//! One machine's life: started, watched, ended. What it left is judged elsewhere.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::cache::Cache;
use super::disk;
use super::job::Job;
use super::qemu::{Hardware, Ports, Qemu};

/// What a kernel writes when nothing more is to be expected of it.
const MARKERS: &[&str] = &["Kernel panic", "soft lockup", "rcu: INFO: rcu_", "detected stalls"];
/// How long a boot may take on a loaded machine.
const BOOT: Duration = Duration::from_secs(90);
/// How often the files are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// How a machine ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By itself, with QEMU's status.
    Exit(Option<i32>),
    /// It did not end in time.
    Deadline(Duration),
    /// The kernel said that it is lost.
    Marker(&'static str),
}

/// What a machine left.
pub(super) struct Remains {
    pub(super) end: End,
    /// The second serial port.
    pub(super) results: String,
    /// The first serial port.
    pub(super) console: String,
    pub(super) took: Duration,
    /// Where both lie.
    pub(super) directory: PathBuf,
}

/// Runs a machine to its end, but not past `until`. The directory stays.
pub(super) fn run(job: &Job, qemu: &Qemu, cache: &Cache, until: Instant) -> Result<Remains> {
    let directory = cache.temporary()?.keep();
    let initrd = directory.join("initrd");
    fs::File::create(&initrd)?.write_all(&job.archive).context("cannot write the first root")?;
    let (console, results) = (directory.join("console.log"), directory.join("results.jsonl"));
    let disk = job.root.clone().map_or_else(|| disk::scratch(cache), Ok)?;
    let hardware = Hardware {
        kind: job.machine,
        accelerator: job.accelerator,
        kernel: &job.kernel.image(),
        initrd: &initrd,
        cmdline: &job.cmdline,
        disk: &disk,
    };
    let begun = Instant::now();
    let output = fs::File::create(directory.join("qemu.log"))?;
    let mut command = qemu.command(&hardware, &Ports::Files(&console, &results))?;
    // The private copy of the disk lies where TMPDIR says.
    command.env("TMPDIR", &directory).stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let mut qemu = command.spawn().context("cannot start QEMU")?;
    let deadline = begun + BOOT + Duration::from_secs(job.seconds() * 4);
    let end = watch(&mut qemu, &console, begun, deadline.min(until));
    if end.as_ref().is_ok_and(|end| !matches!(end, End::Exit(_))) || end.is_err() {
        // Our own child, not yet waited for.
        qemu.kill()?;
        qemu.wait()?;
    }
    fs::remove_file(&initrd)?;
    let text = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
    let complaint = text(&directory.join("qemu.log"));
    let console = text(&console) + &complaint;
    Ok(Remains { end: end?, results: text(&results), console, took: begun.elapsed(), directory })
}

fn watch(qemu: &mut Child, console: &Path, begun: Instant, deadline: Instant) -> Result<End> {
    let mut seen = 0;
    loop {
        if let Some(status) = qemu.try_wait()? {
            return Ok(End::Exit(status.code()));
        }
        if let Some(marker) = marker(console, &mut seen)? {
            return Ok(End::Marker(marker));
        }
        if Instant::now() > deadline {
            return Ok(End::Deadline(deadline - begun));
        }
        std::thread::sleep(LOOK);
    }
}

/// A marker in what is new on the console; looked for only when there is something new.
fn marker(console: &Path, seen: &mut u64) -> Result<Option<&'static str>> {
    let length = fs::metadata(console).map_or(0, |facts| facts.len());
    if length == *seen {
        return Ok(None);
    }
    *seen = length;
    let text = fs::read(console)?;
    let text = String::from_utf8_lossy(&text);
    Ok(MARKERS.iter().find(|marker| text.contains(**marker)).copied())
}

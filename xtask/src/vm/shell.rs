//! `--shell`: one machine with its console on this terminal.

use std::fs;
use std::process::Stdio;

use anyhow::{Context, Result};

use super::cache::Cache;
use super::guest::Guest;
use super::kernels::Kernel;
use super::machine;
use super::plan::Plan;
use super::qemu::{Accelerator, Hardware, Ports, Qemu};
use super::verdict::Count;

/// Opens it; it ends with `exit`.
pub(super) fn open(
    plan: &Plan<'_>,
    kernels: &[Kernel],
    guest: &Guest,
    qemu: &Qemu,
    accelerator: Accelerator,
    cache: &Cache,
) -> Result<Count> {
    let job = plan.for_shell(kernels, guest, accelerator)?;
    let directory = cache.temporary()?;
    let initrd = directory.path().join("initrd");
    fs::write(&initrd, &job.archive)?;
    let hardware = Hardware {
        kind: job.machine,
        accelerator,
        kernel: &job.kernel.image(),
        initrd: &initrd,
        cmdline: &job.cmdline,
        disk: &machine::scratch_disk(cache)?,
    };
    let mut command = qemu.command(&hardware, &Ports::Terminal)?;
    command.env("TMPDIR", directory.path()).stdin(Stdio::inherit());
    let status = command.status().context("cannot start QEMU")?;
    anyhow::bail!("the shell's machine has ended ({status}); no test was run")
}

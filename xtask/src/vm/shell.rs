//! `--shell`: one machine with its console on this terminal.

use std::fs;
use std::process::Stdio;

use anyhow::{Context, Result};

use super::Rig;
use super::disk;
use super::qemu::{Hardware, Ports};

/// Opens it; it ends with `exit` in the shell, or with Ctrl-A X.
pub(super) fn open(rig: &Rig<'_>) -> Result<()> {
    let job = rig.plan.for_shell(&rig.kernels, &rig.guest, rig.accelerator)?;
    let directory = rig.cache.temporary()?;
    let initrd = directory.path().join("initrd");
    fs::write(&initrd, &job.archive)?;
    let hardware = Hardware {
        kind: job.machine,
        accelerator: rig.accelerator,
        kernel: &job.kernel.image(),
        initrd: &initrd,
        cmdline: &job.cmdline,
        disk: &disk::scratch(&rig.cache)?,
    };
    let mut command = rig.qemu.command(&hardware, &Ports::Terminal)?;
    command.env("TMPDIR", directory.path()).stdin(Stdio::inherit());
    let status = command.status().context("cannot start QEMU")?;
    eprintln!("the machine has ended ({status}); no test was run");
    Ok(())
}

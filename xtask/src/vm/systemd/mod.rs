//! `cargo xtask vm-systemd`: the Debian package on a Debian 12 with systemd, in a virtual machine.
//!
//! ```text
//! apt, privately ──► archives ──► a tree with dpkg's own records of them (debian.rs) ─┐
//! cargo xtask dist ──► mcpguard.deb ──────────────────────────────────────────────────┼─ mke2fs ─► one disk ─► kernels, one by one
//! target/servers, tests/vm/systemd, tests/puppet (tree.rs) ───────────────────────────┘
//! init=/lib/systemd/systemd ─► unit `steps` ─► a line for each step, and a trailer, on the second serial port ─► verdict.rs
//! ```
//!
//! A step is a script in `tests/vm/systemd/steps`; they run in the order of their names, each on what those before it left.

mod debian;
mod steps;
mod tree;

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};

use super::cache::Cache;
use super::cpio::Archive;
use super::job::Job;
use super::kernels::{self, Kernel};
use super::matrix::{MachineKind, Matrix};
use super::qemu::{Accelerator, Qemu};
use super::{Count, Options, schedule, verdict};
use crate::checkout::Checkout;
use crate::{dist, setup};

/// Its first process is systemd, on the disk; no first root, no logins, no look for disks that are not there. A panic ends QEMU.
const CMDLINE: &str = "console=ttyS0 panic=-1 quiet root=/dev/nvme0n1 rootfstype=ext4 rootwait rw init=/lib/systemd/systemd \
                       systemd.getty_auto=no systemd.gpt_auto=no systemd.show_status=no";

/// Options of `cargo xtask vm-systemd`.
#[derive(clap::Args)]
pub(crate) struct SystemdOptions {
    /// Kernels by their names in tests/vm/matrix.toml
    #[arg(long, value_delimiter = ',', default_value = "6.1,6.12")]
    kernel: Vec<String>,
    /// Hardware instead of emulation; only where a guest really starts with it
    #[arg(long)]
    kvm: bool,
    /// Take what the cache has; no network
    #[arg(long)]
    offline: bool,
    /// Keep the consoles and results of machines that passed, too
    #[arg(long)]
    keep: bool,
    /// Take target/dist/*.deb as it is instead of building it
    #[arg(long)]
    no_build: bool,
}

/// Runs every step on every kernel. The last line of stdout counts them.
pub(crate) fn run(checkout: &Checkout, options: &SystemdOptions) -> Result<()> {
    let package = if options.no_build { dist::built(checkout)? } else { dist::debian_package(checkout)? };
    if !options.offline {
        setup::run(checkout, setup::Scope::Demo)?;
    }
    let matrix = Matrix::read(checkout)?;
    let cache = Cache::open(checkout, options.offline)?;
    let filling = cache.lock()?;
    let qemu = Qemu::find(&matrix.qemu, &cache)?;
    let wanted = matrix.kernels(&options.kernel)?;
    let kernels = kernels::all(&wanted, &cache)?;
    let debian = debian::base(&cache)?;
    drop(filling);
    let place = cache.temporary()?;
    let disk = tree::disk(checkout, &debian, &package, place.path())?;
    let accelerator = if options.kvm { Accelerator::Kvm } else { Accelerator::Tcg };
    let jobs = kernels.iter().map(|kernel| job(checkout, kernel, accelerator, &disk));
    let verdicts = schedule::run(jobs.collect::<Result<_>>()?, &qemu, &cache, &budget(options))?;
    let count = verdict::told(&verdicts, &kernels::not_run(&wanted, &kernels));
    println!("{count}");
    if count == Count::default() || !count.is_green() {
        bail!("not every step passed");
    }
    Ok(())
}

fn job(checkout: &Checkout, kernel: &Kernel, accelerator: Accelerator, disk: &Path) -> Result<Job> {
    Ok(Job {
        name: format!("{} systemd", kernel.name),
        kernel: kernel.clone(),
        machine: MachineKind::Servers,
        accelerator,
        cmdline: CMDLINE.to_owned(),
        // systemd turns the machine off; QEMU then ends with 0, as it does after a panic. The trailer tells them apart.
        exit_by_port: false,
        // Without a first process in it the kernel mounts the disk itself.
        archive: Archive::new().finish(),
        root: Some(disk.to_path_buf()),
        cases: steps::listed(checkout)?,
    })
}

/// One machine at a time: its processor is shared by systemd, the server and the guard, and waits are measured.
fn budget(options: &SystemdOptions) -> Options {
    Options { jobs: 1, keep: options.keep, budget: Duration::from_secs(45 * 60), ..Options::everything() }
}

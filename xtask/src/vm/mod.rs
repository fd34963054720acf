//! `cargo xtask vm-test`: the tests inside of virtual machines, on real kernels of Debian.
//!
//! ```text
//! tests/vm/matrix.toml ─► kernels × variants × machines = jobs       (each with the list of cases it must run)
//! apt, privately ──────► kernels, QEMU          cargo ─► init, mcpguard ─► initramfs
//! job ─► QEMU ─► console.log, results.jsonl ─► verdict: trailer ∧ exactly the listed cases ∧ the way it ended
//! ```
//!
//! Nothing is installed and no root is needed. Everything lies in `target/vm`, or in `$MCPGUARD_VM_CACHE`.

mod accelerator;
pub(crate) mod apt;
pub(crate) mod cache;
mod child;
mod cpio;
mod disk;
mod guest;
mod internet;
mod job;
mod kernels;
mod machine;
mod matrix;
mod options;
mod plan;
mod qemu;
mod schedule;
mod servers;
mod shell;
mod systemd;
mod verdict;

use anyhow::{Result, bail};

use crate::checkout::Checkout;

pub(crate) use child::{ChildOptions, become_child};
pub(crate) use options::{FetchOptions, Options};
pub(crate) use systemd::{SystemdOptions, run as systemd};
pub(crate) use verdict::Count;

use cache::Cache;
use guest::Guest;
use kernels::Kernel;
use matrix::Matrix;
use plan::Plan;
use qemu::{Accelerator, Qemu};

/// Everything that machines are made of.
struct Rig<'a> {
    plan: Plan<'a>,
    kernels: Vec<Kernel>,
    guest: Guest,
    qemu: Qemu,
    accelerator: Accelerator,
    cache: Cache,
}

impl<'a> Rig<'a> {
    /// Fetches and builds what is missing.
    fn ready(checkout: &Checkout, matrix: &'a Matrix, options: &'a Options) -> Result<Self> {
        let cache = Cache::open(checkout, options.offline)?;
        let plan = Plan::new(matrix, options)?;
        let filling = cache.lock()?;
        let qemu = Qemu::find(&matrix.qemu, &cache)?;
        let kernels = kernels::all(&plan.kernels, &cache)?;
        // Others may fill the cache while this one builds.
        drop(filling);
        let guest = Guest::build(checkout, &cache)?;
        let accelerator = accelerator::choose(options.accel, &qemu, &kernels, &guest, &cache)?;
        Ok(Self { plan, kernels, guest, qemu, accelerator, cache })
    }
}

/// Runs what is asked for. The last line of stdout counts the tests.
pub(crate) fn run(checkout: &Checkout, options: &Options) -> Result<()> {
    if options.shell {
        return shell::open(&Rig::ready(checkout, &Matrix::read(checkout)?, options)?);
    }
    let count = count(checkout, options)?;
    println!("{count}");
    if !count.is_green() {
        bail!("not every test in a virtual machine passed");
    }
    Ok(())
}

/// The same for `cargo xtask test`, which has a count of its own.
pub(crate) fn count(checkout: &Checkout, options: &Options) -> Result<Count> {
    let matrix = Matrix::read(checkout)?;
    let rig = Rig::ready(checkout, &matrix, options)?;
    let root = match rig.plan.wants_a_full_disk() {
        true => Some(servers::root(checkout, &rig.cache)?),
        false => None,
    };
    let jobs = rig.plan.jobs(&rig.kernels, &rig.guest, rig.accelerator, root.as_deref())?;
    let verdicts = schedule::run(jobs, &rig.qemu, &rig.cache, options)?;
    let not_run = kernels::not_run(&rig.plan.kernels, &rig.kernels);
    Ok(verdict::told(&verdicts, &not_run))
}

/// Fills the cache.
pub(crate) fn fetch(checkout: &Checkout, options: &FetchOptions) -> Result<()> {
    let matrix = Matrix::read(checkout)?;
    let cache = Cache::open(checkout, false)?;
    let _filling = cache.lock()?;
    cache.forget_indices()?;
    Qemu::find(&matrix.qemu, &cache)?;
    let kernels = kernels::all(&matrix.kernels(&options.kernel)?, &cache)?;
    kernels.iter().for_each(|kernel| println!("{}: {}", kernel.name, kernel.package));
    Ok(())
}

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
mod apt;
mod cache;
mod child;
mod cpio;
mod guest;
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
mod verdict;

use anyhow::{Context, Result, bail};

use crate::checkout::Checkout;

pub(crate) use child::{ChildOptions, become_child};
pub(crate) use options::{FetchOptions, Options};

use cache::Cache;
use guest::Guest;
use job::Job;
use matrix::Matrix;
use plan::Plan;
use qemu::Qemu;
use verdict::Count;

/// Runs what is asked for. The last line of stdout counts the tests.
pub(crate) fn run(checkout: &Checkout, options: &Options) -> Result<()> {
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
    let cache = Cache::open(checkout, options.offline)?;
    let qemu = Qemu::find(&matrix.qemu, &cache)?;
    let plan = Plan::new(&matrix, options)?;
    let kernels = kernels::all(&plan.kernels, &cache)?;
    let guest = Guest::build(checkout, &cache)?;
    let accelerator = accelerator::choose(options.accel, &qemu, &kernels, &guest, &cache)?;
    if options.shell {
        return shell::open(&plan, &kernels, &guest, &qemu, accelerator, &cache);
    }
    let root = options.with_servers.then(|| servers::root(checkout, &cache)).transpose()?;
    let jobs: Vec<Job> = plan.jobs(&kernels, &guest, accelerator, root.as_deref())?;
    let verdicts = schedule::run(jobs, &qemu, &cache, options).context("the virtual machines could not be run")?;
    Ok(verdict::told(&verdicts, &kernels::not_run(&plan.kernels, &kernels)))
}

/// Fills the cache.
pub(crate) fn fetch(checkout: &Checkout, options: &FetchOptions) -> Result<()> {
    let matrix = Matrix::read(checkout)?;
    let cache = Cache::open(checkout, false)?;
    cache.forget_indices()?;
    Qemu::find(&matrix.qemu, &cache)?;
    let kernels = kernels::all(&matrix.kernels(&options.kernel)?, &cache)?;
    kernels.iter().for_each(|kernel| println!("{}: {}", kernel.name, kernel.package));
    Ok(())
}

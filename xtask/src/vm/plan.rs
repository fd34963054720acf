//! From the matrix and the command line to jobs.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::guest::Guest;
use super::job::{Job, Orders, cmdline};
use super::kernels::Kernel;
use super::matrix::{self, MachineKind, Matrix, Variant};
use super::options::Options;
use super::qemu::Accelerator;

/// What is to be run.
pub(super) struct Plan<'a> {
    pub(super) kernels: Vec<matrix::Kernel>,
    /// By kernel: its command lines and hardware.
    entries: Vec<Entry<'a>>,
    options: &'a Options,
}

/// One combination.
#[derive(Clone)]
struct Entry<'a> {
    kernel: matrix::Kernel,
    variant: &'a Variant,
    machine: MachineKind,
}

impl<'a> Plan<'a> {
    /// Chooses the combinations that are asked for.
    pub(super) fn new(matrix: &'a Matrix, options: &'a Options) -> Result<Self> {
        let kernels = matrix.kernels(&options.kernel)?;
        let mut entries = Vec::new();
        for kernel in &kernels {
            for variant in matrix.variants(kernel, &options.variant)? {
                let wanted = |kind: &MachineKind| match kind {
                    MachineKind::Icount => true,
                    MachineKind::Servers => options.with_servers && !options.icount,
                    MachineKind::Tricks => {
                        (options.with_servers || options.requests(*kind)) && !options.icount
                    }
                    MachineKind::Plain | MachineKind::Smp => !options.icount,
                };
                let requested = |kind| options.requests(kind);
                let machines = kernel.machines(variant, requested).into_iter().filter(wanted);
                // Weakened command lines are for the plain machine; the others test what a whole kernel does.
                let machines =
                    machines.filter(|kind| variant.name == "default" || *kind == MachineKind::Plain);
                entries.extend(machines.map(|machine| Entry { kernel: kernel.clone(), variant, machine }));
            }
        }
        ensure!(
            !entries.is_empty(),
            "no kernel of {} has a variant of {}",
            options.kernel.join(","),
            options.variant.join(",")
        );
        Ok(Self { kernels, entries, options })
    }

    /// Whether a machine needs the disk with the real servers and the test internet.
    pub(super) fn wants_a_full_disk(&self) -> bool {
        self.entries.iter().any(|entry| entry.machine.has_a_full_disk())
    }

    /// The jobs, the longest first. Combinations without a case are left out.
    pub(super) fn jobs(
        &self,
        kernels: &[Kernel],
        guest: &Guest,
        accelerator: Accelerator,
        root: Option<&Path>,
    ) -> Result<Vec<Job>> {
        let mut jobs = Vec::new();
        for entry in &self.entries {
            // An optional kernel that could not be had was already named.
            let Some(kernel) = kernels.iter().find(|kernel| kernel.name == entry.kernel.name) else {
                continue;
            };
            jobs.extend(entry.job(kernel, guest, accelerator, root, self.options)?);
        }
        ensure!(!jobs.is_empty(), "no case has `{}` in its name", self.options.filter);
        jobs.sort_by_key(|job| std::cmp::Reverse(job.seconds()));
        Ok(jobs)
    }

    /// The one machine that a shell is opened in.
    pub(super) fn for_shell(
        &self,
        kernels: &[Kernel],
        guest: &Guest,
        accelerator: Accelerator,
    ) -> Result<Job> {
        let plain: Vec<&Entry> =
            self.entries.iter().filter(|entry| entry.machine == MachineKind::Plain).collect();
        let [entry] = plain.as_slice() else {
            anyhow::bail!("--shell opens one machine; name one --kernel and one --variant");
        };
        let kernel = kernels
            .iter()
            .find(|kernel| kernel.name == entry.kernel.name)
            .context("the kernel is not there")?;
        let orders = entry.orders(accelerator, self.options)?;
        entry.with_cases(kernel, guest, accelerator, None, &orders, Vec::new())
    }
}

impl Entry<'_> {
    fn job(
        &self,
        kernel: &Kernel,
        guest: &Guest,
        accelerator: Accelerator,
        root: Option<&Path>,
        options: &Options,
    ) -> Result<Option<Job>> {
        let orders = self.orders(accelerator, options)?;
        let file = tempfile::NamedTempFile::new().context("no place for a job")?;
        std::fs::write(file.path(), serde_json::to_string(&orders)?)?;
        let cases = guest.list(file.path())?;
        for lack in cases.iter().filter_map(|case| case.skip.as_deref()) {
            self.kernel.may_lack(self.variant, lack)?;
        }
        // The comparison of facts alone proves nothing on a machine that was made for other cases.
        let own = cases.iter().any(|case| {
            !case.case.starts_with("facts/")
                || case.case.contains(&options.filter) && !options.filter.is_empty()
        });
        let root = if self.machine.has_a_full_disk() { root } else { None };
        if !own {
            return Ok(None);
        }
        self.with_cases(kernel, guest, accelerator, root, &orders, cases).map(Some)
    }

    fn with_cases(
        &self,
        kernel: &Kernel,
        guest: &Guest,
        accelerator: Accelerator,
        root: Option<&Path>,
        orders: &Orders,
        cases: Vec<super::verdict::Listed>,
    ) -> Result<Job> {
        let text = serde_json::to_string(orders)?;
        Ok(Job {
            name: self.name(),
            kernel: kernel.clone(),
            machine: self.machine,
            accelerator,
            cmdline: cmdline(&self.variant.cmdline, self.machine),
            exit_by_port: self.variant.exit_by_port,
            archive: guest.archive(kernel, &text, orders.shell, &cases)?,
            root: root.map(Path::to_path_buf),
            cases,
        })
    }

    fn name(&self) -> String {
        let machine = match self.machine {
            MachineKind::Plain => "",
            MachineKind::Smp => " smp",
            MachineKind::Icount => " icount",
            MachineKind::Servers => " servers",
            MachineKind::Tricks => " tricks",
        };
        format!("{} {}{machine}", self.kernel.name, self.variant.name)
    }

    fn orders(&self, accelerator: Accelerator, options: &Options) -> Result<Orders> {
        Ok(Orders {
            kernel: self.kernel.name.clone(),
            variant: self.variant.name.clone(),
            machine: self.machine,
            slow: accelerator.slow(),
            exit_by_port: self.variant.exit_by_port,
            facts: self.kernel.facts(self.variant)?,
            areas: self.kernel.areas(self.variant, options.names(&self.kernel.name)),
            filter: options.filter.clone(),
            shell: options.shell,
        })
    }
}

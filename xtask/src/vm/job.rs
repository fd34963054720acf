//! One virtual machine: which kernel, under which command line, on which hardware, and what must come out of it.

use serde::Serialize;
use serde_json::{Map, Value};

use super::kernels::Kernel;
use super::matrix::MachineKind;
use super::qemu::Accelerator;
use super::verdict::Listed;

/// What the guest is told; its crate has the same structure.
#[derive(Debug, Serialize)]
pub(super) struct Orders {
    pub(super) kernel: String,
    pub(super) variant: String,
    pub(super) machine: MachineKind,
    pub(super) slow: u32,
    pub(super) exit_by_port: bool,
    pub(super) facts: Map<String, Value>,
    pub(super) areas: Vec<String>,
    pub(super) filter: String,
    pub(super) shell: bool,
}

/// A machine that is ready to be started.
pub(super) struct Job {
    /// `6.12 nobpf plain`.
    pub(super) name: String,
    pub(super) kernel: Kernel,
    pub(super) machine: MachineKind,
    pub(super) accelerator: Accelerator,
    pub(super) cmdline: String,
    pub(super) exit_by_port: bool,
    /// The first root.
    pub(super) archive: Vec<u8>,
    /// The disk with the real servers; the scratch disk if absent.
    pub(super) root: Option<std::path::PathBuf>,
    /// What must come out.
    pub(super) cases: Vec<Listed>,
}

impl Job {
    /// Seconds that its cases take under emulation.
    pub(super) fn seconds(&self) -> u64 {
        self.cases.iter().filter(|case| case.skip.is_none()).map(|case| u64::from(case.seconds)).sum()
    }
}

/// The kernel's command line.
pub(super) fn cmdline(variant: &str, machine: MachineKind) -> String {
    // Minutes without a pause on one emulated processor: a kernel that preempts itself then lets a task of low priority
    // wait within a reader's section for longer than the 21 s after which it calls that a stall.
    let patience = match machine {
        MachineKind::Tricks => "rcupdate.rcu_cpu_stall_timeout=300",
        _ => "",
    };
    // A panic ends QEMU at once (`panic=-1` with `-no-reboot`).
    let words = ["console=ttyS0 panic=-1 quiet rdinit=/opt/vm/init", patience, variant];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

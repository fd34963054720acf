//! Which accelerator: KVM only where a guest was seen to come up with it.
//!
//! That `/dev/kvm` opens proves nothing: nested in some hypervisors it opens, makes machines, and never gets a stock
//! kernel to its first process.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Map;

use super::cache::Cache;
use super::guest::Guest;
use super::job::{Job, Orders, cmdline};
use super::kernels::Kernel;
use super::machine::{self, End};
use super::matrix::MachineKind;
use super::options::Accel;
use super::qemu::{Accelerator, Qemu};

/// A guest that does not come up in this time will not come up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Chooses the accelerator.
pub(super) fn choose(
    asked: Accel,
    qemu: &Qemu,
    kernels: &[Kernel],
    guest: &Guest,
    cache: &Cache,
) -> Result<Accelerator> {
    match asked {
        Accel::Tcg => Ok(Accelerator::Tcg),
        Accel::Kvm => Ok(Accelerator::Kvm),
        Accel::Auto => {
            let works = kvm_works(qemu, kernels, guest, cache)?;
            Ok(if works { Accelerator::Kvm } else { Accelerator::Tcg })
        }
    }
}

/// The answer holds until this host is started anew.
fn kvm_works(qemu: &Qemu, kernels: &[Kernel], guest: &Guest, cache: &Cache) -> Result<bool> {
    if fs::OpenOptions::new().read(true).write(true).open("/dev/kvm").is_err() {
        return Ok(false);
    }
    let known = answer_file(cache)?;
    if let Ok(answer) = fs::read_to_string(&known) {
        return Ok(answer == "works");
    }
    eprintln!("trying KVM for {} s …", PATIENCE.as_secs());
    let works = comes_up(qemu, kernels, guest, cache)?;
    eprintln!("KVM {}", if works { "works" } else { "does not bring a guest up here; emulating" });
    fs::write(known, if works { "works" } else { "does not" })?;
    Ok(works)
}

fn answer_file(cache: &Cache) -> Result<PathBuf> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").context("this boot has no identity")?;
    Ok(cache.directory("kvm")?.join(boot.trim()))
}

/// Starts a machine without cases: it must reach its first process and say that it is done.
fn comes_up(qemu: &Qemu, kernels: &[Kernel], guest: &Guest, cache: &Cache) -> Result<bool> {
    let kernel = kernels.last().context("no kernel to try KVM with")?.clone();
    let orders = serde_json::to_string(&Orders {
        kernel: kernel.name.clone(),
        variant: "default".to_owned(),
        machine: MachineKind::Plain,
        slow: 1,
        exit_by_port: true,
        facts: nothing(),
        areas: vec!["none".to_owned()],
        filter: String::new(),
        shell: false,
    })?;
    let job = Job {
        name: "trying KVM".to_owned(),
        archive: guest.archive(&kernel, &orders, false, &[])?,
        kernel,
        machine: MachineKind::Plain,
        accelerator: Accelerator::Kvm,
        cmdline: cmdline("", MachineKind::Plain),
        exit_by_port: true,
        root: None,
        cases: Vec::new(),
    };
    let remains = machine::run(&job, qemu, cache, Instant::now() + PATIENCE)?;
    let done = remains.results.contains("\"done\":true");
    ensure!(
        done || !matches!(remains.end, End::Exit(Some(33))),
        "a guest without a trailer said that all is well"
    );
    fs::remove_dir_all(&remains.directory)?;
    Ok(done)
}

/// Facts that no case reads.
fn nothing() -> Map<String, serde_json::Value> {
    let facts = serde_json::json!({
        "release": "", "landlock_abi": 0, "lsm": [], "controllers": [], "btf": false, "task_storage": false, "preempts": false,
        "user_namespaces": false, "cgroup_kill": false, "seccomp_reports": false, "lockdown": "none",
    });
    facts.as_object().cloned().unwrap_or_default()
}

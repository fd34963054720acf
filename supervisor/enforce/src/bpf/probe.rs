//! What the eBPF layer can do on this host, found by doing it.

use aya_obj::generated::{bpf_attach_type, bpf_prog_type};
use caps::{CapSet, Capability};
use policy::{Ebpf, HookWay};

use super::btf::{Btf, BtfError};
use super::preemption;
use super::program::{self, ProgramError};
use super::proof::{self, instruction};
use crate::sys;

/// What was found, and what a layer needs of it.
#[derive(Debug)]
pub struct Probe {
    support: Ebpf,
    btf: Option<Btf>,
}

impl Probe {
    /// What an earlier probe found, for loading a layer now.
    pub fn known(support: Ebpf) -> Result<Self, BtfError> {
        Ok(Self { support, btf: Some(Btf::of_running_kernel()?) })
    }

    /// What the layer would enforce, and why not more.
    pub fn support(&self) -> &Ebpf {
        &self.support
    }

    pub(super) fn btf(&self) -> Option<&Btf> {
        self.btf.as_ref()
    }
}

/// Tries everything. Takes some milliseconds as root, nothing without the capabilities; leaves nothing behind.
pub fn probe() -> Probe {
    if let Some(missing) = out_of_reach() {
        let missing = Some(missing.to_owned());
        let support = Ebpf { hooks_missing: missing.clone(), network_missing: missing, ..Ebpf::default() };
        return Probe { support, btf: None };
    }
    match Btf::of_running_kernel() {
        Ok(btf) => Probe { support: support(&btf), btf: Some(btf) },
        Err(error) => {
            let missing = Some(error.to_string());
            let support =
                Ebpf { hooks_missing: missing.clone(), network_missing: missing, ..Ebpf::default() };
            Probe { support, btf: None }
        }
    }
}

fn support(btf: &Btf) -> Ebpf {
    if let Err(reason) = has_what_programs_need(btf) {
        return Ebpf {
            hooks_missing: Some(reason.clone()),
            network_missing: Some(reason),
            ..Ebpf::default()
        };
    }
    let (hooks, hooks_missing) = match way(btf) {
        Ok(way) => (Some(way), None),
        Err(reason) => (None, Some(reason)),
    };
    let network = network();
    Ebpf {
        hooks,
        hooks_missing,
        network: network.is_ok(),
        network_missing: network.err().map(|error| one_line(&error)),
    }
}

/// All programs are of one object file, so that those on control groups need as new a kernel as the others.
fn has_what_programs_need(btf: &Btf) -> Result<(), String> {
    const NEEDED: &str = "; the programs need Linux 5.17";
    for field in abi::FIELDS {
        btf.offset_of(field.structure, field.member).map_err(|error| format!("{error}{NEEDED}"))?;
    }
    // A helper that came with the oldest kernel that is promised; the programs use nothing newer.
    btf.function("bpf_loop").map(drop).map_err(|_| format!("this kernel has no `bpf_loop`{NEEDED}"))
}

/// The first way in which a program was seen to deny.
fn way(btf: &Btf) -> Result<HookWay, String> {
    let Err(as_module) = proof::prove(btf, HookWay::Lsm) else {
        return Ok(HookWay::Lsm);
    };
    match proof::prove(btf, HookWay::FmodRet) {
        Ok(()) => preemption::is_ruled_out().map(|()| HookWay::FmodRet),
        Err(before_modules) => Err(both(&one_line(&as_module), &one_line(&before_modules))),
    }
}

/// A reason is one sentence. Of what the verifier said, in lines, that is the last one before its count of instructions.
fn one_line(error: &impl ToString) -> String {
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim);
    let first = lines.next().unwrap_or_default();
    match lines.rfind(|line| !line.starts_with("processed ")) {
        Some(last) => format!("{first} {last}"),
        None => first.to_owned(),
    }
}

fn both(one: &str, other: &str) -> String {
    // Where both fail for one reason it is said once.
    if one == other { one.to_owned() } else { format!("{one}; the other way, {other}") }
}

/// Programs on control groups need no proof of their own here: whether they deny, the canary sees in the real group.
fn network() -> Result<(), ProgramError> {
    let pass = [instruction(0xb7, 0, 0, 0, 1), instruction(0x95, 0, 0, 0, 0)];
    for (kind, attach) in [
        (bpf_prog_type::BPF_PROG_TYPE_CGROUP_SOCK_ADDR, bpf_attach_type::BPF_CGROUP_INET4_CONNECT),
        (bpf_prog_type::BPF_PROG_TYPE_CGROUP_SKB, bpf_attach_type::BPF_CGROUP_INET_EGRESS),
    ] {
        let program = sys::Program {
            kind,
            attach: Some(attach),
            function: 0,
            instructions: &pass,
            license: c"Dual MIT/GPL",
            name: "probe",
            types: None,
            functions: &[],
        };
        sys::program_load(&program, None).map_err(|errno| program::refused(&program, errno))?;
    }
    Ok(())
}

/// The number of the first pid namespace (`PROC_PID_INIT_INO` in `include/linux/proc_ns.h`).
const INITIAL_PIDS: &str = "pid:[4026531836]";

/// What makes every attempt pointless.
fn out_of_reach() -> Option<&'static str> {
    let has = |capability| caps::has_cap(None, CapSet::Effective, capability).unwrap_or(false);
    if !has(Capability::CAP_SYS_ADMIN) {
        return Some("it needs root: run mcpguard as root or with its daemon");
    }
    let namespace = nix::fcntl::readlink("/proc/self/ns/pid").ok();
    if namespace.is_none_or(|found| found != INITIAL_PIDS) {
        return Some(
            "mcpguard runs in a pid namespace of its own, where it does not know the numbers of processes as the \
             kernel's programs see them: run it on the host, or its container with the host's pid namespace",
        );
    }
    None
}

//! Loading one program, and saying why the kernel would not have it.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use abi::{Hook, Need};
use aya_obj::generated::{bpf_attach_type, bpf_prog_type};
use nix::errno::Errno;
use policy::HookWay;

use super::btf::{Btf, BtfError};
use super::object::{Place, ProgramText};
use crate::sys;

/// Why a program does not run.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The kernel would not load it.
    #[error("the kernel refused the BPF program {name}: {}{reason}", errno.desc())]
    Refused {
        /// The program.
        name: String,
        /// What `BPF_PROG_LOAD` failed with.
        errno: Errno,
        /// What would make it right, and the end of what the verifier said.
        reason: String,
    },
    /// The kernel would not attach it.
    #[error("the BPF program {name} could not be attached: {}{}", errno.desc(), attach_hint(*errno))]
    Unattached {
        /// The program.
        name: String,
        /// Why.
        errno: Errno,
    },
    /// The programs' own type information was refused.
    #[error("the kernel refused the type information of the BPF programs: {}{}", .0.desc(), load_hint(*.0, false))]
    Types(Errno),
    /// The object file lacks it.
    #[error("the built-in BPF programs lack `{0}`; this is an error of the build, please report it")]
    Missing(&'static str),
    /// The hook is not there.
    #[error(transparent)]
    Btf(#[from] BtfError),
}

/// The kernel's log of a refused program is asked for up to this size.
const LOG_BYTES: usize = 16 << 20;
/// As many of its last lines are shown.
const LOG_LINES: usize = 12;

/// The function that a hook's program replaces or precedes.
pub(super) fn hook_function(way: HookWay, hook: &'static str) -> String {
    match way {
        HookWay::Lsm => format!("bpf_lsm_{hook}"),
        HookWay::FmodRet => {
            let (prefix, name) = Hook { name: hook, need: Need::Always }.function();
            format!("{prefix}{name}")
        }
    }
}

/// What of the object file a program belongs to.
pub(super) struct Context<'a> {
    pub(super) btf: &'a Btf,
    pub(super) types: Option<BorrowedFd<'a>>,
}

impl Context<'_> {
    /// Loads the program for this hook.
    pub(super) fn load_hook(
        &self,
        text: &ProgramText,
        way: HookWay,
        hook: &'static str,
    ) -> Result<OwnedFd, ProgramError> {
        let (kind, attach) = hook_kind(way);
        let function = self.btf.function(&hook_function(way, hook))?;
        load(&self.describe(text, kind, Some(attach), function))
    }

    /// Loads a program of another kind than a hook's.
    pub(super) fn load_other(&self, text: &ProgramText) -> Result<OwnedFd, ProgramError> {
        let (kind, attach) = match text.place {
            Place::SocketAddress(attach) => (bpf_prog_type::BPF_PROG_TYPE_CGROUP_SOCK_ADDR, Some(attach)),
            Place::Packets(attach) => (bpf_prog_type::BPF_PROG_TYPE_CGROUP_SKB, Some(attach)),
            Place::RawTracepoint | Place::Hook => (bpf_prog_type::BPF_PROG_TYPE_RAW_TRACEPOINT, None),
        };
        load(&self.describe(text, kind, attach, 0))
    }

    fn describe<'b>(
        &'b self,
        text: &'b ProgramText,
        kind: bpf_prog_type,
        attach: Option<bpf_attach_type>,
        function: u32,
    ) -> sys::Program<'b> {
        sys::Program {
            kind,
            attach,
            function,
            instructions: &text.instructions,
            license: &text.license,
            name: &text.name,
            types: self.types,
            functions: &text.functions,
        }
    }
}

/// The kind of program and of attachment that a way means.
pub(super) fn hook_kind(way: HookWay) -> (bpf_prog_type, bpf_attach_type) {
    match way {
        HookWay::Lsm => (bpf_prog_type::BPF_PROG_TYPE_LSM, bpf_attach_type::BPF_LSM_MAC),
        HookWay::FmodRet => (bpf_prog_type::BPF_PROG_TYPE_TRACING, bpf_attach_type::BPF_MODIFY_RETURN),
    }
}

fn load(program: &sys::Program<'_>) -> Result<OwnedFd, ProgramError> {
    match sys::program_load(program, None) {
        Ok(loaded) => Ok(loaded),
        Err(errno) => Err(refused(program, errno)),
    }
}

/// The error of a program that was refused with this errno. It is offered once more, for the verifier's reasons: the log
/// costs time that a program that is taken does not pay.
pub(super) fn refused(program: &sys::Program<'_>, errno: Errno) -> ProgramError {
    let mut log = vec![0; LOG_BYTES];
    // It fails as before; if it does not, the first failure is still the one that counts.
    let _ = sys::program_load(program, Some(&mut log));
    let log = CStr::from_bytes_until_nul(&log).map(CStr::to_string_lossy).unwrap_or_default();
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LOG_LINES)..];
    let mut reason = load_hint(errno, !last.is_empty()).to_owned();
    for line in last {
        reason.push_str("\n    ");
        reason.push_str(line);
    }
    ProgramError::Refused { name: program.name.to_owned(), errno, reason }
}

/// What an errno without words of the verifier means.
fn load_hint(errno: Errno, explained: bool) -> &'static str {
    match errno {
        _ if explained && is_locked_down() => {
            "; the kernel is locked down (confidentiality), so that BPF programs may not follow its pointers; the verifier says:"
        }
        _ if explained => "; the verifier says:",
        Errno::EPERM => {
            "; it needs root with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, and a kernel that allows it: \
             some hosted kernels, and kernels under lockdown, refuse programs on security hooks even to root"
        }
        Errno::ENOMEM => "; too little memory, or RLIMIT_MEMLOCK is too low for a kernel before 5.11",
        Errno::EINVAL => "; the kernel does not know this kind of program (Linux 5.17 is needed)",
        _ => "",
    }
}

/// Source: `lockdown(7)`.
fn is_locked_down() -> bool {
    let level = std::fs::read_to_string("/sys/kernel/security/lockdown");
    level.is_ok_and(|level| level.contains("[confidentiality]"))
}

fn attach_hint(errno: Errno) -> &'static str {
    match errno {
        Errno::E2BIG => {
            ": too many programs stand on this hook already (38 are the limit of most kernels); end another session"
        }
        Errno::EPERM => ": it needs CAP_PERFMON, and CAP_NET_ADMIN for control groups",
        Errno::EBUSY | Errno::EOPNOTSUPP => {
            ": the kernel cannot redirect this function (live patching, or an architecture without trampolines)"
        }
        _ => "",
    }
}

/// Attaches a program to the hook that it was loaded for.
pub(super) fn attach_hook(name: &str, program: BorrowedFd<'_>) -> Result<OwnedFd, ProgramError> {
    sys::attach_tracing(program, None).map_err(|errno| unattached(name, errno))
}

/// Attaches a program to a raw tracepoint.
pub(super) fn attach_tracepoint(
    name: &str,
    program: &OwnedFd,
    tracepoint: &CString,
) -> Result<OwnedFd, ProgramError> {
    sys::attach_tracing(program.as_fd(), Some(tracepoint)).map_err(|errno| unattached(name, errno))
}

/// The error of a program that could not be attached.
pub(super) fn unattached(name: &str, errno: Errno) -> ProgramError {
    ProgramError::Unattached { name: name.to_owned(), errno }
}

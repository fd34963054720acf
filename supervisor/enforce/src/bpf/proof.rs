//! The proof that a program on a security hook can deny here: one is loaded, attached, and seen to deny.
//!
//! A kernel may load and attach such programs and never run them (`bpf` not among the active security modules), or refuse
//! them to root for reasons of its own; neither stands in any file. So a program is put on `task_prctl` that denies one
//! request which no kernel knows and which carries a random number, and that request is made. Nobody else can meet it.

use std::hash::{BuildHasher, RandomState};
use std::os::fd::AsFd;

use aya_obj::generated::{bpf_func_id, bpf_insn};
use nix::errno::Errno;
use policy::HookWay;

use super::btf::Btf;
use super::program::{self, ProgramError, attach_hook, hook_function, hook_kind};
use crate::sys;

/// Why programs on security hooks cannot deny here.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The program could not be loaded or attached.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// It is attached and does nothing.
    #[error("a BPF program on the security hooks is attached as {way} and never called{}", never_called(*way))]
    NotCalled {
        /// The way it was attached.
        way: HookWay,
    },
}

fn never_called(way: HookWay) -> &'static str {
    match way {
        HookWay::Lsm => ": `bpf` is not among the active security modules (/sys/kernel/security/lsm)",
        HookWay::FmodRet => "",
    }
}

/// `mcpg`: no request of `prctl(2)`, in any kernel.
const REQUEST: i32 = 0x6d63_7067;
const NAME: &str = "proof";
/// `bpf_probe_read_kernel`, with which all programs follow pointers.
const PROBE_READ_KERNEL: i32 = bpf_func_id::BPF_FUNC_probe_read_kernel as i32;

/// Loads, attaches, tries, takes away again. `Ok`: the request was denied.
pub(super) fn prove(btf: &Btf, way: HookWay) -> Result<(), ProofError> {
    let number = RandomState::new().hash_one(std::process::id());
    let (kind, attach) = hook_kind(way);
    let instructions = deny_one(number, way);
    let program = sys::Program {
        kind,
        attach: Some(attach),
        function: btf.function(&hook_function(way, "task_prctl")).map_err(ProgramError::from)?,
        instructions: &instructions,
        license: c"Dual MIT/GPL",
        name: NAME,
        types: None,
        functions: &[],
    };
    let loaded = sys::program_load(&program, None).map_err(|errno| program::refused(&program, errno))?;
    let link = attach_hook(NAME, loaded.as_fd())?;
    let answer = sys::process_request(REQUEST, number);
    drop(link);
    match answer {
        Err(Errno::EPERM) => Ok(()),
        _ => Err(ProofError::NotCalled { way }),
    }
}

/// Denies `prctl(REQUEST, number, …)` and lets everything else pass.
fn deny_one(number: u64, way: HookWay) -> Vec<bpf_insn> {
    // As a security module the program must say "not mine" (-ENOSYS); before the modules 0 goes on to them.
    let pass = match way {
        HookWay::Lsm => -(Errno::ENOSYS as i32),
        HookWay::FmodRet => 0,
    };
    let (low, high) = (number as u32, (number >> 32) as u32);
    vec![
        instruction(0x79, 2, 1, 0, 0),        // r2 = option
        instruction(0x56, 2, 0, 11, REQUEST), // if (u32) r2 != REQUEST: pass
        instruction(0x79, 2, 1, 8, 0),        // r2 = the second argument
        instruction(0x18, 3, 0, 0, low.cast_signed()),
        instruction(0, 0, 0, 0, high.cast_signed()), // r3 = number
        instruction(0x5d, 2, 3, 7, 0),               // if r2 != r3: pass
        // Eight bytes of stack from address 0, which fails: a kernel that is locked down lacks the helper.
        instruction(0xbf, 1, 10, 0, 0),
        instruction(0x07, 1, 0, 0, -8),
        instruction(0xb7, 2, 0, 0, 8),
        instruction(0xb7, 3, 0, 0, 0),
        instruction(0x85, 0, 0, 0, PROBE_READ_KERNEL),
        instruction(0xb7, 0, 0, 0, -(Errno::EPERM as i32)),
        instruction(0x95, 0, 0, 0, 0),
        instruction(0xb7, 0, 0, 0, pass),
        instruction(0x95, 0, 0, 0, 0),
    ]
}

/// One instruction, as `Documentation/bpf/standardization/instruction-set.rst` lays it out.
pub(super) fn instruction(code: u8, destination: u8, source: u8, offset: i16, immediate: i32) -> bpf_insn {
    bpf_insn {
        code,
        _bitfield_align_1: [],
        _bitfield_1: bpf_insn::new_bitfield_1(destination, source),
        off: offset,
        imm: immediate,
    }
}

//! Loading programs, and what the kernel counts about them.

use std::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};

use aya_obj::generated::{bpf_attach_type, bpf_cmd, bpf_insn, bpf_prog_info, bpf_prog_type};
use nix::errno::Errno;

use super::bpf::{address, bpf, descriptor, info, name, number, size};

/// A program that is to be loaded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program<'a> {
    pub(crate) kind: bpf_prog_type,
    pub(crate) attach: Option<bpf_attach_type>,
    /// The function that it is attached to, for the kinds that stand on type information.
    pub(crate) function: u32,
    pub(crate) instructions: &'a [bpf_insn],
    pub(crate) license: &'a CStr,
    /// What `bpftool` shows; cut to 15 bytes.
    pub(crate) name: &'a str,
    /// Type information of the programs, for what follows.
    pub(crate) types: Option<BorrowedFd<'a>>,
    /// `struct bpf_func_info`, one for each function.
    pub(crate) functions: &'a [u8],
}

/// The verifier gives up with `EAGAIN` when a signal comes, even one that stops and goes on (`do_check` in
/// `kernel/bpf/verifier.c`).
const LOAD_ATTEMPTS: usize = 5;

/// Bytes of `struct bpf_func_info`.
const FUNCTION_RECORD: usize = 8;

#[repr(C)]
#[derive(Default)]
struct LoadAttributes {
    kind: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    expected_attach: u32,
    types: u32,
    function_record: u32,
    functions: u64,
    function_count: u32,
    line_record: u32,
    lines: u64,
    line_count: u32,
    attach_function: u32,
}

#[repr(C)]
#[derive(Default)]
struct TypesAttributes {
    bytes: u64,
    log: u64,
    size: u32,
    log_size: u32,
    log_level: u32,
    padding: u32,
}

/// Checks and loads a program. With a log the verifier writes its reasons there as text that a zero byte ends; a log
/// that is too small for them is `ENOSPC`.
pub(crate) fn program_load(program: &Program<'_>, log: Option<&mut [u8]>) -> Result<OwnedFd, Errno> {
    let mut attributes = LoadAttributes {
        kind: program.kind as u32,
        count: size(program.instructions.len())?,
        instructions: address(program.instructions.as_ptr()),
        license: address(program.license.as_ptr()),
        name: name(program.name),
        expected_attach: program.attach.map_or(0, |attach| attach as u32),
        attach_function: program.function,
        ..LoadAttributes::default()
    };
    if let Some(types) = program.types {
        attributes.types = number(types);
        attributes.functions = address(program.functions.as_ptr());
        attributes.function_record = size(FUNCTION_RECORD)?;
        attributes.function_count = size(program.functions.len() / FUNCTION_RECORD)?;
    }
    if let Some(log) = log {
        attributes.log_level = 1;
        attributes.log_size = size(log.len())?;
        attributes.log = address(log.as_mut_ptr());
    }
    for _ in 1..LOAD_ATTEMPTS {
        // SAFETY: the instructions, the licence and the records are live for reading, the log for writing, each with the
        // length given.
        match unsafe { bpf(bpf_cmd::BPF_PROG_LOAD, &mut attributes) } {
            Err(Errno::EAGAIN) => continue,
            loaded => return descriptor(loaded?),
        }
    }
    // SAFETY: as above.
    descriptor(unsafe { bpf(bpf_cmd::BPF_PROG_LOAD, &mut attributes) }?)
}

/// Gives the kernel type information.
pub(crate) fn types_load(bytes: &[u8]) -> Result<OwnedFd, Errno> {
    let mut attributes = TypesAttributes {
        bytes: address(bytes.as_ptr()),
        size: size(bytes.len())?,
        ..TypesAttributes::default()
    };
    // SAFETY: the bytes are live with the length given.
    descriptor(unsafe { bpf(bpf_cmd::BPF_BTF_LOAD, &mut attributes) }?)
}

/// What the kernel counts about a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProgramInfo {
    /// A `BPF_PROG_TYPE`.
    pub(crate) kind: u32,
    pub(crate) id: u32,
    /// Calls that were skipped, because the program already ran on that processor.
    pub(crate) recursion_misses: u64,
}

/// What the kernel counts about a program.
pub(crate) fn program_info(program: BorrowedFd<'_>) -> Result<ProgramInfo, Errno> {
    // SAFETY: the kernel's structure for programs.
    let info: bpf_prog_info = unsafe { info(program) }?;
    Ok(ProgramInfo { id: info.id, kind: info.type_, recursion_misses: info.recursion_misses })
}

//! The bpf system call. Source: `bpf(2)`, `include/uapi/linux/bpf.h`.
//!
//! Every command passes one structure whose first fields are those of the kernel's union; the kernel takes shorter
//! forms and treats what is missing as zero.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use aya_obj::generated::{bpf_attach_type, bpf_cmd, bpf_insn, bpf_map_type, bpf_prog_info, bpf_prog_type};
use nix::errno::Errno;

use super::check;

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

/// A map that is to be made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MapShape<'a> {
    pub(crate) kind: u32,
    pub(crate) key_size: u32,
    pub(crate) value_size: u32,
    pub(crate) max_entries: u32,
    pub(crate) flags: u32,
    /// The template of what is in it, for maps of maps.
    pub(crate) inner: Option<BorrowedFd<'a>>,
    /// Type information with the types of key and value in it, for the maps that insist on it.
    pub(crate) types: Option<(BorrowedFd<'a>, u32, u32)>,
    pub(crate) name: &'a str,
}

/// What the kernel counts about a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProgramInfo {
    pub(crate) id: u32,
    /// Calls that were skipped, because the program already ran on that processor.
    pub(crate) recursion_misses: u64,
}

/// Whether user space may change a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutability {
    Frozen,
    Open,
}

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
struct MapAttributes {
    kind: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
    inner: u32,
    numa_node: u32,
    name: [u8; 16],
    interface: u32,
    types: u32,
    key_type: u32,
    value_type: u32,
}

#[repr(C)]
#[derive(Default)]
struct ElementAttributes {
    map: u32,
    padding: u32,
    key: u64,
    value: u64,
    flags: u64,
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

#[repr(C)]
#[derive(Default)]
struct TracepointAttributes {
    name: u64,
    program: u32,
    padding: u32,
}

#[repr(C)]
#[derive(Default)]
struct LinkAttributes {
    program: u32,
    target: u32,
    attach: u32,
    flags: u32,
}

#[repr(C)]
#[derive(Default)]
struct PathAttributes {
    path: u64,
    object: u32,
    flags: u32,
}

#[repr(C)]
#[derive(Default)]
struct InfoAttributes {
    object: u32,
    length: u32,
    info: u64,
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
    // SAFETY: the instructions, the licence and the records are live for reading, the log for writing, each with the
    // length given.
    descriptor(unsafe { bpf(bpf_cmd::BPF_PROG_LOAD, &mut attributes) }?)
}

/// Makes a map.
pub(crate) fn map_create(shape: &MapShape<'_>) -> Result<OwnedFd, Errno> {
    let (types, key_type, value_type) = match shape.types {
        Some((types, key, value)) => (number(types), key, value),
        None => (0, 0, 0),
    };
    let mut attributes = MapAttributes {
        kind: shape.kind,
        key_size: shape.key_size,
        value_size: shape.value_size,
        max_entries: shape.max_entries,
        flags: shape.flags,
        inner: shape.inner.map_or(0, number),
        name: name(shape.name),
        types,
        key_type,
        value_type,
        ..MapAttributes::default()
    };
    // SAFETY: the command takes no pointers.
    descriptor(unsafe { bpf(bpf_cmd::BPF_MAP_CREATE, &mut attributes) }?)
}

/// Makes an array whose one value is these bytes: a section of an object file. A frozen one can never be changed again.
pub(crate) fn section_create(bytes: &[u8], flags: u32, mutability: Mutability, name: &str) -> Result<OwnedFd, Errno> {
    let shape = MapShape {
        kind: bpf_map_type::BPF_MAP_TYPE_ARRAY as u32,
        key_size: 4,
        value_size: size(bytes.len())?,
        max_entries: 1,
        flags,
        name,
        ..MapShape::default()
    };
    let map = map_create(&shape)?;
    let key = 0_u32;
    let mut element = ElementAttributes {
        map: number(map.as_fd()),
        key: address(&raw const key),
        value: address(bytes.as_ptr()),
        ..ElementAttributes::default()
    };
    // SAFETY: the map was made above with four bytes of key and exactly these bytes of value.
    unsafe { bpf(bpf_cmd::BPF_MAP_UPDATE_ELEM, &mut element) }?;
    if mutability == Mutability::Frozen {
        let mut attributes = ElementAttributes { map: number(map.as_fd()), ..ElementAttributes::default() };
        // SAFETY: the command takes no pointers.
        unsafe { bpf(bpf_cmd::BPF_MAP_FREEZE, &mut attributes) }?;
    }
    Ok(map)
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

/// Attaches a program to its hook (`None`), or to a raw tracepoint of this name. The link lives as long as its
/// descriptor or a pin of it.
pub(crate) fn attach_tracing(program: BorrowedFd<'_>, name: Option<&CStr>) -> Result<OwnedFd, Errno> {
    let mut attributes = TracepointAttributes {
        name: name.map_or(0, |name| address(name.as_ptr())),
        program: number(program),
        padding: 0,
    };
    // SAFETY: the name is null or a live string that a zero byte ends.
    descriptor(unsafe { bpf(bpf_cmd::BPF_RAW_TRACEPOINT_OPEN, &mut attributes) }?)
}

/// Attaches a program to a control group and everything beneath (Linux 5.7).
pub(crate) fn attach_cgroup(
    program: BorrowedFd<'_>,
    cgroup: BorrowedFd<'_>,
    attach: bpf_attach_type,
) -> Result<OwnedFd, Errno> {
    let mut attributes = LinkAttributes {
        program: number(program),
        target: number(cgroup),
        attach: attach as u32,
        flags: 0,
    };
    // SAFETY: the command takes no pointers.
    descriptor(unsafe { bpf(bpf_cmd::BPF_LINK_CREATE, &mut attributes) }?)
}

/// Gives a link, map or program a name in a bpf file system; it then lives as long as that name.
pub(crate) fn object_pin(object: BorrowedFd<'_>, path: &CStr) -> Result<(), Errno> {
    let mut attributes = PathAttributes { path: address(path.as_ptr()), object: number(object), flags: 0 };
    // SAFETY: the path is a live string that a zero byte ends.
    unsafe { bpf(bpf_cmd::BPF_OBJ_PIN, &mut attributes) }.map(|_| ())
}

/// What the kernel counts about a program.
pub(crate) fn program_info(program: BorrowedFd<'_>) -> Result<ProgramInfo, Errno> {
    // SAFETY: the structure is plain integers, for which all zeroes is a value; it asks for no array behind a pointer.
    let mut info: bpf_prog_info = unsafe { std::mem::zeroed() };
    let mut attributes = InfoAttributes {
        object: number(program),
        length: size(size_of::<bpf_prog_info>())?,
        info: address(&raw mut info),
    };
    // SAFETY: the structure lives, has the length given, and all its pointers are null.
    unsafe { bpf(bpf_cmd::BPF_OBJ_GET_INFO_BY_FD, &mut attributes) }?;
    Ok(ProgramInfo { id: info.id, recursion_misses: info.recursion_misses })
}

/// The system call itself.
///
/// # Safety
/// Each address in the attributes must be null or valid for what the command does with it.
unsafe fn bpf<T>(command: bpf_cmd, attributes: &mut T) -> Result<libc::c_long, Errno> {
    // SAFETY: the attributes are a live structure of the size given; for what is behind them the caller vouches.
    check(unsafe { libc::syscall(libc::SYS_bpf, command as u32, &raw mut *attributes, size_of::<T>()) })
}

fn descriptor(result: libc::c_long) -> Result<OwnedFd, Errno> {
    let number = RawFd::try_from(result).map_err(|_| Errno::EOVERFLOW)?;
    // SAFETY: these commands return a new descriptor (close-on-exec) that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

fn number(descriptor: BorrowedFd<'_>) -> u32 {
    descriptor.as_raw_fd().cast_unsigned()
}

fn address<T>(pointer: *const T) -> u64 {
    pointer.addr() as u64
}

fn size(length: usize) -> Result<u32, Errno> {
    u32::try_from(length).map_err(|_| Errno::E2BIG)
}

/// At most 15 bytes of letters, digits, `_` and `.`; the kernel refuses others.
fn name(text: &str) -> [u8; 16] {
    let mut name = [0; 16];
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
    for (place, byte) in name[..15].iter_mut().zip(text.bytes()) {
        *place = if allowed(byte) { byte } else { b'_' };
    }
    name
}

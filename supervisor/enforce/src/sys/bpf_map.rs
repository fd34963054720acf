//! Making maps.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use aya_obj::generated::{bpf_cmd, bpf_map_info, bpf_map_type};
use nix::errno::Errno;

use super::bpf::{address, bpf, descriptor, info, name, number, size};

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

/// Whether user space may change a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutability {
    Frozen,
    Open,
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
pub(crate) fn section_create(
    bytes: &[u8],
    flags: u32,
    mutability: Mutability,
    name: &str,
) -> Result<OwnedFd, Errno> {
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

/// The map of this number (Linux 4.13); it needs `CAP_SYS_ADMIN`.
pub(crate) fn map_by_id(id: u32) -> Result<OwnedFd, Errno> {
    #[repr(C)]
    #[derive(Default)]
    struct IdAttributes {
        id: u32,
        next: u32,
        flags: u32,
    }
    let mut attributes = IdAttributes { id, ..IdAttributes::default() };
    // SAFETY: the command takes no pointers.
    descriptor(unsafe { bpf(bpf_cmd::BPF_MAP_GET_FD_BY_ID, &mut attributes) }?)
}

/// How many entries a map has room for; of a ring, its bytes.
pub(crate) fn map_entries(map: BorrowedFd<'_>) -> Result<u32, Errno> {
    // SAFETY: the kernel's structure for maps.
    let info: bpf_map_info = unsafe { info(map) }?;
    Ok(info.max_entries)
}

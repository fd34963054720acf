//! The maps of one layer: made from the definitions in the object file, and held with the types of `abi`.

use std::collections::HashMap as Names;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use abi::{Active, Address, AddressKey, Entry, Filter, NameKey, NameRule, NamedKey, ObjectKey, Port, PortKey};
use abi::{Session, State, Task};
use aya::maps::{Array, ArrayOfMaps, HashMap, LpmTrie, Map, MapData, MapError, RingBuf};
use aya_obj::EbpfSectionKind;
use aya_obj::generated::{BPF_F_MMAPABLE, bpf_map_type};
use nix::errno::Errno;

use super::object::Image;
use super::task_types;
use crate::sys::{self, MapShape, Mutability, Plain};

/// Why a map cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MapsError {
    /// The kernel would not make it.
    #[error("the kernel refused the BPF map {name}: {}{}", errno.desc(), hint(*errno))]
    Refused {
        /// The map.
        name: String,
        /// Why.
        errno: Errno,
    },
    /// The object file and this program do not agree about it.
    #[error("the BPF map {name} is not what this program takes it for: {reason}; this is an error of the build, please report it")]
    Unfit {
        /// The map.
        name: &'static str,
        /// Why.
        reason: String,
    },
    /// A value could not be read or written.
    #[error("the BPF map {name} could not be {doing}: {source}{}", full(source))]
    Access {
        /// The map.
        name: &'static str,
        /// `filled` or `read`.
        doing: &'static str,
        /// Why.
        source: MapError,
    },
}

fn hint(errno: Errno) -> &'static str {
    match errno {
        Errno::EPERM => "; it needs root with CAP_BPF",
        Errno::ENOMEM | Errno::E2BIG => "; too little memory for the size of this policy",
        _ => "",
    }
}

/// A map that is full says `E2BIG`.
fn full(error: &MapError) -> &'static str {
    match error {
        MapError::SyscallError(call) if call.io_error.raw_os_error() == Some(Errno::E2BIG as i32) => {
            ": it is full; the policy has more entries than were foreseen"
        }
        _ => "",
    }
}

/// How many entries the maps have room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Sessions at the same time.
    pub slots: u32,
    /// Known inodes, of all sessions together.
    pub objects: u32,
    /// Names beneath known inodes.
    pub named: u32,
    /// Name rules.
    pub names: u32,
    /// Ranges of addresses.
    pub addresses: u32,
    /// Ports.
    pub ports: u32,
    /// Bytes of the ring of events: a power of two and whole pages.
    pub ring_bytes: u32,
}

impl Sizes {
    /// The least that every map is given, so that a policy may grow a little while it runs.
    const LEAST: u32 = 64;

    fn of(&self, map: &str) -> Option<u32> {
        // Slot 0 means "not marked" and stays empty.
        let slots = self.slots.saturating_add(1);
        Some(match map {
            "SESSIONS" | "STATES" | "FILTERS" | "ACTIVE" => slots,
            "CGROUPS" | "SUPERVISORS" => slots,
            "OBJECTS" => self.objects.max(Self::LEAST),
            "NAMED" => self.named.max(Self::LEAST),
            "NAMES" => self.names.max(Self::LEAST),
            "ADDRESSES" => self.addresses.max(Self::LEAST),
            "PORTS" => self.ports.max(Self::LEAST),
            "EVENTS" => self.ring_bytes,
            _ => return None,
        })
    }
}

type Table<K, V> = HashMap<MapData, K, Plain<V>>;

/// Every map that user space touches.
pub(super) struct Maps {
    pub(super) tasks: Table<u32, Task>,
    pub(super) sessions: Array<MapData, Plain<Session>>,
    pub(super) states: Array<MapData, Plain<State>>,
    pub(super) filters: Array<MapData, Plain<Filter>>,
    pub(super) objects: Table<Plain<ObjectKey>, Entry>,
    pub(super) named: Table<Plain<NamedKey>, Entry>,
    pub(super) names: Table<Plain<NameKey>, NameRule>,
    pub(super) addresses: LpmTrie<MapData, Plain<AddressKey>, Plain<Address>>,
    pub(super) ports: Table<Plain<PortKey>, Port>,
    pub(super) cgroups: HashMap<MapData, u64, u32>,
    pub(super) supervisors: HashMap<MapData, u32, u32>,
    pub(super) active: ArrayOfMaps<MapData, Array<MapData, Plain<Active>>>,
    pub(super) events: Option<RingBuf<MapData>>,
    pub(super) registrar: Array<MapData, u64>,
    pub(super) registered: Array<MapData, u64>,
    pub(super) scope: Array<MapData, Plain<[u64; 8]>>,
    /// The sections that nobody here reads or writes; the programs hold them.
    _sections: Vec<OwnedFd>,
}

/// The maps' descriptors by name, as long as programs are loaded against them.
pub(super) struct Numbers(Names<String, RawFd>);

impl Numbers {
    pub(super) fn of(&self, name: &str) -> Option<RawFd> {
        self.0.get(name).copied()
    }
}

/// Makes every map of the image.
pub(super) fn create(image: &Image, sizes: &Sizes) -> Result<(Maps, Numbers), MapsError> {
    let mut made = Names::new();
    for (name, map) in image.maps() {
        if let Some(descriptor) = make(name, map, sizes)? {
            made.insert(name.to_owned(), descriptor);
        }
    }
    let numbers = made.iter().map(|(name, map)| (name.clone(), map.as_raw_fd())).collect();
    Ok((typed(made)?, Numbers(numbers)))
}

fn make(name: &str, map: &aya_obj::Map, sizes: &Sizes) -> Result<Option<OwnedFd>, MapsError> {
    let refused = |errno| MapsError::Refused { name: name.to_owned(), errno };
    match map.section_kind() {
        EbpfSectionKind::Rodata => {
            let made = sys::section_create(map.data(), map.map_flags(), Mutability::Frozen, name);
            made.map(Some).map_err(refused)
        }
        EbpfSectionKind::Data | EbpfSectionKind::Bss => {
            let made = sys::section_create(map.data(), map.map_flags(), Mutability::Open, name);
            made.map(Some).map_err(refused)
        }
        _ => shaped(name, map, sizes).map(Some).map_err(refused),
    }
}

fn shaped(name: &str, map: &aya_obj::Map, sizes: &Sizes) -> Result<OwnedFd, Errno> {
    let shape = MapShape {
        kind: map.map_type(),
        key_size: map.key_size(),
        value_size: map.value_size(),
        max_entries: sizes.of(name).unwrap_or_else(|| map.max_entries()),
        flags: map.map_flags(),
        name,
        ..MapShape::default()
    };
    if shape.kind == bpf_map_type::BPF_MAP_TYPE_TASK_STORAGE as u32 {
        let types = sys::types_load(&task_types::blob(shape.value_size))?;
        let types = Some((types.as_fd(), task_types::KEY, task_types::VALUE));
        return sys::map_create(&MapShape { types, ..shape });
    }
    if shape.kind == bpf_map_type::BPF_MAP_TYPE_ARRAY_OF_MAPS as u32 {
        let template = sys::map_create(&ACTIVE)?;
        return sys::map_create(&MapShape { inner: Some(template.as_fd()), ..shape });
    }
    sys::map_create(&shape)
}

/// A session's own map of one `Active`, which its doorman has in memory.
const ACTIVE: MapShape<'static> = MapShape {
    kind: bpf_map_type::BPF_MAP_TYPE_ARRAY as u32,
    key_size: 4,
    value_size: size_of::<Active>() as u32,
    max_entries: 1,
    flags: BPF_F_MMAPABLE,
    inner: None,
    types: None,
    name: "ACTIVE_ONE",
};

/// Makes the map that a session's doorman maps into memory.
pub(super) fn create_active() -> Result<OwnedFd, MapsError> {
    sys::map_create(&ACTIVE).map_err(|errno| MapsError::Refused { name: ACTIVE.name.to_owned(), errno })
}

/// A made map as a typed one; its sizes are compared with those of the types.
macro_rules! take {
    ($made:ident, $name:literal, $kind:ident) => {{
        let unfit = |error: MapError| MapsError::Unfit { name: $name, reason: error.to_string() };
        let map = $made.remove($name);
        let map = map.ok_or(MapsError::Unfit { name: $name, reason: "it is missing".to_owned() })?;
        Map::$kind(MapData::from_fd(map).map_err(unfit)?).try_into().map_err(unfit)?
    }};
}

fn typed(mut made: Names<String, OwnedFd>) -> Result<Maps, MapsError> {
    let section = if made.contains_key(".bss") { ".bss" } else { ".data" };
    if let Some(scope) = made.remove(section) {
        made.insert("SCOPE_FILTER".to_owned(), scope);
    }
    Ok(Maps {
        // The kernel's commands on task storage are those on a hash map, with the number of a pidfd as key.
        tasks: take!(made, "TASKS", HashMap),
        sessions: take!(made, "SESSIONS", Array),
        states: take!(made, "STATES", Array),
        filters: take!(made, "FILTERS", Array),
        objects: take!(made, "OBJECTS", HashMap),
        named: take!(made, "NAMED", HashMap),
        names: take!(made, "NAMES", HashMap),
        addresses: take!(made, "ADDRESSES", LpmTrie),
        ports: take!(made, "PORTS", HashMap),
        cgroups: take!(made, "CGROUPS", HashMap),
        supervisors: take!(made, "SUPERVISORS", HashMap),
        active: take!(made, "ACTIVE", ArrayOfMaps),
        events: Some(take!(made, "EVENTS", RingBuf)),
        registrar: take!(made, "REGISTRAR", Array),
        registered: take!(made, "REGISTERED", Array),
        scope: take!(made, "SCOPE_FILTER", Array),
        _sections: made.into_values().collect(),
    })
}

/// A failed write, as an error of the map.
pub(super) fn filled(name: &'static str) -> impl Fn(MapError) -> MapsError {
    move |source| MapsError::Access { name, doing: "filled", source }
}

/// A failed read, as an error of the map.
pub(super) fn read(name: &'static str) -> impl Fn(MapError) -> MapsError {
    move |source| MapsError::Access { name, doing: "read", source }
}

//! Making the maps that the object file defines.

use std::collections::HashMap as Names;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use abi::Active;
use aya_obj::EbpfSectionKind;
use aya_obj::generated::{BPF_F_MMAPABLE, bpf_map_type};
use nix::errno::Errno;

use super::{Maps, MapsError, Sizes, typed};
use crate::bpf::object::Image;
use crate::bpf::storage_types;
use crate::sys::{self, MapShape, Mutability};

/// The maps' descriptors by name, as long as programs are loaded against them.
pub(in crate::bpf) struct Numbers(Names<String, RawFd>);

impl Numbers {
    pub(in crate::bpf) fn of(&self, name: &str) -> Option<RawFd> {
        self.0.get(name).copied()
    }
}

/// Makes every map of the image.
pub(in crate::bpf) fn create(image: &Image, sizes: &Sizes) -> Result<(Maps, Numbers), MapsError> {
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
        max_entries: sizes.entries(name).unwrap_or_else(|| map.max_entries()),
        flags: map.map_flags(),
        name,
        ..MapShape::default()
    };
    let storage = [bpf_map_type::BPF_MAP_TYPE_TASK_STORAGE, bpf_map_type::BPF_MAP_TYPE_SK_STORAGE];
    if storage.map(|kind| kind as u32).contains(&shape.kind) {
        let types = sys::types_load(&storage_types::blob(shape.value_size))?;
        let types = Some((types.as_fd(), storage_types::KEY, storage_types::VALUE));
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
pub(in crate::bpf) fn create_active() -> Result<OwnedFd, MapsError> {
    sys::map_create(&ACTIVE).map_err(|errno| MapsError::Refused { name: ACTIVE.name.to_owned(), errno })
}

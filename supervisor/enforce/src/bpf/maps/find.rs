//! The maps of a layer that an earlier process has pinned.

use std::collections::HashMap as Names;
use std::path::Path;

use super::{Maps, MapsError, typed};
use crate::bpf::pins;

/// Opens every pinned map of a directory.
pub(in crate::bpf) fn find(directory: &Path) -> Result<Maps, MapsError> {
    let mut found = Names::new();
    for name in pins::names(directory, pins::MAP) {
        let refused = |errno| MapsError::Refused { name: name.clone(), errno };
        let map = pins::get(&directory.join(format!("{}{name}", pins::MAP))).map_err(refused)?;
        found.insert(name, map);
    }
    typed(found)
}

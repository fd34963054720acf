//! Ways: the names that lead from a grant down to a denied path.
//!
//! A denied path may not exist yet, or be replaced by another inode. So each directory above it that lies in a grant
//! is told apart by name: it knows the next name on the way, and that one the next, down to the denied one.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use abi::{Entry, NO_RULE, NamedKey, flags, name_hash};
use policy::plan::AbsolutePath;

use super::places::{Places, ancestors};
use super::{EncodeError, Object, Purpose};

/// Directories above denied paths.
pub(super) struct Ways(BTreeMap<AbsolutePath, Way>);

/// One of them.
struct Way {
    /// Its number, from 1.
    node: u32,
    /// Whether it leads to where something really is, so that no component of it is a symbolic link.
    real: bool,
    /// The next names on the ways to denied paths.
    names: BTreeSet<OsString>,
}

impl Ways {
    /// The ways to every closed place that lies in a grant.
    pub(super) fn to_denied(places: &Places) -> Self {
        let mut ways = Self(BTreeMap::new());
        for (path, place) in places.iter().filter(|(_, place)| place.closed) {
            ways.lead_to(path, !place.only_written, places);
        }
        // Numbers in the order of paths, so that equal plans have equal tables.
        for (way, number) in ways.0.values_mut().zip(1..) {
            way.node = number;
        }
        ways
    }

    /// Up to the outermost grant; a closed place in between is led to by itself and closes what lies beneath.
    fn lead_to(&mut self, denied: &AbsolutePath, real: bool, places: &Places) {
        let is_closed = |path: &AbsolutePath| places.get(path).is_some_and(|place| place.closed);
        let mut above: Vec<AbsolutePath> = ancestors(denied).take_while(|path| !is_closed(path)).collect();
        let outermost = above.iter().rposition(|path| places.get(path).is_some());
        above.truncate(outermost.map_or(0, |index| index + 1));
        let mut next = denied;
        for path in &above {
            let new = || Way { node: 0, real: false, names: BTreeSet::new() };
            let way = self.0.entry(path.clone()).or_insert_with(new);
            way.real |= real;
            way.names.extend(next.as_path().file_name().map(OsString::from));
            next = path;
        }
    }

    /// What is known by inode: the places, and the directories on the ways.
    pub(super) fn objects(&self, places: &Places) -> Vec<Object> {
        let mut objects: BTreeMap<&AbsolutePath, Object> = BTreeMap::new();
        for (path, place) in places.iter().filter(|(_, place)| !place.only_written) {
            let purpose = if place.closed { Purpose::Deny } else { Purpose::Grant };
            objects.insert(path, Object { path: path.clone(), entry: place.entry(), purpose });
        }
        for (path, way) in self.0.iter().filter(|(path, way)| way.real || places.get(path).is_some()) {
            let step = way.entry();
            let object = objects.entry(path).or_insert_with(|| {
                let nothing = Entry { rule: NO_RULE, ..Entry::default() };
                Object { path: path.clone(), entry: nothing, purpose: Purpose::Way }
            });
            let Entry { flags, .. } = object.entry;
            object.entry = Entry {
                flags: flags | step.flags,
                node: step.node,
                name_lengths: step.name_lengths,
                ..object.entry
            };
        }
        objects.into_values().collect()
    }

    /// What is known by name.
    pub(super) fn named(&self, places: &Places) -> Result<Vec<(NamedKey, Entry)>, EncodeError> {
        let mut named: BTreeMap<NamedKey, (&OsString, Entry)> = BTreeMap::new();
        for (path, way) in &self.0 {
            for name in &way.names {
                let key =
                    NamedKey { name: name_hash(name.as_bytes()), node: way.node, ..NamedKey::default() };
                let Some(next) = AbsolutePath::new(path.as_path().join(name)) else { continue };
                let denied = places.get(&next).filter(|place| place.closed).map(super::places::Place::entry);
                let step = || self.0.get(&next).map(Way::entry);
                let Some(entry) = denied.or_else(step) else { continue };
                if let Some((other, _)) = named.insert(key, (name, entry)) {
                    let shown = |name: &OsString| name.to_string_lossy().into_owned();
                    return Err(EncodeError::Collision(shown(other), shown(name)));
                }
            }
        }
        Ok(named.into_iter().map(|(key, (_, entry))| (key, entry)).collect())
    }
}

impl Way {
    fn entry(&self) -> Entry {
        let lengths = self.names.iter().map(|name| 1_u64 << (name.len() & 63));
        Entry {
            name_lengths: lengths.fold(0, |sum, bit| sum | bit),
            node: self.node,
            rule: NO_RULE,
            flags: flags::HAS_NAMES | flags::ON_THE_WAY,
            ..Entry::default()
        }
    }
}

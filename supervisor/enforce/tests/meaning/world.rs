//! The maps of one session, as ordered maps, and the verdicts over them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt;

use abi::{Access, Address, Entry, PortUse, name_hash, session_flags};
use enforce::encode::Tables;
use policy::plan::AbsolutePath;
use verdict::{Network, file, network, path};

use crate::files::Files;

/// Tables whose objects are registered.
pub(crate) struct World {
    tables: Tables,
    objects: BTreeMap<u64, Entry>,
}

impl World {
    /// Registers every object that is there.
    pub(crate) fn new(tables: Tables, files: &Files) -> Self {
        let there =
            tables.objects.iter().filter_map(|object| Some((files.then(&object.path)?, object.entry)));
        let objects: BTreeMap<u64, Entry> = there.collect();
        Self { tables, objects }
    }

    /// Whether the wanted access bits are allowed at a path now.
    pub(crate) fn access(&self, files: &Files, place: &AbsolutePath, wanted: u32, active: u64) -> bool {
        let walk = Walk::new(place, files);
        let ends = self.tables.flags & session_flags::NAME_ENDS != 0;
        let mut entry = path::NOTHING;
        let examined = path::examine(self, &walk, &self.tables.summary, ends, &mut entry);
        examined.and_then(|()| file::access(&entry, wanted, active)).is_ok()
    }

    /// Whether a unix socket may be connected to.
    pub(crate) fn socket(&self, files: &Files, place: &AbsolutePath) -> bool {
        path::socket(self, &Walk::new(place, files)).is_ok()
    }

    /// Whether an address and port may be reached now.
    pub(crate) fn reach(&self, address: IpAddr, port: u16, active: u64) -> bool {
        let address = match address {
            IpAddr::V4(v4) => network::mapped(v4.octets()),
            IpAddr::V6(v6) => v6.octets(),
        };
        let wanted = network::Wanted { address: &address, port, protocol: network::TCP };
        let at = network::Moment { active, now_ns: 0, session: self.tables.flags };
        network::reach(self, &wanted, &at).is_ok()
    }
}

impl verdict::Tables for World {
    fn object(&self, inode: u64) -> Option<&Entry> {
        self.objects.get(&inode)
    }

    fn named(&self, node: u32, name: u64) -> Option<&Entry> {
        let known = |(key, _): &&(abi::NamedKey, Entry)| (key.node, key.name) == (node, name);
        self.tables.named.iter().find(known).map(|(_, entry)| entry)
    }

    fn name(&self, kind: u16, length: u16, hash: u64) -> Option<u32> {
        let known = |(key, _): &&(abi::NameKey, abi::NameRule)| {
            (key.kind, key.length, key.hash) == (kind, length, hash)
        };
        self.tables.names.iter().find(known).map(|(_, rule)| rule.rule)
    }
}

impl Network for World {
    fn address(&self, address: &[u8; 16]) -> Option<&Address> {
        let wanted = u128::from_be_bytes(*address);
        let covering = self.tables.addresses.iter().filter(|(prefix, key, _)| {
            let differing = wanted ^ u128::from_be_bytes(key.address);
            differing.checked_shr(128 - u32::from(*prefix)).unwrap_or(0) == 0
        });
        covering.max_by_key(|(prefix, ..)| *prefix).map(|(_, _, value)| value)
    }

    fn port(&self, port: u16, usage: PortUse) -> Option<&abi::Port> {
        let known = |(key, _): &&(abi::PortKey, abi::Port)| (key.port, key.usage) == (port, usage as u16);
        self.tables.ports.iter().find(known).map(|(_, port)| port)
    }

    fn learned(&self, _: &[u8; 16]) -> Option<&abi::Learned> {
        None
    }
}

/// The components of a path, the object first.
struct Walk(Vec<(Vec<u8>, u64)>);

impl Walk {
    fn new(path: &AbsolutePath, files: &Files) -> Self {
        let parts = path.as_path().ancestors().enumerate().map(|(index, part)| {
            let name = part.file_name().map(|name| name.as_bytes().to_vec()).unwrap_or_default();
            let part = AbsolutePath::new(part).expect("an ancestor is absolute");
            // Only the object itself may be missing: it is about to be made.
            (name, if index == 0 { files.now(&part).unwrap_or(0) } else { files.directory(&part) })
        });
        Self(parts.collect())
    }
}

impl verdict::Path for Walk {
    fn depth(&self) -> usize {
        self.0.len()
    }

    fn inode(&self, index: usize) -> u64 {
        self.0[index].1
    }

    fn length(&self, index: usize) -> u32 {
        u32::try_from(self.0[index].0.len()).expect("short")
    }

    fn byte(&self, index: usize, at: u32) -> u8 {
        self.0[index].0[at as usize]
    }

    fn hash(&self, index: usize, start: u32, length: u32) -> Option<u64> {
        self.0[index].0.get(start as usize..(start + length) as usize).map(name_hash)
    }
}

/// The access bits of a request about a path.
pub(crate) const READ: u32 = Access::READ;
pub(crate) const WRITE: u32 = Access::WRITE;
pub(crate) const EXECUTE: u32 = Access::EXECUTE;

//! Look-ups in ordered maps and a path written as text.

extern crate std;

use std::collections::BTreeMap;
use std::string::String;
use std::vec::Vec;

use abi::{
    Address, Entry, Learned, NAME_EXACT, NAME_PREFIX, NAME_SUFFIX, Names, Port, PortUse, flags, name_hash,
};

use crate::{Network, Path, Tables, path};

/// A policy's tables, put together by hand.
#[derive(Default)]
pub(super) struct Maps {
    pub(super) objects: BTreeMap<u64, Entry>,
    pub(super) named: BTreeMap<(u32, u64), Entry>,
    pub(super) rules: BTreeMap<(u16, u16, u64), u32>,
    pub(super) names: Names,
    pub(super) addresses: Vec<([u8; 16], Address)>,
    pub(super) ports: BTreeMap<(u16, u16), Port>,
    pub(super) learned: Vec<([u8; 16], Learned)>,
}

impl Maps {
    /// An object that decides, for reading and writing.
    pub(super) fn grant(&mut self, inode: u64, read: u64, write: u64, rule: u32) -> &mut Entry {
        let entry = Entry { read, write, rule, flags: flags::DECIDES, ..path::NOTHING };
        self.objects.insert(inode, entry);
        self.objects.get_mut(&inode).unwrap()
    }

    /// A denied name beneath a node; the node above learns of its length.
    pub(super) fn deny_beneath(&mut self, inode: u64, node: u32, name: &str, rule: u32) {
        let above = self.objects.get_mut(&inode).unwrap();
        above.node = node;
        above.flags |= flags::HAS_NAMES;
        above.name_lengths |= path::length_bit(name.len() as u32);
        let entry = Entry { rule, flags: flags::DECIDES, ..path::NOTHING };
        self.named.insert((node, name_hash(name.as_bytes())), entry);
    }

    /// A name rule, as the policy writes it.
    pub(super) fn deny_name(&mut self, kind: u16, text: &str, rule: u32) {
        let bytes = text.as_bytes();
        let set = |words: &mut [u64; 4], byte: u8| words[usize::from(byte >> 6)] |= 1 << (byte & 63);
        let add = |lengths: &mut [u8; 8]| {
            let free = lengths.iter().position(|length| *length == 0).unwrap();
            lengths[free] = bytes.len() as u8;
            lengths[..=free].sort_unstable();
        };
        match kind {
            NAME_EXACT => self.names.exact_lengths |= path::length_bit(bytes.len() as u32),
            NAME_PREFIX => {
                set(&mut self.names.first_bytes, bytes[0]);
                add(&mut self.names.prefix_lengths);
            }
            NAME_SUFFIX => {
                set(&mut self.names.last_bytes, bytes[bytes.len() - 1]);
                add(&mut self.names.suffix_lengths);
            }
            _ => unreachable!(),
        }
        self.rules.insert((kind, bytes.len() as u16, name_hash(bytes)), rule);
    }
}

impl Tables for Maps {
    fn object(&self, inode: u64) -> Option<&Entry> {
        self.objects.get(&inode)
    }

    fn named(&self, node: u32, name: u64) -> Option<&Entry> {
        self.named.get(&(node, name))
    }

    fn name(&self, kind: u16, length: u16, hash: u64) -> Option<u32> {
        self.rules.get(&(kind, length, hash)).copied()
    }
}

impl Network for Maps {
    fn address(&self, address: &[u8; 16]) -> Option<&Address> {
        self.addresses.iter().find(|(known, _)| known == address).map(|(_, value)| value)
    }

    fn port(&self, port: u16, usage: PortUse) -> Option<&Port> {
        self.ports.get(&(port, usage as u16))
    }

    fn learned(&self, address: &[u8; 16]) -> Option<&Learned> {
        self.learned.iter().find(|(known, _)| known == address).map(|(_, value)| value)
    }
}

/// `/a/b` with the inodes of its components, the root's first.
pub(super) struct Written(Vec<(String, u64)>);

impl Written {
    pub(super) fn new(text: &str, inodes: &[u64]) -> Self {
        let names = std::iter::once("").chain(text.split('/').filter(|name| !name.is_empty()));
        let mut all: Vec<_> = names.map(String::from).zip(inodes.iter().copied()).collect();
        assert_eq!(all.len(), inodes.len(), "one inode for each component of {text}, and the root");
        all.reverse();
        Self(all)
    }
}

impl Path for Written {
    fn depth(&self) -> usize {
        self.0.len()
    }

    fn inode(&self, index: usize) -> u64 {
        self.0[index].1
    }

    fn length(&self, index: usize) -> u32 {
        self.0[index].0.len() as u32
    }

    fn byte(&self, index: usize, at: u32) -> u8 {
        self.0[index].0.as_bytes()[at as usize]
    }

    fn hash(&self, index: usize, start: u32, length: u32) -> Option<u64> {
        let (start, length) = (start as usize, length as usize);
        self.0[index].0.as_bytes().get(start..start + length).map(name_hash)
    }
}

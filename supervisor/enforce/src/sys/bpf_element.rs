//! Single elements of a hash map, by whoever holds its descriptor: each call is one system call and whole by itself, so
//! that any number of threads may make them.

use std::marker::PhantomData;
use std::os::fd::{AsFd, OwnedFd};

use aya_obj::generated::{bpf_cmd, bpf_map_info};
use nix::errno::Errno;

use super::bpf::{address, bpf, info, number};
use super::bpf_layout::Layout;

/// A hash map with keys and values of these types.
#[derive(Debug)]
pub(crate) struct Elements<K, V> {
    map: OwnedFd,
    plain: PhantomData<fn(K) -> V>,
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

impl<K: Layout, V: Layout> Elements<K, V> {
    /// `EINVAL` for a map whose keys or values have other sizes.
    pub(crate) fn new(map: OwnedFd) -> Result<Self, Errno> {
        // SAFETY: the kernel's structure for maps.
        let info: bpf_map_info = unsafe { info(map.as_fd()) }?;
        let fits = info.key_size as usize == size_of::<K>() && info.value_size as usize == size_of::<V>();
        fits.then_some(Self { map, plain: PhantomData }).ok_or(Errno::EINVAL)
    }

    /// Puts a value there, over another one or where none was. `E2BIG` from a map that is full.
    pub(crate) fn put(&self, key: &K, value: &V) -> Result<(), Errno> {
        let mut attributes = self.attributes(key);
        attributes.value = address(value);
        // SAFETY: key and value are live and as long as the map's, and are only read.
        unsafe { bpf(bpf_cmd::BPF_MAP_UPDATE_ELEM, &mut attributes) }.map(drop)
    }

    /// The value there; `ENOENT` if there is none.
    pub(crate) fn get(&self, key: &K) -> Result<V, Errno> {
        self.read(bpf_cmd::BPF_MAP_LOOKUP_ELEM, key)
    }

    /// Takes the value away and returns it, for one caller only (Linux 5.14 for hash maps).
    pub(crate) fn take(&self, key: &K) -> Result<V, Errno> {
        self.read(bpf_cmd::BPF_MAP_LOOKUP_AND_DELETE_ELEM, key)
    }

    /// Takes the value away; `ENOENT` if there is none.
    pub(crate) fn remove(&self, key: &K) -> Result<(), Errno> {
        // SAFETY: the key is live and as long as the map's, and is only read.
        unsafe { bpf(bpf_cmd::BPF_MAP_DELETE_ELEM, &mut self.attributes(key)) }.map(drop)
    }

    fn read(&self, command: bpf_cmd, key: &K) -> Result<V, Errno> {
        let mut value = std::mem::MaybeUninit::<V>::uninit();
        let mut attributes = self.attributes(key);
        attributes.value = address(value.as_mut_ptr());
        // SAFETY: both commands read a key and write a value, which are live and as long as the map's.
        unsafe { bpf(command, &mut attributes) }?;
        // SAFETY: written by the kernel, and any bytes are a value of a `Layout`.
        Ok(unsafe { value.assume_init() })
    }

    fn attributes(&self, key: &K) -> ElementAttributes {
        ElementAttributes { map: number(self.map.as_fd()), key: address(key), ..ElementAttributes::default() }
    }
}

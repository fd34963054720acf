//! The maps of one layer: made from the definitions in the object file, and held with the types of `abi`.

mod create;
mod error;
mod find;
mod sizes;

use std::collections::HashMap as Names;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use abi::{
    Active, Address, AddressKey, Entry, Filter, Learned, LearnedKey, NameKey, NameRule, NamedKey, ObjectKey,
    Peer, PeerKey, Policy, Port, PortKey,
};
use abi::{SCOPE_WORDS, Session, State, Task};
use aya::maps::{Array, ArrayOfMaps, HashMap, IterableMap, LpmTrie, Map, MapData, MapError, RingBuf};

use nix::errno::Errno;

use crate::sys::Plain;

pub(super) use create::{create, create_active};
pub use error::MapsError;
pub(super) use error::{filled, forget, read};
pub(super) use find::find;
pub use sizes::Sizes;

pub(super) type Table<K, V> = HashMap<MapData, K, Plain<V>>;

/// Every map that user space touches.
pub(super) struct Maps {
    pub(super) tasks: Table<u32, Task>,
    pub(super) sessions: Array<MapData, Plain<Session>>,
    pub(super) states: Array<MapData, Plain<State>>,
    pub(super) policies: Array<MapData, Plain<Policy>>,
    pub(super) filters: Array<MapData, Plain<Filter>>,
    pub(super) objects: Table<Plain<ObjectKey>, Entry>,
    pub(super) named: Table<Plain<NamedKey>, Entry>,
    pub(super) names: Table<Plain<NameKey>, NameRule>,
    pub(super) addresses: LpmTrie<MapData, Plain<AddressKey>, Plain<Address>>,
    pub(super) ports: Table<Plain<PortKey>, Port>,
    pub(super) learned: Table<Plain<LearnedKey>, Learned>,
    pub(super) peers: Table<Plain<PeerKey>, Peer>,
    pub(super) cgroups: HashMap<MapData, u64, u32>,
    pub(super) supervisors: HashMap<MapData, u32, u32>,
    pub(super) active: ArrayOfMaps<MapData, Array<MapData, Plain<Active>>>,
    pub(super) events: Option<RingBuf<MapData>>,
    /// What the canaries are told of.
    pub(super) proofs: Option<RingBuf<MapData>>,
    pub(super) registrar: Array<MapData, u64>,
    pub(super) registered: Array<MapData, u64>,
    pub(super) scope: Array<MapData, Plain<[u64; SCOPE_WORDS]>>,
    /// A second descriptor of each, by name, for pinning.
    pub(super) all: Vec<(String, OwnedFd)>,
    /// Those that nobody here reads or writes, under the numbers that programs are loaded with.
    _others: Vec<OwnedFd>,
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

/// Made or found maps as typed ones.
pub(super) fn typed(mut made: Names<String, OwnedFd>) -> Result<Maps, MapsError> {
    let section = if made.contains_key(".bss") { ".bss" } else { ".data" };
    if let Some(scope) = made.remove(section) {
        made.insert("SCOPE_FILTER".to_owned(), scope);
    }
    let twin = |(name, map): (&String, &OwnedFd)| {
        let map =
            map.try_clone().map_err(|_| MapsError::Refused { name: name.clone(), errno: Errno::EMFILE })?;
        Ok((name.clone(), map))
    };
    let all = made.iter().map(twin).collect::<Result<_, MapsError>>()?;
    Ok(Maps {
        // The kernel's commands on task storage are those on a hash map, with the number of a pidfd as key.
        tasks: take!(made, "TASKS", HashMap),
        sessions: take!(made, "SESSIONS", Array),
        states: take!(made, "STATES", Array),
        policies: take!(made, "POLICIES", Array),
        filters: take!(made, "FILTERS", Array),
        objects: take!(made, "OBJECTS", HashMap),
        named: take!(made, "NAMED", HashMap),
        names: take!(made, "NAMES", HashMap),
        addresses: take!(made, "ADDRESSES", LpmTrie),
        ports: take!(made, "PORTS", HashMap),
        learned: take!(made, "LEARNED", HashMap),
        peers: take!(made, "PEERS", HashMap),
        cgroups: take!(made, "CGROUPS", HashMap),
        supervisors: take!(made, "SUPERVISORS", HashMap),
        active: take!(made, "ACTIVE", ArrayOfMaps),
        events: Some(take!(made, "EVENTS", RingBuf)),
        proofs: Some(take!(made, "PROOFS", RingBuf)),
        registrar: take!(made, "REGISTRAR", Array),
        registered: take!(made, "REGISTERED", Array),
        scope: take!(made, "SCOPE_FILTER", Array),
        all,
        _others: made.into_values().collect(),
    })
}

/// The slot whose mark the process behind this pidfd has.
pub(super) fn mark(tasks: &Table<u32, Task>, process: BorrowedFd<'_>) -> Result<Option<u32>, MapsError> {
    match tasks.get(&process.as_raw_fd().cast_unsigned(), 0) {
        Ok(Plain(task)) => Ok(Some(task.slot).filter(|slot| *slot != 0)),
        Err(MapError::KeyNotFound) => Ok(None),
        Err(error) => Err(read("TASKS")(error)),
    }
}

/// The descriptor beneath a typed map.
pub(super) fn descriptor<K: aya::Pod, V>(map: &impl IterableMap<K, V>) -> BorrowedFd<'_> {
    map.map().fd().as_fd()
}

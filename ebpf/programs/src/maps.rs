//! The maps. Their names are the contract with the supervisor; it sets the numbers of entries.

use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr;

use abi::{
    Active, Address, AddressKey, DestinationKey, Entry, Filter, Learned, LearnedKey, NameKey, NameRule,
    NamedKey, ObjectKey, Peer, PeerKey, Policy, Port, PortKey, SCOPE_WORDS, Session, SocketFlow, State, Task,
};
use aya_ebpf::bindings::{BPF_F_MMAPABLE, BPF_F_NO_PREALLOC, bpf_map_type};
use aya_ebpf::btf_maps::{Array, ArrayOfMaps, HashMap, LpmTrie, LruHashMap, RingBuf};
use aya_ebpf::macros::btf_map;

const SLOTS: usize = 64;
/// Two policies a slot: `abi::rules_of`.
const RULES: usize = 2 * SLOTS;
const GROWING: usize = BPF_F_NO_PREALLOC as usize;

/// What belongs to a task or to a socket and ends with it: aya knows no `BPF_MAP_TYPE_TASK_STORAGE` (Linux 5.11), and its
/// `BPF_MAP_TYPE_SK_STORAGE` (Linux 5.2) is for one kind of program.
#[repr(C)]
pub(crate) struct Storage<T, const KIND: usize> {
    r#type: *const [i32; KIND],
    key: *const i32,
    value: *const T,
    max_entries: *const [i32; 0],
    map_flags: *const [i32; GROWING],
}

// SAFETY: the pointers are never followed; they only carry types for the loader.
unsafe impl<T, const KIND: usize> Sync for Storage<T, KIND> {}

impl<T, const KIND: usize> Storage<T, KIND> {
    const fn new() -> Self {
        Self {
            r#type: ptr::null(),
            key: ptr::null(),
            value: ptr::null(),
            max_entries: ptr::null(),
            map_flags: ptr::null(),
        }
    }

    /// The map, as the helpers want it.
    pub(crate) const fn map(&self) -> *mut c_void {
        ptr::from_ref(self).cast_mut().cast()
    }
}

type TaskStorage<T> = Storage<T, { bpf_map_type::BPF_MAP_TYPE_TASK_STORAGE as usize }>;
type SocketStorage<T> = Storage<T, { bpf_map_type::BPF_MAP_TYPE_SK_STORAGE as usize }>;

#[btf_map]
pub(crate) static TASKS: TaskStorage<Task> = Storage::new();
#[btf_map]
pub(crate) static FLOWS: SocketStorage<SocketFlow> = Storage::new();
#[btf_map]
pub(crate) static SESSIONS: Array<Session, SLOTS> = Array::new();
#[btf_map]
pub(crate) static STATES: Array<State, SLOTS> = Array::new();
#[btf_map]
pub(crate) static POLICIES: Array<Policy, RULES> = Array::new();
#[btf_map]
pub(crate) static FILTERS: Array<Filter, RULES> = Array::new();
#[btf_map]
pub(crate) static ACTIVE: ArrayOfMaps<Array<Active, 1, { BPF_F_MMAPABLE as usize }>, SLOTS> =
    ArrayOfMaps::new();
#[btf_map]
pub(crate) static OBJECTS: HashMap<ObjectKey, Entry, 65536, GROWING> = HashMap::new();
#[btf_map]
pub(crate) static NAMED: HashMap<NamedKey, Entry, 65536, GROWING> = HashMap::new();
#[btf_map]
pub(crate) static NAMES: HashMap<NameKey, NameRule, 16384, GROWING> = HashMap::new();
#[btf_map]
pub(crate) static ADDRESSES: LpmTrie<AddressKey, Address, 65536> = LpmTrie::new();
#[btf_map]
pub(crate) static PORTS: HashMap<PortKey, Port, 16384, GROWING> = HashMap::new();
#[btf_map]
pub(crate) static LEARNED: HashMap<LearnedKey, Learned, 16384, GROWING> = HashMap::new();
#[btf_map]
pub(crate) static PEERS: HashMap<PeerKey, Peer, 65536, GROWING> = HashMap::new();
#[btf_map]
pub(crate) static DESTINATIONS: LruHashMap<DestinationKey, u64, 65536> = LruHashMap::new();
#[btf_map]
pub(crate) static CGROUPS: HashMap<u64, u32, SLOTS> = HashMap::new();
#[btf_map]
pub(crate) static SUPERVISORS: HashMap<u32, u32, SLOTS> = HashMap::new();
#[btf_map]
pub(crate) static REGISTRAR: Array<u64, 1> = Array::new();
#[btf_map]
pub(crate) static REGISTERED: Array<u64, 1> = Array::new();
#[btf_map]
pub(crate) static EVENTS: RingBuf<abi::Event, { 1 << 20 }> = RingBuf::new();
/// The canaries' own, so that nobody who is denied without pause can make them unheard.
#[btf_map]
pub(crate) static PROOFS: RingBuf<abi::Event, { 1 << 16 }> = RingBuf::new();

/// One bit for each cgroup that has a session, so that all others are out of scope without a look-up.
#[unsafe(no_mangle)]
pub(crate) static SCOPE_FILTER: Words = Words(UnsafeCell::new([0; SCOPE_WORDS]));

/// Words that the supervisor stores to while the programs run.
#[repr(transparent)]
pub(crate) struct Words(UnsafeCell<[u64; SCOPE_WORDS]>);

// SAFETY: the programs only load single words.
unsafe impl Sync for Words {}

impl Words {
    /// One word; `index` is taken modulo their number.
    #[inline(always)]
    pub(crate) fn get(&self, index: usize) -> u64 {
        // SAFETY: within the array.
        unsafe { self.0.get().cast::<u64>().add(index & (SCOPE_WORDS - 1)).read_volatile() }
    }
}

//! A session as the programs see it: what is set once, what changes, and the word that follows the tool calls.

use crate::event::SocketAddress;
use crate::rules::{Entry, MAX_LENGTHS};
use crate::{MAX_DEPTH, MAX_NAME};

/// Flags of a [`Policy`].
pub mod session_flags {
    /// The policy opens the network somewhere: IP sockets may be made.
    pub const NETWORK: u32 = 2;
    /// The session may listen on any free port.
    pub const LISTEN_ANY: u32 = 4;
    /// A denied file operation kills.
    pub const KILL_FILE: u32 = 8;
    /// A denied network operation kills.
    pub const KILL_NETWORK: u32 = 16;
    /// A denied execution kills.
    pub const KILL_EXEC: u32 = 32;
    /// The bucket of denials kills when it is over (`on_violation.repeated` with `then: kill`).
    pub const KILL_REPEATED: u32 = 64;
    /// Code may be mapped from wherever it may be read (no `allowed_programs` to get around).
    pub const CODE_ANYWHERE: u32 = 128;
    /// There are prefixes or suffixes among the name rules.
    pub const NAME_ENDS: u32 = 256;
    /// There are name rules, so that all names of a path are looked at.
    pub const NAMES: u32 = 512;
    /// The policy allows domains: port 53 leads to the session's resolver, checked ports of learned addresses to its proxy.
    pub const DOORS: u32 = 1024;
}

/// One rate limit: a generic cell rate algorithm (ITU-T I.371), which needs one word of state.
#[repr(C)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// Nanoseconds that one token takes to come back; 0 means that there is no limit.
    pub interval_ns: u64,
    /// How far ahead of the clock the tokens that were taken may reach, in nanoseconds: interval times burst.
    pub window_ns: u64,
}

/// What is counted. The index of a [`Rate`] in [`Policy::rates`] and of its state in [`State::buckets`].
#[repr(usize)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// Executions.
    Exec = 0,
    /// New connections.
    Connect = 1,
    /// Opened files.
    Open = 2,
    /// Bytes sent over IP.
    SentBytes = 3,
    /// New processes and threads.
    Fork = 4,
    /// Denials, for the rule about repeated violations.
    Denial = 5,
    /// Addresses that nobody of the session has gone to for [`DESTINATION_NS`].
    Destination = 6,
}

/// How many kinds of [`Bucket`] there are.
pub const BUCKETS: usize = 7;

/// What a call may spend while it is in flight. The index of [`Policy::budgets`] and of [`Active::budgets`]; in events it
/// stands behind the buckets.
#[repr(usize)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spending {
    /// New connections.
    Connections = 0,
    /// Bytes sent over IP.
    SentBytes = 1,
}

/// How many kinds of [`Spending`] there are.
pub const SPENDINGS: usize = 2;

/// How many grant classes there are.
pub const CLASSES: usize = 64;

/// What to look for in names before a look-up is worth it.
#[repr(C)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Bit *length modulo 64* for each exact name rule.
    pub exact_lengths: u64,
    /// Bit of each first byte of a prefix rule.
    pub first_bytes: [u64; 4],
    /// Bit of each last byte of a suffix rule.
    pub last_bytes: [u64; 4],
    /// The different lengths of prefixes, ascending; 0 ends the list.
    pub prefix_lengths: [u8; MAX_LENGTHS],
    /// The different lengths of suffixes, ascending; 0 ends the list.
    pub suffix_lengths: [u8; MAX_LENGTHS],
}

/// Value of the array `SESSIONS`, by slot: who the session is, and which of its two policies holds. Written by the
/// supervisor only.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// The id of the session's cgroup (version 2); 0 if it has none. A task elsewhere with the session's mark has escaped.
    pub cgroup: u64,
    /// 1: the slot is in use. Everything of an unused slot is denied.
    pub live: u32,
    /// The supervisor's process id in the initial namespace; when it ends, everything is denied.
    pub supervisor: u32,
    /// The process id of the canary in the initial namespace, which is denied but never killed or counted; 0 if none runs.
    pub canary: u32,
    /// The port of the session's resolver on 127.0.0.1 and ::1, UDP and TCP, in host byte order; 0 if it has none.
    pub resolver_port: u16,
    /// The port of the session's proxy on 127.0.0.1 and ::1, in host byte order; 0 if it has none.
    pub proxy_port: u16,
    /// Until when it is the canary (`CLOCK_MONOTONIC`, nanoseconds): one that was killed with its parent leaves its number.
    pub canary_until: u64,
    /// How often its policy was changed, up to [`REVISIONS`]. One store of it puts the other of its two policies in force:
    /// see [`rules_of`].
    pub revision: u32,
    /// Zero.
    pub padding: u32,
}

/// The most changes of one session's policy: they are told apart by one byte, which no processor stores in parts.
pub const REVISIONS: u32 = 255;

/// The number by which the tables know what a session may do. There are two for each slot, so that the next policy can be
/// written down while the present one holds.
#[inline(always)]
pub fn rules_of(slot: u32, revision: u32) -> u32 {
    slot << 1 | revision & 1
}

/// Whose the tables of this number are.
#[inline(always)]
pub fn slot_of(rules: u32) -> u32 {
    rules >> 1
}

/// Value of the array `POLICIES`, by [`rules_of`]. Written by the supervisor, and only while it is not in force.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// See [`session_flags`].
    pub flags: u32,
    /// Zero.
    pub padding: u32,
    /// Names that are denied everywhere.
    pub names: Names,
    /// Rate limits, by [`Bucket`].
    pub rates: [Rate; BUCKETS],
    /// The classes whose calls have a budget, by [`Spending`].
    pub budgets: [u64; SPENDINGS],
}

/// Value of the array `STATES`, by slot. Written by the programs only, atomically.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Number of the last event of the session, from 1. An event that the ring had no room for has a number too; a canary's
    /// has none.
    pub sequence: u64,
    /// Not 0 once the supervisor has ended.
    pub dead: u64,
    /// When the tokens that were taken will be back (`CLOCK_MONOTONIC`, nanoseconds), by [`Bucket`].
    pub buckets: [u64; BUCKETS],
    /// Events that the ring had no room for, by [`crate::EventKind`]; at [`CANARYS`] the canaries'.
    pub dropped: [u64; 32],
    /// Opened files, allowed ones.
    pub opens: u64,
    /// Executions, allowed ones.
    pub execs: u64,
    /// Connections, allowed ones.
    pub connects: u64,
    /// Bytes sent over IP.
    pub sent_bytes: u64,
}

/// Where [`State::dropped`] counts the canaries' events: no kind has this number.
pub const CANARYS: usize = 0;

/// The active set in which only what always holds is allowed: every active set has this bit.
pub const ALWAYS: u64 = 1;

/// The one value of the small mappable array that each session has: the doorman stores, the programs load. Only what was
/// spent is the programs' to store.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Active {
    /// The active set: bit 0 always, and the classes of the calls in flight.
    pub mask: u64,
    /// The number of the last admitted call.
    pub call: u64,
    /// The number of the session's last event, written by the programs: whoever has heard fewer has something to hear.
    pub told: u64,
    /// Zero.
    pub padding: [u64; 5],
    /// Of the calls of each class, by [`Spending`].
    pub budgets: [[Budget; CLASSES]; SPENDINGS],
}

/// What the calls of one class may spend together, counted from the session's start.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Up to here. The doorman raises it when a call begins, and takes back what is left when it ends.
    pub granted: u64,
    /// What they have spent. Written by the programs only, atomically.
    pub spent: u64,
    /// The policy rule.
    pub rule: u32,
    /// Zero.
    pub padding: u32,
}

/// For how long an address is known as one that the session goes to, in nanoseconds.
pub const DESTINATION_NS: u64 = 60_000_000_000;

/// [`Task::state`]: the mark takes effect at the next `execve` (the last mile is still the supervisor's own code).
pub const STATE_NEXT_EXEC: u32 = 1;
/// [`Task::state`]: the mark is in effect.
pub const STATE_ARMED: u32 = 2;

/// Value of the task storage `TASKS`: the mark of a session's task, inherited by what it starts, and room for one
/// decision. A task runs one hook at a time, so that nobody else writes here meanwhile.
///
/// The supervisor writes `slot` and `state` and leaves the rest zero.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// The session's slot; 0: not marked.
    pub slot: u32,
    /// [`STATE_NEXT_EXEC`] or [`STATE_ARMED`].
    pub state: u32,
    /// Room for reading an address as a number.
    pub word: u64,
    /// Where the look-ups by name are.
    pub descent: Descent,
    /// Where the way up across mounts is.
    pub ascent: Ascent,
    /// The decision that is being made.
    pub decision: Decision,
    /// What is said by name beneath the component that is being looked at.
    pub below: Entry,
    /// The address of the `struct vfsmount` where the path begins.
    pub mount: u64,
    /// For each length of a name of the path (modulo 64) a bit, where the session has name rules.
    pub lengths: u64,
    /// How many components of the path are known: up to the one that decides, or to the root.
    pub depth: u32,
    /// The index of the one component whose length is known although [`Ascent::names`] does not ask for it.
    pub measured: u32,
    /// The path that is being decided, from the file up.
    pub path: [Component; MAX_DEPTH],
    /// A name of that path.
    pub name: [u8; MAX_NAME + 1],
}

impl Task {
    /// A fresh mark.
    pub fn marked(slot: u32, state: u32) -> Self {
        Self {
            slot,
            state,
            word: 0,
            descent: Descent::default(),
            ascent: Ascent::default(),
            decision: Decision::default(),
            below: Entry::default(),
            mount: 0,
            lengths: 0,
            depth: 0,
            measured: 0,
            path: [Component::default(); MAX_DEPTH],
            name: [0; MAX_NAME + 1],
        }
    }
}

/// The way down by names from an entry that has some.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Descent {
    /// See [`Entry::name_lengths`].
    pub lengths: u64,
    /// See [`Entry::node`].
    pub node: u32,
    /// The index of the component above the next one.
    pub above: u32,
}

/// The way up from a dentry.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ascent {
    /// The address of the `struct vfsmount`.
    pub mount: u64,
    /// The address of the mount's root, a `struct dentry`.
    pub root: u64,
    /// The address of the `struct dentry` that is reached.
    pub here: u64,
    /// What is wanted of names: [`session_flags::NAMES`] and [`session_flags::NAME_ENDS`], or 0 for nothing.
    pub names: u32,
    /// 1: what is mounted here covers the directory beneath, which gives it its name only.
    pub covered: u32,
}

/// One component of a path.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Component {
    /// The address of the `struct dentry` that has the name: of the mount point, where something is mounted.
    pub dentry: u64,
    /// The address of the `struct inode` that is seen; 0 if there is none yet.
    pub inode: u64,
    /// The length of the name, where [`Ascent::names`] asks for it; 0 for the root.
    pub length: u32,
    /// The name's first byte, and its last one shifted by 8, where [`session_flags::NAME_ENDS`] asks for them.
    pub ends: u32,
}

/// What was found out about a request, and what is told about it if it is denied.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// The decisive entry of the path.
    pub entry: Entry,
    /// See [`crate::Event::rule`].
    pub rule: u32,
    /// See [`crate::Event::access`].
    pub access: u32,
    /// See [`crate::Event::address`].
    pub address: SocketAddress,
}

/// Words of the global `SCOPE_FILTER`.
pub const SCOPE_WORDS: usize = 512;

/// Where `SCOPE_FILTER` knows a cgroup: the word and the bit in it. A set bit means: look into `CGROUPS`.
#[inline(always)]
pub fn scope_bit(cgroup: u64) -> (usize, u64) {
    ((cgroup >> 6) as usize & (SCOPE_WORDS - 1), 1 << (cgroup & 63))
}

/// Words of a [`Filter`].
pub const FILTER_WORDS: usize = 1024;

/// Value of the array `FILTERS`, by [`rules_of`]: a Bloom filter over the policy's `OBJECTS`, so that most inodes of a path
/// need no look-up.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    /// 65,536 bits.
    pub words: [u64; FILTER_WORDS],
}

/// The two bits of an inode in a [`Filter`], 0 to 65,535.
#[inline(always)]
pub fn filter_bits(inode: u64) -> (u32, u32) {
    let mixed = inode.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed >> 48) as u32, (mixed >> 32) as u32 & 0xffff)
}

const _: () = assert!(size_of::<Names>() == 88);
const _: () = assert!(size_of::<Session>() == 40);
const _: () = assert!(size_of::<Policy>() == 8 + 88 + 16 * BUCKETS + 8 * SPENDINGS);
const _: () = assert!(size_of::<State>() == 16 + 8 * BUCKETS + 256 + 32);
const _: () = assert!(size_of::<Active>() == 64 + 24 * CLASSES * SPENDINGS);
// It is mapped as one page.
const _: () = assert!(size_of::<Active>() <= 4096);
const _: () = assert!(size_of::<Budget>() == 24);
const _: () = assert!(size_of::<Component>() == 24);
const _: () = assert!(size_of::<Decision>() == 80);
const _: () = assert!(size_of::<Ascent>() == 32);
const _: () = assert!(size_of::<Task>() == 16 + 16 + 32 + 80 + 48 + 24 + 24 * MAX_DEPTH + 256);
const _: () = assert!(size_of::<Filter>() == 8192);

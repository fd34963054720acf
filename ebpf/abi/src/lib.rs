//! The layouts that the BPF programs and the supervisor share: plain `repr(C)` data, no decision, no pointer.
//!
//! ```text
//! supervisor                     kernel
//! Session, Policy, Entry … ──maps──► programs ──► verdict
//! Active (one page, mapped) ──store──►   │
//! Event  ◄───────────── ring buffer ─────┘
//! ```
//! Every structure has explicit padding and an asserted size, so that both sides read the same bytes on every compiler.
//! Nothing here knows how a policy is written or how a hook is attached.

#![no_std]
#![forbid(unsafe_code)]

mod egress;
mod event;
mod fields;
mod hooks;
mod rules;
mod session;

pub use egress::{
    DNS_PORT, DestinationKey, Door, Flow, LEARNINGS, Learned, LearnedKey, Learning, PORT_CHECKED, Peer,
    PeerKey, SocketFlow,
};
pub use event::{Access, Action, Event, EventKind, MAX_PAYLOAD, Reason, SocketAddress};
pub use fields::{FIELDS, Field};
pub use hooks::{HOOKS, Hook, Need};
pub use rules::{
    Address, AddressKey, Entry, MAX_LENGTHS, MAX_RULES, NAME_EXACT, NAME_PREFIX, NAME_SUFFIX, NO_RULE,
    NameKey, NameRule, NamedKey, ObjectKey, Port, PortKey, PortUse, flags, name_hash, name_hash_add,
    name_hash_begin, stamped, unstamped,
};
pub use session::{
    ALWAYS, Active, Ascent, BUCKETS, Bucket, Budget, CANARYS, CLASSES, Component, DESTINATION_NS, Decision,
    Descent, FILTER_WORDS, Filter, Names, Policy, REVISIONS, Rate, SCOPE_WORDS, SPENDINGS, STATE_ARMED,
    STATE_NEXT_EXEC, Session, Spending, State, Task, filter_bits, rules_of, scope_bit, session_flags,
    slot_of,
};

/// The highest number of path components that a walk follows; a deeper path is denied.
pub const MAX_DEPTH: usize = 64;
/// The longest name of one path component in bytes (`NAME_MAX`, Linux `limits.h`).
pub const MAX_NAME: usize = 255;
/// The version of these layouts: stands in the name of the pins, so that two builds never share maps.
pub const VERSION: u32 = 2;

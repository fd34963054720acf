//! Which names may be looked up, and which addresses they stand for. Pure: DNS messages and the time in, DNS messages and
//! changes of the learned addresses out. It never touches a socket, a clock, a file or a source of randomness.
//!
//! ```text
//! client ── ask ──► question ─► rules ─► hosts file ─► cache ─► limits ──► Forward ── upstream ──► answered
//!    ▲                 │garbage    │no       │            │        │over                             │
//!    └── bytes ────────┴───────────┴─────────┴────────────┴────────┴───◄── answer, changes ◄─────────┘
//!                                                                          └─► learned: abi::Learned, with an end
//! ```
//!
//! Nothing of a client's message goes on but a question that was checked and written anew, and nothing of an upstream's
//! but the records that were asked for. An answer holds only addresses that were learned, so whoever gives it out makes
//! its changes known first.

#![forbid(unsafe_code)]

mod addresses;
mod body;
mod cache;
mod deadlines;
mod fact;
mod hosts;
mod merge;
mod names;
mod pending;
mod question;
mod rate;
mod reach;
mod rules;
mod service;
mod settings;
mod shape;
mod upstream;

pub use addresses::Change;
pub use fact::{Facts, Limit, NameFact, Why};
pub use names::{Answered, Asked, Names, Unspeakable};
pub use pending::Ticket;
pub use settings::{Limits, Settings, Transport};

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

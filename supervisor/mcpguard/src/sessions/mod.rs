//! The sessions that run on this machine: each leaves a card in a directory of its user's, and whoever asks reads them.
//!
//! ```text
//! exec ── register ─► <runtime directory>/mcpguard/sessions/<pid>-<start time>.json ── found ─► running ─► ps, top, kill …
//!                                      host daemon: those that the user may see ──── host ──────┤
//!                                      control groups, for root ────────────────────────────────┤
//!                                                                     audit log ── counts ──────┘
//! ```
//! A card is believed only as far as the kernel says the same: the process lives, started when the card says, and is the
//! user's in whose directory it lies. One that is out of date is removed by whoever may.

mod card;
mod choice;
mod counts;
mod found;
mod host;
mod places;
mod running;
mod usage;

pub(crate) use card::{About, Registration};
pub(crate) use choice::{Choice, uid};
pub(crate) use counts::Counts;
use found::{Found, found};
pub(crate) use host::{Daemon, Host, PATIENCE};
pub(crate) use running::{Running, look, running, running_within};
pub(crate) use usage::{Processes, Usage};

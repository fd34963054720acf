//! `mcpguard.lock` on disk, and what sessions saw that is not in it.
//!
//! ```text
//! session ── first use ─► lock file        session ── differs ─► <state>/mcpguard/pins/<policy>.json ─► pin diff, pin accept ─► lock file
//! ```

mod identity;
mod lock;
mod package;
mod seen;

pub(crate) use identity::identity;
pub(crate) use lock::{change, default_lock, read};
pub(crate) use seen::Seen;

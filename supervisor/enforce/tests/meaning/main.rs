//! Meaning and kernel agree: what a policy permits, and what the programs' own decisions say over its tables.
//!
//! ```text
//! random policy ─┬─ permits(policy, request, calls in flight) ─────────────────────────┐
//!                └─ compile ─► Plan ─ encode ─► Tables ─► World (maps) ─ verdict::* ───┴► equal
//! ```
//! The decisions are the very code that is compiled for the kernel; only the maps and the file system are made up here.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

#[path = "../../../policy/tests/language/host.rs"]
#[allow(dead_code, reason = "the policy crate's own tests use the rest")]
mod host;
#[path = "../../../policy/tests/language/random.rs"]
#[allow(dead_code, reason = "the policy crate's own tests use the rest")]
mod random;

mod cases;
mod files;
mod meaning;
mod property;
mod tables;
mod world;

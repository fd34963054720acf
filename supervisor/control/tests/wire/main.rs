//! Whole connections: bytes as they stand on the wire, from both ends and from nobody's.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod support;

mod anything;
mod compatibility;
mod hostile;
mod messages;
mod sizes;

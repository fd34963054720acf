//! The policy language from text to plan, as a user of the crate sees it.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod alerts;
mod calls;
mod content;
mod domains;
mod host;
mod host_mistakes;
mod host_properties;
mod hosts;
mod mistakes;
mod narrowing;
mod networks;
mod plans;
mod presets;
mod properties;
mod random;
mod reach;
mod schema;
mod speed;

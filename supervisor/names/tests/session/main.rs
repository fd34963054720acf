//! Whole sessions: messages as they stand on the wire, and a clock that is what the test says.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod world;

mod answers;
mod attacks;
mod churn;
mod hosts;
mod learned;
mod limits;
mod questions;
mod random;
mod revise;
mod services;

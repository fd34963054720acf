//! What connections say: real ClientHellos, tricks of both protocols, and what holds for any bytes.

#![expect(clippy::panic, reason = "a test fails by panicking")]

mod anything;
mod handshakes;
mod heads;
mod hellos;
mod lenient;
mod lies;
mod requests;
mod support;

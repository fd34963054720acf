//! `mcpguard daemon`: one owner of the kernel part for every user's sessions, in two processes.
//!
//! ```text
//!            /run/mcpguard/control.sock                   socket pair (wire)
//! clients ◄──── control ────► front (user mcpguard, sealed) ◄────► keeper (root): eBPF layer, control groups, canaries
//!                               └─► compiles policies, host log, metrics
//! ```

#![expect(dead_code, reason = "the two processes come next")]

mod front;
mod wire;

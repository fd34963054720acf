//! What the host daemon's privileged process does to the kernel, for the sessions of any user.

pub mod channel;
mod order;

pub use order::{Identity, Kept, Key, Limits, Notice, Opened, Order, Usage};

//! A stack of its own for what reads SQL by recursion.
//!
//! A level of nesting takes 200 KiB of stack or more without optimisation, so that ten levels are more than a thread has by
//! default (2 MiB). What the bounds of [`depth`](super::depth) let through takes less than 16 MiB so.

use std::panic::resume_unwind;
use std::thread::Builder;

use super::SqlFault;

/// Four times what is known to be needed. Only what is used of it takes memory.
const SIZE: usize = 64 << 20;

pub(super) fn with<T: Send>(work: impl FnOnce() -> Result<T, SqlFault> + Send) -> Result<T, SqlFault> {
    std::thread::scope(|scope| {
        let thread = Builder::new().name("sql".to_owned()).stack_size(SIZE).spawn_scoped(scope, work);
        thread.map_err(|_| SqlFault::Unchecked)?.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

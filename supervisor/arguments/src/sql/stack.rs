//! A stack of its own for what reads SQL by recursion.
//!
//! A level of nesting takes 200 KiB of stack or more without optimisation, so that ten levels are more than a thread has by
//! default (2 MiB). What the bounds of [`depth`](super::depth) let through takes less than 16 MiB so.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::Builder;

use super::SqlFault;

/// Four times what is known to be needed. Only what is used of it takes memory.
const SIZE: usize = 64 << 20;

type Work = Box<dyn FnOnce() + Send>;

/// The thread that reads, one piece of work after another. To start one for each would take longer than to read.
static READER: Mutex<Option<Sender<Work>>> = Mutex::new(None);

/// Does the work on that thread, which is started when it is first needed. It is done when this returns.
pub(super) fn with<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SqlFault> + Send + 'static,
) -> Result<T, SqlFault> {
    let (tell, told) = channel();
    hand_over(Box::new(move || drop(tell.send(work()))))?;
    // Nothing is told if it panicked.
    told.recv().map_err(|_| SqlFault::Unchecked)?
}

fn hand_over(work: Work) -> Result<(), SqlFault> {
    let mut reader = READER.lock().unwrap_or_else(PoisonError::into_inner);
    let thread = match reader.take() {
        Some(thread) => thread,
        None => started()?,
    };
    reader.insert(thread).send(work).map_err(|_| SqlFault::Unchecked)
}

fn started() -> Result<Sender<Work>, SqlFault> {
    let (give, taken) = channel::<Work>();
    // What panics has told nothing, and the next one is another matter.
    let read = move || taken.iter().for_each(|work| drop(catch_unwind(AssertUnwindSafe(work))));
    let thread = Builder::new().name("sql".to_owned()).stack_size(SIZE);
    thread.spawn(read).map(|_| give).map_err(|_| SqlFault::Unchecked)
}

#[cfg(test)]
mod tests {
    use super::{SqlFault, with};

    #[test]
    fn work_that_panics_is_refused_and_the_next_is_done() {
        assert_eq!(with(|| Ok(1)), Ok(1));
        assert_eq!(with::<()>(|| panic!("as the test wants")), Err(SqlFault::Unchecked));
        assert_eq!(with(|| Ok(2)), Ok(2));
    }
}

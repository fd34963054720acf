//! Pipes through which bytes go from one socket to another without being copied into this process (splice(2)).
//!
//! A connection holds one only while bytes are in it, so that ten thousand quiet connections hold none.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that a pipe should hold: a window of TCP. A user without privileges may get less.
const BYTES: i32 = 256 * 1024;

/// Empty pipes that are kept.
const KEPT: usize = 64;

/// A pipe with its two ends.
pub(super) struct Pipe {
    pub(super) read: OwnedFd,
    pub(super) write: OwnedFd,
    /// It counts until it is closed.
    _counted: OwnedSemaphorePermit,
}

/// Empty pipes for whoever needs one.
#[derive(Clone)]
pub(super) struct Pipes {
    kept: Rc<RefCell<Vec<Pipe>>>,
    left: Arc<Semaphore>,
}

impl Pipes {
    /// So many may be open at once.
    pub(super) fn new(most: usize) -> Self {
        Self { kept: Rc::default(), left: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))) }
    }

    /// An empty pipe; `None` where no more may be open. Then bytes are copied.
    pub(super) fn take(&self) -> Option<Pipe> {
        self.kept.borrow_mut().pop().or_else(|| {
            let counted = Arc::clone(&self.left).try_acquire_owned().ok()?;
            open(counted).ok()
        })
    }

    /// Takes an empty pipe back.
    pub(super) fn give_back(&self, pipe: Pipe) {
        let mut kept = self.kept.borrow_mut();
        if kept.len() < KEPT {
            kept.push(pipe);
        }
    }
}

fn open(counted: OwnedSemaphorePermit) -> io::Result<Pipe> {
    let (read, write) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    // A smaller pipe does as well.
    let _ = fcntl(&write, FcntlArg::F_SETPIPE_SZ(BYTES));
    Ok(Pipe { read, write, _counted: counted })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_are_open_than_may_be_and_a_closed_one_makes_room() {
        let pipes = Pipes::new(2);
        let (first, second) = (pipes.take().expect("there is one"), pipes.take().expect("there are two"));
        assert!(pipes.take().is_none());
        drop(first);
        let _third = pipes.take().expect("one was closed");
        assert!(pipes.take().is_none());
        pipes.give_back(second);
        assert!(pipes.take().is_some_and(|_kept| pipes.take().is_none()));
    }
}

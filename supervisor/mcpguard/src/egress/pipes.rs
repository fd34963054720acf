//! Pipes through which bytes go from one socket to another without being copied into this process (splice(2)).
//!
//! A connection holds one only while bytes are in it, so that ten thousand quiet connections hold none.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;

/// Bytes that a pipe should hold: a window of TCP. A user without privileges may get less.
const BYTES: i32 = 256 * 1024;

/// Empty pipes that are kept.
const KEPT: usize = 64;

/// A pipe with its two ends.
pub(super) struct Pipe {
    pub(super) read: OwnedFd,
    pub(super) write: OwnedFd,
}

/// Empty pipes for whoever needs one.
#[derive(Clone, Default)]
pub(super) struct Pipes(Rc<RefCell<Vec<Pipe>>>);

impl Pipes {
    /// An empty pipe.
    pub(super) fn take(&self) -> io::Result<Pipe> {
        if let Some(pipe) = self.0.borrow_mut().pop() {
            return Ok(pipe);
        }
        let (read, write) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        // A smaller pipe does as well.
        let _ = fcntl(&write, FcntlArg::F_SETPIPE_SZ(BYTES));
        Ok(Pipe { read, write })
    }

    /// Takes an empty pipe back.
    pub(super) fn give_back(&self, pipe: Pipe) {
        let mut kept = self.0.borrow_mut();
        if kept.len() < KEPT {
            kept.push(pipe);
        }
    }
}

//! Descriptors of the callers: each is duplicated from the caller's own table, by a handle of the calling thread.
//!
//! A handle means one thread for ever, so that it can be kept: as long as the thread lives its number is nobody else's, and
//! a handle of one that has ended opens nothing. Before Linux 6.9 there are handles of processes alone; then each call
//! asks anew which process the thread belongs to. A thread that has a table of its own (`clone` without `CLONE_FILES`) is
//! taken for its process there: whatever socket that names, it is that socket which is looked at and used.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::unistd::Pid;

use super::caller::Caller;
use super::status;
use crate::sys;

/// Handles that are kept; each costs the supervisor a descriptor.
const KEPT: usize = 64;

/// Handles of the threads that have called.
#[derive(Debug, Default)]
pub(super) struct Handles {
    threads: HashMap<i32, OwnedFd>,
}

impl Handles {
    /// A duplicate of the caller's descriptor with this number.
    pub(super) fn duplicate(&mut self, caller: &Caller<'_>, number: i32) -> Result<OwnedFd, Errno> {
        if let Some(handle) = self.threads.get(&caller.thread) {
            match sys::duplicate_of(handle.as_fd(), number) {
                // The thread of the handle has ended, and this is another one with its number.
                Err(Errno::ESRCH) => drop(self.threads.remove(&caller.thread)),
                other => return other,
            }
        }
        match sys::open_thread(caller.thread) {
            Err(Errno::EINVAL) => of_process(caller, number),
            Err(error) => Err(error),
            Ok(handle) => self.keep(caller, handle, number),
        }
    }

    fn keep(&mut self, caller: &Caller<'_>, handle: OwnedFd, number: i32) -> Result<OwnedFd, Errno> {
        // The number was the caller's when the handle was opened if the caller waits still.
        caller.waits()?;
        let duplicate = sys::duplicate_of(handle.as_fd(), number);
        if self.threads.len() >= KEPT {
            self.threads.clear();
        }
        self.threads.insert(caller.thread, handle);
        duplicate
    }
}

fn of_process(caller: &Caller<'_>, number: i32) -> Result<OwnedFd, Errno> {
    let process = status::of(caller.thread)?.process;
    let handle = sys::pidfd_open(Pid::from_raw(process))?;
    caller.waits()?;
    sys::duplicate_of(handle.as_fd(), number)
}

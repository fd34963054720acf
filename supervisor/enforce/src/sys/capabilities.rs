//! Acting without privileges for a moment. Source: `capget(2)`, `capabilities(7)`.

use std::cell::Cell;
use std::marker::PhantomData;

use nix::errno::Errno;

use super::check;

/// `_LINUX_CAPABILITY_VERSION_3`.
const VERSION: u32 = 0x2008_0522;

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Sets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// While it lives this thread has no effective capability: what it does for somebody without privileges, the kernel
/// checks as it would for them. Dropping it gives back what there was.
#[must_use]
pub(crate) struct Unprivileged {
    before: [Sets; 2],
    /// Capabilities belong to the thread, so that this stays in it.
    _of_this_thread: PhantomData<*const ()>,
}

thread_local! {
    /// This thread was seen to have no permitted capability; without `execve` it never gets one.
    static WITHOUT: Cell<bool> = const { Cell::new(false) };
}

impl Unprivileged {
    /// Lays the capabilities down. Costs nothing from the second time on where there are none.
    pub(crate) fn begin() -> Result<Self, Errno> {
        if WITHOUT.get() {
            return Ok(Self { before: [Sets::default(); 2], _of_this_thread: PhantomData });
        }
        let before = get()?;
        WITHOUT.set(before.iter().all(|sets| sets.permitted == 0));
        let without = before.map(|sets| Sets { effective: 0, ..sets });
        if without != before {
            set(&without)?;
        }
        Ok(Self { before, _of_this_thread: PhantomData })
    }
}

impl Drop for Unprivileged {
    fn drop(&mut self) {
        if self.before.iter().any(|sets| sets.effective != 0) {
            // What is permitted may always be made effective; if not, this thread goes on with less.
            let _ = set(&self.before);
        }
    }
}

fn get() -> Result<[Sets; 2], Errno> {
    let mut header = Header { version: VERSION, pid: 0 };
    let mut sets = [Sets::default(); 2];
    // SAFETY: with version 3 the kernel writes two `struct __user_cap_data_struct` to a live array of that layout.
    check(unsafe { libc::syscall(libc::SYS_capget, &raw mut header, sets.as_mut_ptr()) })?;
    Ok(sets)
}

fn set(sets: &[Sets; 2]) -> Result<(), Errno> {
    let mut header = Header { version: VERSION, pid: 0 };
    // SAFETY: with version 3 the kernel reads two `struct __user_cap_data_struct` from a live array of that layout.
    check(unsafe { libc::syscall(libc::SYS_capset, &raw mut header, sets.as_ptr()) }).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_come_back() {
        let before = get().expect("readable");
        {
            let _without = Unprivileged::begin().expect("anybody may have less");
            assert!(get().expect("readable").iter().all(|sets| sets.effective == 0));
        }
        assert!(get().expect("readable") == before);
    }
}

//! Opening files and receiving open ones.

use abi::{Access, Bucket, EventKind};
use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use verdict::{Denial, file};

use crate::climb;
use crate::fields::{FILE_FLAGS, FILE_MODE, FILE_PATH};
use crate::kernel::Typed;
use crate::rate;
use crate::scope::{self, Subject};

/// `FMODE_READ`, `FMODE_WRITE` (Linux `fs.h`, as all that follow).
const READ: u32 = 1;
const WRITE: u32 = 2;
/// `FMODE_NOACCOUNT`: the kernel opens the file beneath another open one (overlayfs), with the mounter's rights.
const BENEATH: u32 = 1 << 29;
/// `__FMODE_EXEC` in the flags: opened in order to be executed. No system call can set it.
const EXECUTE: u32 = 0x20;
/// `O_TRUNC`. Since Linux 6.2 this truncation asks another hook than the one by path.
const TRUNCATE: u32 = 0x200;

#[lsm(hook = "file_open")]
pub(crate) fn file_open(ctx: LsmContext) -> i32 {
    let file = Typed::new(ctx.arg(0));
    let kind = || match file.word(&FILE_FLAGS) & EXECUTE {
        0 => EventKind::Open,
        _ => EventKind::Exec,
    };
    scope::judge_as(kind, |subject| {
        let (flags, mode) = (file.word(&FILE_FLAGS), file.word(&FILE_MODE));
        if mode & BENEATH != 0 {
            return Ok(());
        }
        allowed(subject, file, wanted(flags, mode))?;
        rate::one(subject, Bucket::Open)?;
        // SAFETY: a map value.
        unsafe { rate::add(&raw mut (*subject.state).opens, 1) };
        Ok(())
    })
}

#[lsm(hook = "file_receive")]
pub(crate) fn file_receive(ctx: LsmContext) -> i32 {
    scope::judge(EventKind::Receive, |subject| {
        let file = Typed::new(ctx.arg(0));
        allowed(subject, file, access(file.word(&FILE_MODE)))
    })
}

/// What a file is opened for.
#[inline(always)]
fn wanted(flags: u32, mode: u32) -> u32 {
    match (flags & EXECUTE != 0, flags & TRUNCATE != 0) {
        (true, _) => Access::EXECUTE,
        (false, true) => access(mode) | Access::WRITE,
        (false, false) => access(mode),
    }
}

/// What a descriptor is good for. One that may neither read nor write (`open` with the access mode 3) still takes every
/// `ioctl`, and the kernel's own permissions ask for both, so both are wanted.
#[inline(always)]
fn access(mode: u32) -> u32 {
    let read = if mode & READ != 0 { Access::READ } else { 0 };
    let write = if mode & WRITE != 0 { Access::WRITE } else { 0 };
    if read | write == 0 { Access::READ | Access::WRITE } else { read | write }
}

#[inline(always)]
fn allowed(subject: &Subject, file: Typed, wanted: u32) -> Result<(), Denial> {
    // SAFETY: the task's own storage.
    unsafe { (&raw mut (*subject.task).decision.access).write_volatile(wanted) };
    climb::path(subject, file.within(&FILE_PATH))?;
    // Read back, so that the verifier follows the climb once and not for each access.
    // SAFETY: as above.
    let wanted = unsafe { (&raw const (*subject.task).decision.access).read_volatile() };
    subject.allowed(|active| file::open(climb::found(subject), wanted, active))
}

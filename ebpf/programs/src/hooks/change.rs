//! Creating, removing, renaming, linking, truncating and changing by path.

use abi::{Access, Entry, EventKind, Reason};
use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use verdict::{Denial, file};

use crate::climb;
use crate::fields::{DENTRY_INODE, PATH_MOUNT};
use crate::kernel::Typed;
use crate::scope::{self, Subject};

/// `S_IFMT`, `S_IFCHR` and `S_IFBLK` (Linux `stat.h`).
const KIND: u32 = 0o170_000;
const CHARACTER_DEVICE: u32 = 0o020_000;
const BLOCK_DEVICE: u32 = 0o060_000;

#[lsm(hook = "path_mknod")]
pub(crate) fn path_mknod(ctx: LsmContext) -> i32 {
    scope::judge(EventKind::Create, |subject| {
        let kind = ctx.arg::<u32>(2) & KIND;
        writable(subject, ctx.arg(0), ctx.arg(1))?;
        // A device node reaches what no path leads to.
        if kind == CHARACTER_DEVICE || kind == BLOCK_DEVICE {
            return Err(Denial::of(Reason::Kind));
        }
        Ok(())
    })
}

#[lsm(hook = "path_mkdir")]
pub(crate) fn path_mkdir(ctx: LsmContext) -> i32 {
    scope::judge(EventKind::Create, |subject| writable(subject, ctx.arg(0), ctx.arg(1)))
}

#[lsm(hook = "path_symlink")]
pub(crate) fn path_symlink(ctx: LsmContext) -> i32 {
    scope::judge(EventKind::Create, |subject| writable(subject, ctx.arg(0), ctx.arg(1)))
}

#[lsm(hook = "path_unlink")]
pub(crate) fn path_unlink(ctx: LsmContext) -> i32 {
    scope::judge(EventKind::Remove, |subject| removable(subject, ctx.arg(0), ctx.arg(1)))
}

#[lsm(hook = "path_rmdir")]
pub(crate) fn path_rmdir(ctx: LsmContext) -> i32 {
    scope::judge(EventKind::Remove, |subject| removable(subject, ctx.arg(0), ctx.arg(1)))
}

/// Both places lie on one mount. What is overwritten or exchanged is moved too.
#[lsm(hook = "path_rename")]
pub(crate) fn path_rename(ctx: LsmContext) -> i32 {
    scope::judge(EventKind::Rename, |subject| {
        removable(subject, ctx.arg(0), ctx.arg(1))?;
        let target: *const u8 = ctx.arg(3);
        let entry = beneath(subject, ctx.arg(2), target)?;
        match Typed::new(target).follow(&DENTRY_INODE).address(subject.task).0 {
            0 => subject.allowed(|active| file::access(entry, Access::WRITE, active)),
            _ => subject.allowed(|active| file::detach(entry, active)),
        }
    })
}

/// The old place is on the mount of the new one: `linkat` refuses others before it asks.
#[lsm(hook = "path_link")]
pub(crate) fn path_link(ctx: LsmContext) -> i32 {
    scope::judge(EventKind::Link, |subject| {
        let source = *beneath(subject, ctx.arg(1), ctx.arg(0))?;
        // Before the other place is climbed from, so that a record names this one.
        subject.allowed(|active| file::access(&source, Access::READ, active))?;
        let place = beneath(subject, ctx.arg(1), ctx.arg(2))?;
        subject.allowed(|active| file::link(&source, place, active))
    })
}

#[lsm(hook = "path_truncate")]
pub(crate) fn path_truncate(ctx: LsmContext) -> i32 {
    scope::judge(EventKind::Truncate, |subject| changeable(subject, ctx.arg(0)))
}

#[lsm(hook = "path_chmod")]
pub(crate) fn path_chmod(ctx: LsmContext) -> i32 {
    scope::judge(EventKind::Attributes, |subject| changeable(subject, ctx.arg(0)))
}

#[lsm(hook = "path_chown")]
pub(crate) fn path_chown(ctx: LsmContext) -> i32 {
    scope::judge(EventKind::Attributes, |subject| changeable(subject, ctx.arg(0)))
}

/// An entry of a directory, which need not exist yet.
#[inline(always)]
fn beneath<'a>(subject: &Subject, directory: *const u8, dentry: *const u8) -> Result<&'a Entry, Denial> {
    // SAFETY: the task's own storage.
    unsafe { (*subject.task).decision.access = Access::WRITE };
    let mount = Typed::new(directory).follow(&PATH_MOUNT);
    climb::climb(subject, mount, Typed::new(dentry))?;
    Ok(climb::found(subject))
}

#[inline(always)]
fn writable(subject: &Subject, directory: *const u8, dentry: *const u8) -> Result<(), Denial> {
    let entry = beneath(subject, directory, dentry)?;
    subject.allowed(|active| file::access(entry, Access::WRITE, active))
}

#[inline(always)]
fn removable(subject: &Subject, directory: *const u8, dentry: *const u8) -> Result<(), Denial> {
    let entry = beneath(subject, directory, dentry)?;
    subject.allowed(|active| file::detach(entry, active))
}

/// An object by its `struct path`.
#[inline(always)]
fn changeable(subject: &Subject, path: *const u8) -> Result<(), Denial> {
    // SAFETY: the task's own storage.
    unsafe { (*subject.task).decision.access = Access::WRITE };
    climb::path(subject, Typed::new(path))?;
    subject.allowed(|active| file::access(climb::found(subject), Access::WRITE, active))
}

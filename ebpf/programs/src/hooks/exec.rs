//! Executing programs and mapping code.

use abi::{Access, Bucket, EventKind};
use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use verdict::{Denial, file};

use crate::climb::{self, Place};
use crate::fields::{
    AREA_FILE, BINPRM_FILE, DENTRY_INODE, FILE_PATH, INODE_LINKS, PATH_DENTRY, TASK_PERSONALITY,
};
use crate::kernel::Typed;
use crate::rate;
use crate::scope::{self, Subject};

/// `PROT_READ` and `PROT_EXEC` (Linux `mman-common.h`).
const PROT_READ: u64 = 1;
const PROT_EXEC: u64 = 4;
/// `READ_IMPLIES_EXEC` (Linux `personality.h`): what is mapped for reading becomes executable after the hook was asked.
const READ_IMPLIES_EXEC: u32 = 0x0040_0000;

/// Called once for each `execve`: the mark of a server that is being started takes effect here, before its program is
/// looked at.
#[lsm(hook = "bprm_creds_for_exec")]
pub(crate) fn bprm_creds_for_exec(_: LsmContext) -> i32 {
    scope::judge_armed(EventKind::Exec, |subject| {
        rate::one(subject, Bucket::Exec)?;
        // SAFETY: a map value.
        unsafe { rate::add(&raw mut (*subject.state).execs, 1) };
        Ok(())
    })
}

/// Called for the program and again for its interpreter (`#!`), each time with the resolved file.
#[lsm(hook = "bprm_check_security")]
pub(crate) fn bprm_check_security(ctx: LsmContext) -> i32 {
    scope::judge(EventKind::Exec, |subject| {
        // SAFETY: the task's own storage.
        unsafe { (*subject.task).decision.access = Access::EXECUTE };
        let path = Typed::new(ctx.arg(0)).follow(&BINPRM_FILE).within(&FILE_PATH);
        climb::path(subject, path)?;
        // A program must have a name: one that was removed, or that is only in memory, is nobody's grant.
        let linked = has_links(path);
        subject.allowed(|active| file::program(climb::found(subject), linked, active))
    })
}

#[lsm(hook = "mmap_file")]
pub(crate) fn mmap_file(ctx: LsmContext) -> i32 {
    let wanted: u64 = ctx.arg(1);
    if wanted & (PROT_EXEC | PROT_READ) == 0 {
        return 0;
    }
    scope::judge(EventKind::MapCode, |subject| {
        let implied = subject.current.word(&TASK_PERSONALITY) & READ_IMPLIES_EXEC != 0;
        if wanted & PROT_EXEC == 0 && !implied {
            return Ok(());
        }
        let file = Typed::new(ctx.arg(0));
        // Some kernels' verifiers believe that there always is a file, so that only the number tells; others want to see
        // the pointer compared.
        if file.address(subject.task).0 == 0 || file.is_null() {
            return Ok(());
        }
        code(subject, file)
    })
}

#[lsm(hook = "file_mprotect")]
pub(crate) fn file_mprotect(ctx: LsmContext) -> i32 {
    let wanted: u64 = ctx.arg(2);
    if wanted & PROT_EXEC == 0 {
        return 0;
    }
    scope::judge(EventKind::MapCode, |subject| {
        let file = Typed::new(ctx.arg(0)).follow(&AREA_FILE);
        if file.is_null() {
            return Ok(());
        }
        code(subject, file)
    })
}

#[inline(always)]
fn code(subject: &Subject, file: Typed) -> Result<(), Denial> {
    // SAFETY: the task's own storage.
    unsafe { (*subject.task).decision.access = Access::EXECUTE };
    let path = file.within(&FILE_PATH);
    let place = climb::path(subject, path)?;
    let linked = place == Place::Rooted && has_links(path);
    subject.allowed(|active| file::code(climb::found(subject), linked, active, subject.flags))
}

/// Whether an opened file still has a name.
#[inline(always)]
fn has_links(path: Typed) -> bool {
    let inode = path.follow(&PATH_DENTRY).follow(&DENTRY_INODE);
    !inode.is_null() && inode.word(&INODE_LINKS) != 0
}

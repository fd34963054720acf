//! Other processes, and what no policy grants: bpf, mounts, user namespaces, io_uring with other rights.

use abi::{EventKind, Reason};
use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use verdict::Denial;

use crate::fields::TASK_TGID;
use crate::kernel::Typed;
use crate::scope::{self, Subject};

/// `PTRACE_MODE_NOAUDIT` (Linux `ptrace.h`): the kernel asks what it may show of a process in `/proc`.
const UNASKED: u32 = 4;

#[lsm(hook = "ptrace_access_check")]
pub(crate) fn ptrace_access_check(ctx: LsmContext) -> i32 {
    if ctx.arg::<u32>(1) & UNASKED != 0 {
        return scope::judge_silently(|subject| fellow(subject, ctx.arg(0)));
    }
    scope::judge(EventKind::Trace, |subject| fellow(subject, ctx.arg(0)))
}

#[lsm(hook = "ptrace_traceme")]
pub(crate) fn ptrace_traceme(ctx: LsmContext) -> i32 {
    scope::judge(EventKind::Trace, |subject| fellow(subject, ctx.arg(0)))
}

#[lsm(hook = "task_kill")]
pub(crate) fn task_kill(ctx: LsmContext) -> i32 {
    scope::judge(EventKind::Signal, |subject| fellow(subject, ctx.arg(0)))
}

#[lsm(hook = "bpf")]
pub(crate) fn bpf(ctx: LsmContext) -> i32 {
    scope::judge(EventKind::Bpf, |subject| never(subject, ctx.arg(0)))
}

#[lsm(hook = "sb_mount")]
pub(crate) fn sb_mount(_: LsmContext) -> i32 {
    scope::judge(EventKind::Mount, |subject| never(subject, 0))
}

#[lsm(hook = "sb_umount")]
pub(crate) fn sb_umount(_: LsmContext) -> i32 {
    scope::judge(EventKind::Mount, |subject| never(subject, 0))
}

#[lsm(hook = "sb_pivotroot")]
pub(crate) fn sb_pivotroot(_: LsmContext) -> i32 {
    scope::judge(EventKind::Mount, |subject| never(subject, 0))
}

#[lsm(hook = "move_mount")]
pub(crate) fn move_mount(_: LsmContext) -> i32 {
    scope::judge(EventKind::Mount, |subject| never(subject, 0))
}

#[lsm(hook = "userns_create")]
pub(crate) fn userns_create(_: LsmContext) -> i32 {
    scope::judge(EventKind::Namespace, |subject| never(subject, 0))
}

#[lsm(hook = "uring_override_creds")]
pub(crate) fn uring_override_creds(_: LsmContext) -> i32 {
    scope::judge(EventKind::Uring, |subject| never(subject, 0))
}

#[lsm(hook = "uring_sqpoll")]
pub(crate) fn uring_sqpoll(_: LsmContext) -> i32 {
    scope::judge(EventKind::Uring, |subject| never(subject, 0))
}

/// A task of the same session.
#[inline(always)]
fn fellow(subject: &Subject, other: *const u8) -> Result<(), Denial> {
    let other = Typed::new(other);
    let mark = scope::mark(other);
    // SAFETY: what the helper returns is a map value or null.
    if !mark.is_null() && unsafe { (*mark).slot } == subject.slot {
        return Ok(());
    }
    // SAFETY: the task's own storage.
    unsafe { (*subject.task).decision.access = other.word(&TASK_TGID) };
    Err(Denial::of(Reason::Foreign))
}

#[inline(always)]
fn never(subject: &Subject, told: u32) -> Result<(), Denial> {
    // SAFETY: the task's own storage.
    unsafe { (*subject.task).decision.access = told };
    Err(Denial::of(Reason::Kind))
}

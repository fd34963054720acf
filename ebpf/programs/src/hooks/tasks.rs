//! Tasks begin with their parent's mark, and a session ends with its supervisor.

use abi::{Bucket, EventKind, STATE_NEXT_EXEC};
use aya_ebpf::EbpfContext;
use aya_ebpf::macros::{lsm, raw_tracepoint};
use aya_ebpf::programs::{LsmContext, RawTracePointContext};

use crate::kernel::Typed;
use crate::maps::{STATES, SUPERVISORS};
use crate::scope::{self, Found};
use crate::{denial, rate};

const ENOMEM: i32 = -12;

/// A task that cannot inherit the mark is not made.
#[lsm(hook = "task_alloc")]
pub(crate) fn task_alloc(ctx: LsmContext) -> i32 {
    let (task, current) = match scope::find() {
        Found::Outside => return 0,
        Found::Stranger(slot, unread) => return denial::stranger(slot, EventKind::Fork, unread),
        Found::Marked(task, current) => (task, current),
    };
    let child = scope::make_mark(Typed::new(ctx.arg(0)));
    if child.is_null() {
        return ENOMEM;
    }
    // SAFETY: both are map values, and nobody runs the child yet.
    let state = unsafe {
        (*child).state = (*task).state;
        (*child).slot = (*task).slot;
        (*task).state
    };
    if state == STATE_NEXT_EXEC {
        return 0;
    }
    let forked = scope::enter(task, current).and_then(|subject| rate::one(&subject, Bucket::Fork));
    match forked {
        Ok(()) => 0,
        Err(reason) => denial::deny(task, EventKind::Fork, reason),
    }
}

/// The process that ends is a supervisor: nothing of its session is allowed any more. This comes before its descriptors
/// are closed, which keep the addresses of the rules' objects.
#[raw_tracepoint(tracepoint = "sched_process_exit")]
pub(crate) fn sched_process_exit(ctx: RawTracePointContext) -> i32 {
    let (process, thread) = (ctx.tgid(), ctx.pid());
    if process != thread {
        return 0;
    }
    // SAFETY: the value is a number that is read once.
    let Some(slot) = (unsafe { SUPERVISORS.get(process) }).copied() else { return 0 };
    if let Some(state) = STATES.get_ptr_mut(slot) {
        // SAFETY: a map value.
        unsafe { (&raw mut (*state).dead).write_volatile(1) };
    }
    0
}

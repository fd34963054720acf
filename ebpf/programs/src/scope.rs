//! Whose task is it? The mark in its task storage says so; its cgroup says so too, and both must agree.
//!
//! A task without a mark in a cgroup without a session is none of our business: it pays for a pointer and a bit.

use core::ptr;

use abi::{
    ALWAYS, EventKind, Policy, Reason, STATE_ARMED, STATE_NEXT_EXEC, Session, State, Task, rules_of, scope_bit,
};
use aya_ebpf::bindings::BPF_LOCAL_STORAGE_GET_F_CREATE;
use aya_ebpf::helpers::generated::{
    bpf_get_current_cgroup_id, bpf_get_current_task_btf, bpf_task_storage_get,
};
use verdict::Denial;

use crate::denial;
use crate::fields::TASK_STORAGE;
use crate::kernel::Typed;
use crate::maps::{ACTIVE, CGROUPS, POLICIES, SCOPE_FILTER, SESSIONS, STATES, TASKS};

/// A task of a session whose mark is in effect.
#[derive(Clone, Copy)]
pub(crate) struct Subject {
    /// Its mark.
    pub(crate) task: *mut Task,
    /// The task itself.
    pub(crate) current: Typed,
    /// The session's slot.
    pub(crate) slot: u32,
    /// The number of the policy that holds: of one decision, whatever comes into force meanwhile.
    pub(crate) rules: u32,
    /// The policy's flags.
    pub(crate) flags: u32,
    /// The session.
    pub(crate) session: *const Session,
    /// The policy.
    pub(crate) policy: *const Policy,
    /// The session's state.
    pub(crate) state: *mut State,
}

impl Subject {
    /// Decides under the active set. Whatever a decision allows to fewer classes it allows to more, so that the set is
    /// asked for only where what always holds is not enough.
    #[inline(always)]
    pub(crate) fn allowed(&self, decide: impl Fn(u64) -> Result<(), Denial>) -> Result<(), Denial> {
        if decide(ALWAYS).is_ok() {
            return Ok(());
        }
        match ACTIVE.get_value(self.slot, &0) {
            // SAFETY: a map value; the supervisor stores the word while it is read.
            Some(active) => decide(unsafe { (&raw const active.mask).read_volatile() }),
            None => Err(Denial::of(Reason::Internal)),
        }
    }
}

/// What was found about the current task.
pub(crate) enum Found {
    /// No session's.
    Outside,
    /// It has a mark.
    Marked(*mut Task, Typed),
    /// It has no mark (`true`: none that could be read) in the cgroup of the session in this slot.
    Stranger(u32, bool),
}

/// Decides about the current task: 0 outside of sessions and for what is allowed.
#[inline(always)]
pub(crate) fn judge(kind: EventKind, decide: impl FnOnce(&Subject) -> Result<(), Denial>) -> i32 {
    judge_in::<false>(|| kind, decide)
}

/// The same, where what it is called depends on the object: that is asked only for a denial.
#[inline(always)]
pub(crate) fn judge_as(
    kind: impl Fn() -> EventKind,
    decide: impl FnOnce(&Subject) -> Result<(), Denial>,
) -> i32 {
    judge_in::<false>(kind, decide)
}

/// The same, and a mark that waits for the next program takes effect first.
#[inline(always)]
pub(crate) fn judge_armed(kind: EventKind, decide: impl FnOnce(&Subject) -> Result<(), Denial>) -> i32 {
    judge_in::<true>(|| kind, decide)
}

#[inline(always)]
fn judge_in<const ARMS: bool>(
    kind: impl Fn() -> EventKind,
    decide: impl FnOnce(&Subject) -> Result<(), Denial>,
) -> i32 {
    let (task, current) = match find() {
        Found::Outside => return 0,
        Found::Stranger(slot, unread) => return denial::stranger(slot, kind(), unread),
        Found::Marked(task, current) => (task, current),
    };
    // SAFETY: a mark is a map value of the current task.
    unsafe {
        if ARMS {
            (*task).state = STATE_ARMED;
        } else if (*task).state == STATE_NEXT_EXEC {
            return 0;
        }
    }
    match enter(task, current).and_then(|subject| decide(&subject)) {
        Ok(()) => 0,
        Err(reason) => denial::deny(task, kind(), reason),
    }
}

/// Decides without a record: the kernel asks for itself what it may show.
#[inline(always)]
pub(crate) fn judge_silently(decide: impl FnOnce(&Subject) -> Result<(), Denial>) -> i32 {
    let (task, current) = match find() {
        Found::Outside => return 0,
        Found::Stranger(..) => return denial::EPERM,
        Found::Marked(task, current) => (task, current),
    };
    // SAFETY: a mark is a map value of the current task.
    if unsafe { (*task).state } == STATE_NEXT_EXEC {
        return 0;
    }
    match enter(task, current).and_then(|subject| decide(&subject)) {
        Ok(()) => 0,
        Err(_) => denial::EPERM,
    }
}

/// Looks for the current task's mark, and for its cgroup if there is none.
#[inline(always)]
pub(crate) fn find() -> Found {
    // SAFETY: the helper has no preconditions.
    let current = Typed::new(unsafe { bpf_get_current_task_btf() }.cast::<u8>());
    let stored = !current.follow(&TASK_STORAGE).is_null();
    if stored {
        let task = mark(current);
        // SAFETY: what the helper returns is a map value or null.
        if !task.is_null() && unsafe { (*task).slot } != 0 {
            return Found::Marked(task, current);
        }
    }
    match cgroup_slot() {
        Some(slot) => Found::Stranger(slot, stored),
        None => Found::Outside,
    }
}

/// A task's mark; null if it has none.
#[inline(always)]
pub(crate) fn mark(task: Typed) -> *mut Task {
    // SAFETY: the map is a task storage of `Task`, and the verifier knows the task.
    unsafe { bpf_task_storage_get(TASKS.map(), task.raw().cast(), ptr::null_mut(), 0) }.cast()
}

/// A new mark for a task that has none, all zero; null if there is no memory.
#[inline(always)]
pub(crate) fn make_mark(task: Typed) -> *mut Task {
    let create = u64::from(BPF_LOCAL_STORAGE_GET_F_CREATE);
    // SAFETY: as in `mark`.
    unsafe { bpf_task_storage_get(TASKS.map(), task.raw().cast(), ptr::null_mut(), create) }.cast()
}

/// The slot of the session whose cgroup the current task is in.
#[inline(always)]
fn cgroup_slot() -> Option<u32> {
    // SAFETY: the helper has no preconditions.
    let cgroup = unsafe { bpf_get_current_cgroup_id() };
    let (word, bit) = scope_bit(cgroup);
    if SCOPE_FILTER.get(word) & bit == 0 {
        return None;
    }
    // SAFETY: the value is a number that is read once.
    unsafe { CGROUPS.get(cgroup) }.copied()
}

/// A marked task's session, if it lives and the task is where its mark says.
#[inline(always)]
pub(crate) fn enter(task: *mut Task, current: Typed) -> Result<Subject, Denial> {
    // SAFETY: a mark is a map value of the current task. Nothing is left of the last decision that could be told.
    let slot = unsafe {
        (*task).depth = 0;
        (*task).decision.access = 0;
        // Word by word: the compiler would make a loop over bytes of it.
        let address = (&raw mut (*task).decision.address).cast::<u64>();
        address.write_volatile(0);
        address.add(1).write_volatile(0);
        address.add(2).write_volatile(0);
        (*task).slot
    };
    let Some(session) = SESSIONS.get_ptr(slot) else { return Err(Denial::of(Reason::Internal)) };
    let Some(state) = STATES.get_ptr_mut(slot) else { return Err(Denial::of(Reason::Internal)) };
    // SAFETY: both are map values, and each of these is a word that is read once.
    let (live, revision, cgroup, dead) = unsafe {
        (
            (&raw const (*session).live).read_volatile(),
            (&raw const (*session).revision).read_volatile(),
            (*session).cgroup,
            (&raw const (*state).dead).read_volatile(),
        )
    };
    if live == 0 || dead != 0 {
        return Err(Denial::of(Reason::Orphan));
    }
    // SAFETY: the helper has no preconditions.
    if cgroup != 0 && unsafe { bpf_get_current_cgroup_id() } != cgroup {
        return Err(Denial::of(Reason::Escape));
    }
    let rules = rules_of(slot, revision);
    let Some(policy) = POLICIES.get_ptr(rules) else { return Err(Denial::of(Reason::Internal)) };
    // SAFETY: a map value.
    let flags = unsafe { (*policy).flags };
    Ok(Subject { task, current, slot, rules, flags, session, policy, state })
}

//! A denial: it is recorded, and the task is killed where the policy says so.

use core::ptr;

use abi::{
    Action, Bucket, Component, Event, EventKind, MAX_DEPTH, MAX_NAME, MAX_PAYLOAD, Reason, Session,
    SocketAddress, State, Task, session_flags,
};
use aya_ebpf::helpers::generated::{
    bpf_get_current_comm, bpf_get_current_pid_tgid, bpf_ktime_get_ns, bpf_probe_read_kernel,
    bpf_ringbuf_reserve, bpf_ringbuf_submit, bpf_send_signal,
};
use verdict::{Denial, action};

use crate::fields::{DENTRY_NAME, NAME_BYTES};
use crate::kernel::Raw;
use crate::maps::{ACTIVE, EVENTS, SESSIONS, STATES};
use crate::rate;

const EPERM: i32 = -1;
const EAGAIN: i32 = -11;
const SIGKILL: u32 = 9;
/// What the payload of most paths fits in, with room for one more name.
const SHORT_PAYLOAD: usize = 512;
const ONE_NAME: usize = MAX_NAME + 1;

/// A record in the ring.
#[repr(C)]
struct Record<const PAYLOAD: usize> {
    event: Event,
    payload: [u8; PAYLOAD],
}

/// Denies what a marked task wants; returns the hook's answer.
#[inline(always)]
pub(crate) fn deny(task: *mut Task, kind: EventKind, denial: Denial) -> i32 {
    // SAFETY: the task's own storage.
    unsafe { (*task).decision.rule = denial.rule };
    refuse(task, u32::from(kind as u16), denial.reason as u32);
    if kind as u16 == EventKind::Fork as u16 && denial.reason as u8 == Reason::Rate as u8 {
        return EAGAIN;
    }
    EPERM
}

/// Denies what a task without a mark wants in a session's cgroup. `unread`: there may be a mark that could not be read
/// (kernels before 6.2 give up when the storage is in use on the same processor); that is no reason to kill.
#[inline(always)]
pub(crate) fn stranger(slot: u32, kind: EventKind, unread: bool) -> i32 {
    let reason = if unread { Reason::Internal } else { Reason::Escape };
    refuse_stranger(slot, u32::from(kind as u16), reason as u32);
    EPERM
}

/// Records a denial and kills. A boundary of the verifier.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn refuse(task: *mut Task, kind: u32, reason: u32) -> u32 {
    if task.is_null() {
        return 1;
    }
    // SAFETY: the task's own storage.
    let slot = unsafe { (*task).slot };
    let (Some(session), Some(state)) = (SESSIONS.get(slot), STATES.get_ptr_mut(slot)) else { return 1 };
    let killed = kill(session, slot, kind, reason);
    let head = Head::new(slot, state, kind, reason, killed);
    let written = if longer(task) {
        record::<MAX_PAYLOAD>(&head, task)
    } else {
        record::<SHORT_PAYLOAD>(&head, task)
    };
    account(state, kind, written)
}

/// The same for a task without a mark. A boundary of the verifier.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn refuse_stranger(slot: u32, kind: u32, reason: u32) -> u32 {
    let (Some(session), Some(state)) = (SESSIONS.get(slot), STATES.get_ptr_mut(slot)) else { return 1 };
    let killed = kill(session, slot, kind, reason);
    let head = Head::new(slot, state, kind, reason, killed);
    let written = reserve::<0>().is_some_and(|record| {
        // SAFETY: reserved, and handed in right after.
        unsafe {
            head.write(&raw mut (*record).event);
            who(&raw mut (*record).event);
            submit(record);
        }
        true
    });
    account(state, kind, written)
}

/// Kills the current task if the policy says so, and says whether.
#[inline(always)]
fn kill(session: &Session, slot: u32, kind: u32, reason: u32) -> bool {
    // SAFETY: the helper has no preconditions.
    let process = (unsafe { bpf_get_current_pid_tgid() } >> 32) as u32;
    if process == session.canary {
        return false;
    }
    let repeated = session.flags & session_flags::KILL_REPEATED != 0
        && rate::take(slot, Bucket::Denial as u32, 1) != 0;
    if !action::kills(kind, reason, session.flags, repeated) {
        return false;
    }
    // SAFETY: the helper has no preconditions.
    unsafe { bpf_send_signal(SIGKILL) };
    true
}

/// Counts a record that the ring had no room for.
#[inline(always)]
fn account(state: *mut State, kind: u32, written: bool) -> u32 {
    if !written {
        // SAFETY: a map value, within the array.
        unsafe {
            let counter = (&raw mut (*state).dropped).cast::<u64>().add(kind as usize & 31);
            rate::add(counter, 1);
        }
    }
    0
}

/// What every record says.
pub(crate) struct Head {
    sequence: u64,
    time_ns: u64,
    active: u64,
    call: u64,
    slot: u32,
    kind: u16,
    action: u8,
    reason: u8,
}

impl Head {
    /// Takes the next number of the session.
    #[inline(always)]
    pub(crate) fn new(slot: u32, state: *mut State, kind: u32, reason: u32, killed: bool) -> Self {
        // SAFETY: a map value.
        let sequence = unsafe { rate::add(&raw mut (*state).sequence, 1) } + 1;
        let (active, call) = ACTIVE.get_value(slot, &0).map_or((0, 0), |active| (active.mask, active.call));
        Self {
            sequence,
            // SAFETY: the helper has no preconditions.
            time_ns: unsafe { bpf_ktime_get_ns() },
            active,
            call,
            slot,
            kind: kind as u16,
            action: if killed { Action::Killed } else { Action::Denied } as u8,
            reason: reason as u8,
        }
    }

    /// Writes every field of the event; those that only some kinds have are zero.
    ///
    /// # Safety
    /// `event` can be written to.
    #[inline(always)]
    pub(crate) unsafe fn write(&self, event: *mut Event) {
        // SAFETY: the caller's promise.
        unsafe {
            (*event).sequence = self.sequence;
            (*event).time_ns = self.time_ns;
            (*event).active = self.active;
            (*event).call = self.call;
            (*event).slot = self.slot;
            (*event).process = 0;
            (*event).thread = 0;
            (*event).rule = abi::NO_RULE;
            (*event).access = 0;
            (*event).length = 0;
            (*event).kind = self.kind;
            (*event).action = self.action;
            (*event).reason = self.reason;
            (*event).padding = 0;
            (*event).address = SocketAddress { address: [0; 16], port: 0, family: 0, protocol: 0, padding: 0 };
            (*event).name = [0; 16];
        }
    }
}

/// The process, the thread and its name.
///
/// # Safety
/// `event` can be written to, and the program runs for the task that asks.
#[inline(always)]
pub(crate) unsafe fn who(event: *mut Event) {
    // SAFETY: the caller's promise.
    unsafe {
        let ids = bpf_get_current_pid_tgid();
        (*event).process = (ids >> 32) as u32;
        (*event).thread = ids as u32;
        bpf_get_current_comm((&raw mut (*event).name).cast(), 16);
    }
}

/// Whether the path is too long for a short record.
#[inline(always)]
fn longer(task: *const Task) -> bool {
    let mut total = 0;
    for index in 0..MAX_DEPTH {
        // SAFETY: the task's own storage, within the array.
        unsafe {
            if index >= (*task).depth as usize {
                break;
            }
            total += (*(&raw const (*task).path).cast::<Component>().add(index)).length + 1;
        }
    }
    total > (SHORT_PAYLOAD - ONE_NAME) as u32
}

/// Writes a record with the path; `false` if the ring is full.
#[inline(always)]
fn record<const PAYLOAD: usize>(head: &Head, task: *mut Task) -> bool {
    let Some(record) = reserve::<PAYLOAD>() else { return false };
    // SAFETY: reserved, and handed in at the end; the task's own storage.
    unsafe {
        let event = &raw mut (*record).event;
        head.write(event);
        who(event);
        (*event).rule = (*task).decision.rule;
        (*event).access = (*task).decision.access;
        (*event).address = (*task).decision.address;
        (*event).length = names(task, (&raw mut (*record).payload).cast(), PAYLOAD - ONE_NAME);
        submit(record);
    }
    true
}

/// Writes the names, the object's first, as long as one more fits; returns how many bytes there are.
///
/// # Safety
/// `payload` has `last` bytes and [`ONE_NAME`] more.
#[inline(always)]
unsafe fn names(task: *const Task, payload: *mut u8, last: usize) -> u32 {
    let mut at = 0;
    for index in 0..MAX_DEPTH {
        // SAFETY: the caller's promise, and the task's own storage within the array.
        unsafe {
            if index >= (*task).depth as usize || at > last {
                break;
            }
            let component = (&raw const (*task).path).cast::<Component>().add(index);
            let length = ((*component).length as usize).min(MAX_NAME);
            if length != 0 {
                let name = Raw((*component).dentry).within(&DENTRY_NAME).follow(&NAME_BYTES);
                let Some(name) = name else { break };
                bpf_probe_read_kernel(payload.add(at).cast(), length as u32, name.0 as *const _);
                at += length;
            }
            payload.add(at).write(0);
            at += 1;
            if length == 0 {
                break;
            }
        }
    }
    at as u32
}

#[inline(always)]
fn reserve<const PAYLOAD: usize>() -> Option<*mut Record<PAYLOAD>> {
    let ring = ptr::from_ref(&EVENTS).cast_mut().cast();
    // SAFETY: the map is a ring buffer, and the size a constant.
    let record = unsafe { bpf_ringbuf_reserve(ring, size_of::<Record<PAYLOAD>>() as u64, 0) };
    if record.is_null() { None } else { Some(record.cast()) }
}

/// # Safety
/// The record was reserved and all of it that will be read was written.
#[inline(always)]
unsafe fn submit<const PAYLOAD: usize>(record: *mut Record<PAYLOAD>) {
    // SAFETY: the caller's promise.
    unsafe { bpf_ringbuf_submit(record.cast(), 0) };
}

//! A denial: it is recorded, and the task is killed where the policy says so.

use core::mem::offset_of;
use core::ptr;

use abi::{
    Action, Bucket, Component, Event, EventKind, MAX_DEPTH, MAX_NAME, MAX_PAYLOAD, Reason, Session, State,
    Task, rules_of, session_flags,
};
use aya_ebpf::helpers::generated::{
    bpf_get_current_comm, bpf_get_current_pid_tgid, bpf_ktime_get_ns, bpf_probe_read_kernel,
    bpf_ringbuf_reserve, bpf_ringbuf_submit, bpf_send_signal,
};
use verdict::{Denial, action};

use crate::climb;
use crate::fields::DENTRY_BYTES;
use crate::kernel::{Memory, Raw, opaque};
use crate::maps::{ACTIVE, EVENTS, POLICIES, PROOFS, SESSIONS, STATES};
use crate::rate;

/// The answer to what is denied.
pub(crate) const EPERM: i32 = -1;
const EAGAIN: i32 = -11;
const SIGKILL: u32 = 9;
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
    let canary = is_canary(session);
    let killed = !canary && kill(session, slot, kind, reason);
    let head = Head::new(slot, state, kind, reason, killed, canary);
    whole_path(task);
    let written = record(&head, task, canary);
    account(state, kind, written, canary)
}

/// The same for a task without a mark. A boundary of the verifier.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn refuse_stranger(slot: u32, kind: u32, reason: u32) -> u32 {
    let (Some(session), Some(state)) = (SESSIONS.get(slot), STATES.get_ptr_mut(slot)) else { return 1 };
    let canary = is_canary(session);
    let killed = !canary && kill(session, slot, kind, reason);
    let head = Head::new(slot, state, kind, reason, killed, canary);
    let written = reserve::<0>(canary).is_some_and(|record| {
        // SAFETY: reserved, and handed in right after.
        unsafe {
            head.write(&raw mut (*record).event);
            who(&raw mut (*record).event);
            submit(record);
        }
        true
    });
    account(state, kind, written, canary)
}

/// Records what the control group's programs deny. They cannot kill: before Linux 6.16 they have no signals. `TASK`: the
/// current task is the one that asks.
#[inline(always)]
pub(crate) fn gate<const TASK: bool>(slot: u32, kind: EventKind, denial: Denial, address: &[u64; 3]) {
    let Some(state) = STATES.get_ptr_mut(slot) else { return };
    let kind = u32::from(kind as u16);
    let canary = TASK && SESSIONS.get(slot).is_some_and(is_canary);
    let head = Head::new(slot, state, kind, denial.reason as u32, false, canary);
    let written = reserve::<0>(canary).is_some_and(|record| {
        // SAFETY: reserved, and handed in right after.
        unsafe {
            let event = &raw mut (*record).event;
            head.write(event);
            if TASK {
                who(event);
            }
            (*event).rule = denial.rule;
            (*event).access = if denial.reason as u8 == Reason::Rate as u8 {
                denial.limit
            } else {
                (address[2] >> 16) as u32 & 0xffff
            };
            (&raw mut (*event).address).cast::<[u64; 3]>().write(*address);
            submit(record);
        }
        true
    });
    account(state, kind, written, canary);
}

/// Whether the current task is the session's canary, at work. A number that is used again later is not.
#[inline(always)]
fn is_canary(session: &Session) -> bool {
    // SAFETY: the helpers have no preconditions.
    unsafe {
        (bpf_get_current_pid_tgid() >> 32) as u32 == session.canary
            && bpf_ktime_get_ns() < session.canary_until
    }
}

/// Kills the current task if the policy says so, and says whether.
#[inline(always)]
fn kill(session: &Session, slot: u32, kind: u32, reason: u32) -> bool {
    // SAFETY: a map value, read once.
    let revision = unsafe { (&raw const session.revision).read_volatile() };
    let rules = rules_of(slot, revision);
    let Some(policy) = POLICIES.get(rules) else { return false };
    let repeated =
        policy.flags & session_flags::KILL_REPEATED != 0 && rate::take(rules, Bucket::Denial as u32, 1) != 0;
    if !action::kills(kind, reason, policy.flags, repeated) {
        return false;
    }
    // SAFETY: the helper has no preconditions.
    unsafe { bpf_send_signal(SIGKILL) };
    true
}

/// Counts a record that the ring had no room for.
#[inline(always)]
fn account(state: *mut State, kind: u32, written: bool, canary: bool) -> u32 {
    if !written {
        let kind = if canary { abi::CANARYS as u32 } else { kind };
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
    /// Takes the next number of the session, but for a canary's, which has none.
    #[inline(always)]
    pub(crate) fn new(
        slot: u32,
        state: *mut State,
        kind: u32,
        reason: u32,
        killed: bool,
        canary: bool,
    ) -> Self {
        // SAFETY: a map value.
        let sequence = if canary { 0 } else { 1 + unsafe { rate::add(&raw mut (*state).sequence, 1) } };
        let (active, call) = match ACTIVE.get_value_ptr_mut(slot, &0) {
            None => (0, 0),
            // SAFETY: a map value; each is a word of its own, which others store meanwhile.
            Some(page) => unsafe {
                if !canary {
                    rate::add(&raw mut (*page).told, 1);
                }
                ((&raw const (*page).mask).read_volatile(), (&raw const (*page).call).read_volatile())
            },
        };
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
            (&raw mut (*event).address).cast::<[u64; 3]>().write([0; 3]);
            (&raw mut (*event).name).cast::<[u64; 2]>().write([0; 2]);
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

// Both structures have the address at a multiple of 8, where it is copied in whole words.
const _: () = assert!(offset_of!(Event, address) % 8 == 0 && offset_of!(abi::Decision, address) % 8 == 0);

/// The climb ends where it is decided, and a record names the whole path.
#[inline(always)]
fn whole_path(task: *mut Task) {
    // SAFETY: the task's own storage.
    unsafe {
        if (*task).depth != 0 {
            let object = (&raw const (*task).path).cast::<Component>();
            // What cannot be followed is told as far as it can.
            climb::climb_mounts(task, 0, (*task).mount, (*object).dentry);
        }
    }
}

/// Writes a record with the path; `false` if the ring is full.
#[inline(always)]
fn record(head: &Head, task: *mut Task, canary: bool) -> bool {
    let Some(record) = reserve::<MAX_PAYLOAD>(canary) else { return false };
    // SAFETY: reserved, and handed in at the end; the task's own storage.
    unsafe {
        let event = &raw mut (*record).event;
        head.write(event);
        who(event);
        (*event).rule = (*task).decision.rule;
        (*event).access = (*task).decision.access;
        let address = (&raw const (*task).decision.address).cast::<[u64; 3]>().read();
        (&raw mut (*event).address).cast::<[u64; 3]>().write(address);
        names(task, record);
        submit(record);
    }
    true
}

/// Writes the names, the object's first, as long as one more fits.
///
/// # Safety
/// The record was reserved.
#[inline(always)]
unsafe fn names(task: *mut Task, record: *mut Record<MAX_PAYLOAD>) {
    for index in 0..MAX_DEPTH {
        // SAFETY: the caller's promise; the task's own storage.
        if index >= unsafe { (*task).depth } as usize || tell_name(task, record, index as u32) == 0 {
            break;
        }
    }
}

/// Writes the name of a component behind those that are in the record, and keeps their bytes' number in the event; 0 if
/// it was the last one. A boundary of the verifier.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn tell_name(task: *mut Task, record: *mut Record<MAX_PAYLOAD>, index: u32) -> u32 {
    if task.is_null() || record.is_null() {
        return 0;
    }
    let mut memory = Memory::new();
    // SAFETY: the record was reserved; the task's own storage within the array, and `ONE_NAME` more bytes of payload.
    unsafe {
        let at = opaque((*record).event.length as usize);
        if at > MAX_PAYLOAD - ONE_NAME {
            return 0;
        }
        let component =
            (&raw const (*task).path).cast::<Component>().add(opaque(index as usize) & (MAX_DEPTH - 1));
        let whole = (*component).length;
        let mut length = 0;
        let name = (&raw mut (*record).payload).cast::<u8>().add(at);
        if whole != 0 {
            length = whole & MAX_NAME as u32;
            let bytes = memory.follow(Raw((*component).dentry), &DENTRY_BYTES);
            bpf_probe_read_kernel(name.cast(), length, bytes.0 as *const _);
        }
        name.add(length as usize).write(0);
        (*record).event.length = at as u32 + length + 1;
        whole
    }
}

#[inline(always)]
fn reserve<const PAYLOAD: usize>(canary: bool) -> Option<*mut Record<PAYLOAD>> {
    let bytes = size_of::<Record<PAYLOAD>>() as u64;
    // SAFETY: the maps are ring buffers, and the size a constant. Two calls: each has one map, as every verifier wants it.
    let record = unsafe {
        if canary {
            bpf_ringbuf_reserve(ptr::from_ref(&PROOFS).cast_mut().cast(), bytes, 0)
        } else {
            bpf_ringbuf_reserve(ptr::from_ref(&EVENTS).cast_mut().cast(), bytes, 0)
        }
    };
    if record.is_null() { None } else { Some(record.cast()) }
}

/// # Safety
/// The record was reserved and all of it that will be read was written.
#[inline(always)]
unsafe fn submit<const PAYLOAD: usize>(record: *mut Record<PAYLOAD>) {
    // SAFETY: the caller's promise.
    unsafe { bpf_ringbuf_submit(record.cast(), 0) };
}

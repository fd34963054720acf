//! The session's tables behind the look-ups of `verdict`, and the path in the task's storage in front of them.

use abi::{
    Component, Descent, Entry, Filter, MAX_DEPTH, MAX_NAME, NameKey, NamedKey, Names, ObjectKey, Reason,
    Task, filter_bits, name_hash, session_flags,
};
use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use verdict::path::Down;
use verdict::{Beneath, Closed, Denial, Path, Tables};

use crate::climb::{Place, UNREADABLE};
use crate::fields::{DENTRY_NAME, NAME_BYTES};
use crate::kernel::{Memory, Raw, opaque};
use crate::maps::{FILTERS, NAMED, NAMES, OBJECTS, SESSIONS};
use crate::scope::Subject;

/// What holds for an object whose path was climbed.
#[inline(always)]
pub(crate) fn entry<'a>(subject: &Subject, place: Place) -> Result<&'a Entry, Denial> {
    if place == Place::Rooted {
        return examine(subject);
    }
    // The session's own memory: pipes, sockets, memory files.
    // SAFETY: the task's own storage.
    unsafe {
        (*subject.task).decision.entry = verdict::path::MEMORY;
        Ok(&(*subject.task).decision.entry)
    }
}

/// The decisive entry of the path in the task's storage, into the task's decision.
#[inline(always)]
fn examine<'a>(subject: &Subject) -> Result<&'a Entry, Denial> {
    let failed = decide(subject.task, subject.slot);
    // SAFETY: the task's own storage, which `decide` has filled.
    let decision = unsafe { &(*subject.task).decision };
    if failed == 0 {
        return Ok(&decision.entry);
    }
    let reason = if failed == Reason::Name as u32 { Reason::Name } else { Reason::Unresolvable };
    Err(Denial { reason, rule: decision.rule })
}

/// [`verdict::path::examine`] on the task's path. A boundary of the verifier. Returns a [`Reason`], or 0.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn decide(task: *mut Task, slot: u32) -> u32 {
    let (Some(session), Some(filter)) = (SESSIONS.get(slot), FILTERS.get_ptr(slot)) else {
        return Reason::Internal as u32;
    };
    if task.is_null() {
        return Reason::Internal as u32;
    }
    let ends = session.flags & session_flags::NAME_ENDS != 0;
    let examined =
        verdict::path::examine(&Rules { slot, filter }, &Walked { task, slot }, &session.names, ends);
    match examined {
        Ok(entry) => {
            // SAFETY: the task's own storage.
            unsafe { (*task).decision.entry = entry };
            0
        }
        Err(denial) => {
            // SAFETY: as above.
            unsafe { (*task).decision.rule = denial.rule };
            denial.reason as u32
        }
    }
}

/// Whether the path in the task's storage may be connected to.
#[inline(always)]
pub(crate) fn socket(subject: &Subject) -> Result<(), Denial> {
    // Name rules hold for sockets too.
    examine(subject)?;
    let told = socket_granted(subject.task, subject.slot);
    if told == 0 {
        return Ok(());
    }
    // SAFETY: the task's own storage, which `socket_granted` has filled.
    let rule = unsafe { (*subject.task).decision.rule };
    Err(Denial { reason: Reason::NotGranted, rule })
}

/// [`verdict::path::socket`] on the task's path. A boundary of the verifier. Returns a [`Reason`], or 0.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn socket_granted(task: *mut Task, slot: u32) -> u32 {
    let Some(filter) = FILTERS.get_ptr(slot) else { return Reason::Internal as u32 };
    if task.is_null() {
        return Reason::Internal as u32;
    }
    match verdict::path::socket(&Rules { slot, filter }, &Walked { task, slot }) {
        Ok(()) => 0,
        Err(denial) => {
            // SAFETY: the task's own storage.
            unsafe { (*task).decision.rule = denial.rule };
            denial.reason as u32
        }
    }
}

/// The look-ups of one session.
struct Rules {
    slot: u32,
    filter: *const Filter,
}

impl Tables for Rules {
    #[inline(always)]
    fn may_know(&self, inode: u64) -> bool {
        let (first, second) = filter_bits(inode);
        let has = |bit: u32| {
            // SAFETY: the filter has as many bits as a `u16` has values.
            let word = unsafe { (*self.filter).words.as_ptr().add((bit >> 6) as usize & 1023).read() };
            word & 1 << (bit & 63) != 0
        };
        has(first) && has(second)
    }

    #[inline(always)]
    fn object(&self, inode: u64) -> Option<&Entry> {
        // SAFETY: entries of a living session are replaced as a whole and stay readable for this program's time.
        unsafe { OBJECTS.get(ObjectKey { inode, slot: self.slot, padding: 0 }) }
    }

    #[inline(always)]
    fn named(&self, node: u32, name: u64) -> Option<&Entry> {
        // SAFETY: as above.
        unsafe { NAMED.get(NamedKey { name, node, slot: self.slot }) }
    }

    #[inline(always)]
    fn name(&self, kind: u16, length: u16, hash: u64) -> Option<u32> {
        // SAFETY: as above.
        let rule = unsafe { NAMES.get(NameKey { hash, slot: self.slot, kind, length }) };
        rule.map(|rule| rule.rule)
    }
}

/// The path in a task's storage.
struct Walked {
    task: *mut Task,
    slot: u32,
}

impl Walked {
    #[inline(always)]
    fn component(&self, index: usize) -> *const Component {
        // SAFETY: the index is masked to the array's length.
        unsafe { (&raw const (*self.task).path).cast::<Component>().add(index & (MAX_DEPTH - 1)) }
    }
}

impl Path for Walked {
    #[inline(always)]
    fn depth(&self) -> usize {
        // SAFETY: the task's own storage, as all that follow.
        unsafe { (*self.task).depth as usize }
    }

    #[inline(always)]
    fn inode(&self, index: usize) -> u64 {
        // SAFETY: as above.
        unsafe { (*self.component(index)).inode }
    }

    #[inline(always)]
    fn length(&self, index: usize) -> u32 {
        // SAFETY: as above.
        unsafe { (*self.component(index)).length }
    }

    #[inline(always)]
    fn is_readable(&self, index: usize) -> bool {
        // SAFETY: as above.
        unsafe { (*self.component(index)).ends & UNREADABLE == 0 }
    }

    #[inline(always)]
    fn byte(&self, index: usize, at: u32) -> u8 {
        // SAFETY: as above.
        let ends = unsafe { (*self.component(index)).ends };
        if at == 0 { ends as u8 } else { (ends >> 8) as u8 }
    }

    #[inline(always)]
    fn hash(&self, index: usize, start: u32, length: u32) -> Option<u64> {
        match hash(self.task, index as u32, start, length) {
            0 => None,
            hash => Some(hash),
        }
    }

    #[inline(always)]
    fn beneath(&self, _: &impl Tables, above: &Entry, index: usize) -> Beneath {
        let told = names_beneath(self.task, self.slot, index as u32, above.node, above.name_lengths);
        // SAFETY: the task's own storage, which `names_beneath` has filled.
        let entry = unsafe { (*self.task).decision.entry };
        Beneath { entry, on_the_way: told != 0 }
    }

    #[inline(always)]
    fn closed(&self, _: &impl Tables, _: &Names, _: bool, index: usize) -> Closed {
        let closed = name_closed(self.task, self.slot, index as u32);
        match closed & 3 {
            0 => Closed::Open,
            1 => Closed::By((closed >> 32) as u32),
            _ => Closed::Unreadable,
        }
    }
}

/// [`verdict::path::beneath`]. A boundary of the verifier. Leaves the entry in the task's decision; returns whether the
/// object itself lies on the way.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn names_beneath(
    task: *mut Task,
    slot: u32,
    index: u32,
    node: u32,
    lengths: u64,
) -> u32 {
    if task.is_null() {
        return 1;
    }
    // SAFETY: the task's own storage.
    unsafe {
        (*task).decision.entry = verdict::path::NOTHING;
        (*task).descent = Descent { lengths, node, above: index };
    }
    for _ in 0..MAX_DEPTH {
        match name_below(task, slot) {
            FURTHER => {}
            down => return u32::from(down == ON_THE_WAY),
        }
    }
    0
}

const FURTHER: u32 = Down::Further as u32;
const ON_THE_WAY: u32 = Down::OnTheWay as u32;

/// [`verdict::path::descend`], whose state is in the task's storage. A boundary of the verifier. Returns a [`Down`].
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn name_below(task: *mut Task, slot: u32) -> u32 {
    if task.is_null() {
        return ON_THE_WAY;
    }
    let rules = Rules { slot, filter: core::ptr::null() };
    // SAFETY: two parts of the task's own storage.
    let (descent, found) = unsafe { (&mut (*task).descent, &mut (*task).decision.entry) };
    verdict::path::descend(&rules, &Walked { task, slot }, descent, found) as u32
}

/// [`verdict::name::closes`]. A boundary of the verifier. Returns 0 if no rule closes the component, 1 and the rule
/// shifted by 32 if one does, 2 if the name cannot be read.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn name_closed(task: *mut Task, slot: u32, index: u32) -> u64 {
    let Some(session) = SESSIONS.get(slot) else { return 2 };
    if task.is_null() {
        return 2;
    }
    let ends = session.flags & session_flags::NAME_ENDS != 0;
    let rules = Rules { slot, filter: core::ptr::null() };
    match verdict::name::closes(&rules, &Walked { task, slot }, &session.names, ends, index as usize) {
        Closed::Open => 0,
        Closed::By(rule) => u64::from(rule) << 32 | 1,
        Closed::Unreadable => 2,
    }
}

/// [`name_hash`] of a part of a component's name. A boundary of the verifier. Returns 0 if it cannot be read.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn hash(task: *mut Task, index: u32, start: u32, length: u32) -> u64 {
    let length = opaque(length as usize) as u32;
    if task.is_null() || length > MAX_NAME as u32 {
        return 0;
    }
    // SAFETY: the task's own storage; the index is masked to the array's length.
    let dentry = unsafe {
        (*(&raw const (*task).path).cast::<Component>().add(index as usize & (MAX_DEPTH - 1))).dentry
    };
    let mut memory = Memory::new();
    let bytes = memory.follow(Raw(dentry).within(&DENTRY_NAME), &NAME_BYTES);
    // SAFETY: the buffer has `MAX_NAME + 1` bytes and only this task writes to it.
    unsafe {
        let name = (&raw mut (*task).name).cast::<u8>();
        let from = bytes.0.wrapping_add(u64::from(start)) as *const _;
        if bpf_probe_read_kernel(name.cast(), length, from) != 0 {
            return 0;
        }
        let mut hash = name_hash(&[]);
        for at in 0..MAX_NAME {
            if at as u32 >= length {
                break;
            }
            hash = abi::name_hash_add(hash, *name.add(at));
        }
        hash
    }
}

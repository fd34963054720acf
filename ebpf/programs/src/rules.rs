//! The session's tables behind the look-ups of `verdict`, and the path in the task's storage in front of them.

use abi::{
    Component, Descent, Entry, Filter, MAX_DEPTH, MAX_NAME, NameKey, NamedKey, Names, ObjectKey, Reason,
    Task, filter_bits, flags, name_hash_add, name_hash_begin, session_flags,
};
use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use verdict::name::Part;
use verdict::path::{Down, Socket};
use verdict::{Beneath, Closed, Denial, Path, Tables};

use crate::climb::UNREADABLE;
use crate::fields::{DENTRY_BYTES, DENTRY_LENGTH};
use crate::kernel::{Memory, Raw, opaque};
use crate::maps::{FILTERS, NAMED, NAMES, OBJECTS, SESSIONS};
use crate::scope::Subject;

/// Whether component `depth - 1` of the task's path decides. What is found out is in the task's decision.
///
/// # Safety
/// `task` is the current task's own storage.
#[inline(always)]
pub(crate) unsafe fn look_at(task: *mut Task, slot: u32, depth: usize) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let found = &raw mut (*task).decision.entry;
        (*found).flags & flags::DECIDES != 0 || look(task, slot, depth as u32 - 1, found) != 0
    }
}

/// Looks at the components of the task's whole path from `from` on, if none has decided yet, and at all its names.
#[inline(always)]
pub(crate) fn decided(subject: &Subject, from: u32) -> Result<(), Denial> {
    let failed = decide(subject.task, subject.slot, from);
    if failed == 0 {
        return Ok(());
    }
    let reason = if failed == Reason::Name as u32 { Reason::Name } else { Reason::Unresolvable };
    // SAFETY: the task's own storage, which `decide` has filled.
    Err(Denial { reason, rule: unsafe { (*subject.task).decision.rule } })
}

/// The rest of [`verdict::path::examine`] on the task's path. A boundary of the verifier. Returns a [`Reason`], or 0.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn decide(task: *mut Task, slot: u32, from: u32) -> u32 {
    let (Some(session), Some(rules)) = (SESSIONS.get(slot), Rules::of(slot)) else {
        return Reason::Internal as u32;
    };
    if task.is_null() {
        return Reason::Internal as u32;
    }
    let ends = session.flags & session_flags::NAME_ENDS != 0;
    let path = Walked { task, slot };
    // SAFETY: the task's own storage.
    let found = unsafe { &mut (*task).decision.entry };
    if found.flags & flags::DECIDES == 0 {
        verdict::path::decisive(&rules, &path, from as usize, found);
    }
    if !verdict::path::may_be_closed(&session.names, ends, path.lengths()) {
        return 0;
    }
    match verdict::path::open_names(&rules, &path, &session.names, ends) {
        Ok(()) => 0,
        Err(denial) => {
            // SAFETY: as above.
            unsafe { (*task).decision.rule = denial.rule };
            denial.reason as u32
        }
    }
}

/// [`verdict::path::look`]. A boundary of the verifier. Returns 1 if the component decides.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn look(task: *mut Task, slot: u32, index: u32, found: *mut Entry) -> u32 {
    // Nothing above is looked at then, and nothing is granted.
    let Some(rules) = Rules::of(slot) else { return 1 };
    if task.is_null() || found.is_null() {
        return 1;
    }
    // SAFETY: the caller's entry.
    let found = unsafe { &mut *found };
    u32::from(verdict::path::look(&rules, &Walked { task, slot }, index as usize, found))
}

/// [`verdict::path::look_for_socket`]. A boundary of the verifier. Returns 0 if the component says nothing, 1 if it may be
/// connected to, 2 and the rule shifted by 32 if it is denied.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn look_for_socket(task: *mut Task, slot: u32, index: u32) -> u64 {
    let Some(rules) = Rules::of(slot) else { return NO_SOCKET };
    if task.is_null() {
        return NO_SOCKET;
    }
    match verdict::path::look_for_socket(&rules, &Walked { task, slot }, index as usize) {
        Socket::Further => 0,
        Socket::Granted => 1,
        Socket::Denied(rule) => u64::from(rule) << 32 | 2,
    }
}

/// Denied, by no rule.
const NO_SOCKET: u64 = (abi::NO_RULE as u64) << 32 | 2;

/// Whether the path in the task's storage may be connected to.
#[inline(always)]
pub(crate) fn socket(subject: &Subject) -> Result<(), Denial> {
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
    let Some(rules) = Rules::of(slot) else { return Reason::Internal as u32 };
    if task.is_null() {
        return Reason::Internal as u32;
    }
    match verdict::path::socket(&rules, &Walked { task, slot }) {
        Ok(()) => 0,
        Err(denial) => {
            // SAFETY: the task's own storage.
            unsafe { (*task).decision.rule = denial.rule };
            denial.reason as u32
        }
    }
}

/// The look-ups of one session.
pub(crate) struct Rules {
    slot: u32,
    filter: *const Filter,
}

impl Rules {
    /// A session's.
    #[inline(always)]
    pub(crate) fn of(slot: u32) -> Option<Self> {
        FILTERS.get_ptr(slot).map(|filter| Self { slot, filter })
    }

    /// Whether an inode may have an entry; `true` may be wrong, `false` may not. A look before a look-up.
    #[inline(always)]
    pub(crate) fn may_know(&self, inode: u64) -> bool {
        let (first, second) = filter_bits(inode);
        self.has(first) && self.has(second)
    }

    /// One of the filter's bits.
    #[inline(always)]
    fn has(&self, bit: u32) -> bool {
        // SAFETY: the filter has as many bits as a `u16` has values.
        let word = unsafe { (*self.filter).words.as_ptr().add((bit >> 6) as usize & 1023).read() };
        word >> (bit & 63) & 1 != 0
    }
}

impl Tables for Rules {
    #[inline(always)]
    fn object(&self, inode: u64) -> Option<&Entry> {
        if !self.may_know(inode) {
            return None;
        }
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
        // SAFETY: the index is masked to the array's length, where the verifier can see it.
        unsafe { (&raw const (*self.task).path).cast::<Component>().add(opaque(index) & (MAX_DEPTH - 1)) }
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

    /// Where the session has no name rules, only the names beneath an entry that tells some apart are asked for.
    #[inline(always)]
    fn length(&self, index: usize) -> u32 {
        // SAFETY: as above.
        let (task, component) = unsafe { (&*self.task, &*self.component(index)) };
        if task.ascent.names != 0 || task.measured as usize == index {
            return component.length;
        }
        let mut memory = Memory::new();
        let length = memory.read(Raw(component.dentry).within(&DENTRY_LENGTH));
        if memory.has_failed() { u32::MAX } else { length }
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
    fn lengths(&self) -> u64 {
        // SAFETY: as above.
        unsafe { (*self.task).lengths }
    }

    #[inline(always)]
    fn look(&self, _: &impl Tables, index: usize, found: &mut Entry) -> bool {
        look(self.task, self.slot, index as u32, found) != 0
    }

    #[inline(always)]
    fn look_for_socket(&self, _: &impl Tables, index: usize) -> Socket {
        let told = look_for_socket(self.task, self.slot, index as u32);
        match told & 3 {
            0 => Socket::Further,
            1 => Socket::Granted,
            _ => Socket::Denied((told >> 32) as u32),
        }
    }

    #[inline(always)]
    fn beneath(&self, _: &impl Tables, above: &Entry, index: usize) -> Beneath {
        let told = names_beneath(self.task, self.slot, index as u32, above.node, above.name_lengths);
        // SAFETY: the task's own storage, which `names_beneath` has filled.
        let entry = unsafe { (*self.task).below };
        Beneath { entry, on_the_way: told != 0 }
    }

    #[inline(always)]
    fn closed(&self, _: &impl Tables, _: &Names, _: bool, index: usize) -> Closed {
        unpacked(name_closed(self.task, self.slot, index as u32))
    }

    #[inline(always)]
    fn part_closed(&self, _: &impl Tables, index: usize, part: Part) -> Closed {
        let Part { kind, start, length } = part;
        let packed = u64::from(kind) << 32 | u64::from(start) << 16 | u64::from(length);
        unpacked(part_closed(self.task, self.slot, index as u32, packed))
    }
}

/// [`verdict::path::beneath`]. A boundary of the verifier. Leaves the entry in the task's storage; returns whether the
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
        (*task).below = verdict::path::NOTHING;
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
    let (descent, found) = unsafe { (&mut (*task).descent, &mut (*task).below) };
    verdict::path::descend(&rules, &Walked { task, slot }, descent, found) as u32
}

/// A [`Closed`] as a number: 0 if no rule closes the component, 1 and the rule shifted by 32 if one does, 2 if the name
/// cannot be read.
#[inline(always)]
fn packed(closed: Closed) -> u64 {
    match closed {
        Closed::Open => 0,
        Closed::By(rule) => u64::from(rule) << 32 | 1,
        Closed::Unreadable => 2,
    }
}

#[inline(always)]
fn unpacked(closed: u64) -> Closed {
    match closed & 3 {
        0 => Closed::Open,
        1 => Closed::By((closed >> 32) as u32),
        _ => Closed::Unreadable,
    }
}

/// [`verdict::name::part_closes`]. A boundary of the verifier. Takes the kind shifted by 32, the start shifted by 16 and
/// the length; returns a [`packed`] answer.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn part_closed(task: *mut Task, slot: u32, index: u32, part: u64) -> u64 {
    if task.is_null() {
        return packed(Closed::Unreadable);
    }
    let rules = Rules { slot, filter: core::ptr::null() };
    let part = Part { kind: (part >> 32) as u16, start: part as u32 >> 16, length: part as u32 & 0xffff };
    packed(verdict::name::part_closes(&rules, &Walked { task, slot }, index as usize, part))
}

/// [`verdict::name::closes`]. A boundary of the verifier. Returns a [`packed`] answer.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn name_closed(task: *mut Task, slot: u32, index: u32) -> u64 {
    let Some(session) = SESSIONS.get(slot) else { return packed(Closed::Unreadable) };
    if task.is_null() {
        return packed(Closed::Unreadable);
    }
    let ends = session.flags & session_flags::NAME_ENDS != 0;
    let rules = Rules { slot, filter: core::ptr::null() };
    packed(verdict::name::closes(&rules, &Walked { task, slot }, &session.names, ends, index as usize))
}

/// [`abi::name_hash`] of a part of a component's name. A boundary of the verifier. Returns 0 if it cannot be read.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn hash(task: *mut Task, index: u32, start: u32, length: u32) -> u64 {
    let length = opaque(length as usize) as u32;
    if task.is_null() || length > MAX_NAME as u32 {
        return 0;
    }
    let walked = Walked { task, slot: 0 };
    let mut memory = Memory::new();
    // SAFETY: the task's own storage, within the array.
    let dentry = unsafe { (*walked.component(index as usize)).dentry };
    let bytes = memory.follow(Raw(dentry), &DENTRY_BYTES);
    // SAFETY: the buffer has `MAX_NAME + 1` bytes and only this task writes to it.
    unsafe {
        let words = (&raw mut (*task).name).cast::<u64>();
        // The rest of the last word is zero.
        words.add(opaque(length as usize) >> 3 & (NAME_WORDS - 1)).write(0);
        let from = bytes.0.wrapping_add(u64::from(start)) as *const _;
        if bpf_probe_read_kernel(words.cast(), length, from) != 0 {
            return 0;
        }
        let mut hash = name_hash_begin(length);
        for at in 0..NAME_WORDS {
            if at * 8 >= length as usize {
                break;
            }
            hash = name_hash_add(hash, words.add(at).read());
        }
        hash
    }
}

/// Words of a name.
const NAME_WORDS: usize = (MAX_NAME + 1) / 8;

//! The policy's tables behind the look-ups of `verdict`, and the path in the task's storage in front of them.

use abi::{Entry, Filter, NameKey, NamedKey, ObjectKey, Reason, Task, filter_bits, flags, session_flags};
use verdict::path::Socket;
use verdict::{Denial, Path, Tables};

use crate::maps::{FILTERS, NAMED, NAMES, OBJECTS, POLICIES};
use crate::scope::Subject;
use crate::walk::Walked;

/// Whether component `depth - 1` of the task's path decides. What is found out is in the task's decision.
///
/// # Safety
/// `task` is the current task's own storage.
#[inline(always)]
pub(crate) unsafe fn look_at(task: *mut Task, rules: u32, depth: usize) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let found = &raw mut (*task).decision.entry;
        (*found).flags & flags::DECIDES != 0 || look(task, rules, depth as u32 - 1, found) != 0
    }
}

/// Looks at the components of the task's whole path from `from` on, if none has decided yet, and at all its names.
#[inline(always)]
pub(crate) fn decided(subject: &Subject, from: u32) -> Result<(), Denial> {
    let failed = decide(subject.task, subject.rules, from);
    if failed == 0 {
        return Ok(());
    }
    let reason = if failed == Reason::Name as u32 { Reason::Name } else { Reason::Unresolvable };
    // SAFETY: the task's own storage, which `decide` has filled.
    Err(Denial::by(reason, unsafe { (*subject.task).decision.rule }))
}

/// The rest of [`verdict::path::examine`] on the task's path. A boundary of the verifier. Returns a [`Reason`], or 0.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn decide(task: *mut Task, rules: u32, from: u32) -> u32 {
    let (Some(policy), Some(tables)) = (POLICIES.get(rules), Rules::of(rules)) else {
        return Reason::Internal as u32;
    };
    if task.is_null() {
        return Reason::Internal as u32;
    }
    let ends = policy.flags & session_flags::NAME_ENDS != 0;
    let path = Walked { task, rules };
    // SAFETY: the task's own storage.
    let found = unsafe { &mut (*task).decision.entry };
    if found.flags & flags::DECIDES == 0 {
        verdict::path::decisive(&tables, &path, from as usize, found);
    }
    if !verdict::path::may_be_closed(&policy.names, ends, path.lengths()) {
        return 0;
    }
    match verdict::path::open_names(&tables, &path, &policy.names, ends) {
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
pub(crate) extern "C" fn look(task: *mut Task, rules: u32, index: u32, found: *mut Entry) -> u32 {
    // Nothing above is looked at then, and nothing is granted.
    let Some(tables) = Rules::of(rules) else { return 1 };
    if task.is_null() || found.is_null() {
        return 1;
    }
    // SAFETY: the caller's entry.
    let found = unsafe { &mut *found };
    u32::from(verdict::path::look(&tables, &Walked { task, rules }, index as usize, found))
}

/// [`verdict::path::look_for_socket`]. A boundary of the verifier. Returns 0 if the component says nothing, 1 if it may be
/// connected to, 2 and the rule shifted by 32 if it is denied.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn look_for_socket(task: *mut Task, rules: u32, index: u32) -> u64 {
    let Some(tables) = Rules::of(rules) else { return NO_SOCKET };
    if task.is_null() {
        return NO_SOCKET;
    }
    match verdict::path::look_for_socket(&tables, &Walked { task, rules }, index as usize) {
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
    let told = socket_granted(subject.task, subject.rules);
    if told == 0 {
        return Ok(());
    }
    // SAFETY: the task's own storage, which `socket_granted` has filled.
    let rule = unsafe { (*subject.task).decision.rule };
    Err(Denial::by(Reason::NotGranted, rule))
}

/// [`verdict::path::socket`] on the task's path. A boundary of the verifier. Returns a [`Reason`], or 0.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn socket_granted(task: *mut Task, rules: u32) -> u32 {
    let Some(tables) = Rules::of(rules) else { return Reason::Internal as u32 };
    if task.is_null() {
        return Reason::Internal as u32;
    }
    match verdict::path::socket(&tables, &Walked { task, rules }) {
        Ok(()) => 0,
        Err(denial) => {
            // SAFETY: the task's own storage.
            unsafe { (*task).decision.rule = denial.rule };
            denial.reason as u32
        }
    }
}

/// The look-ups of one policy.
pub(crate) struct Rules {
    rules: u32,
    filter: *const Filter,
}

impl Rules {
    /// A policy's.
    #[inline(always)]
    pub(crate) fn of(rules: u32) -> Option<Self> {
        FILTERS.get_ptr(rules).map(|filter| Self { rules, filter })
    }

    /// A policy's, for whoever asks about names only.
    #[inline(always)]
    pub(crate) fn without_inodes(rules: u32) -> Self {
        Self { rules, filter: core::ptr::null() }
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
        unsafe { OBJECTS.get(ObjectKey { inode, rules: self.rules, padding: 0 }) }
    }

    #[inline(always)]
    fn named(&self, node: u32, name: u64) -> Option<&Entry> {
        // SAFETY: as above.
        unsafe { NAMED.get(NamedKey { name, node, rules: self.rules }) }
    }

    #[inline(always)]
    fn name(&self, kind: u16, length: u16, hash: u64) -> Option<u32> {
        // SAFETY: as above.
        let rule = unsafe { NAMES.get(NameKey { hash, rules: self.rules, kind, length }) };
        rule.map(|rule| rule.rule)
    }
}

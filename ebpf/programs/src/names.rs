//! Names of a path's components: what is told apart beneath a directory, and what is denied anywhere.

use abi::{Descent, MAX_DEPTH, MAX_NAME, Task, name_hash_add, name_hash_begin, session_flags};
use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use verdict::Closed;
use verdict::name::Part;
use verdict::path::Down;

use crate::fields::DENTRY_BYTES;
use crate::kernel::{Memory, Raw, opaque};
use crate::maps::POLICIES;
use crate::rules::Rules;
use crate::walk::Walked;

/// [`verdict::path::beneath`]. A boundary of the verifier. Leaves the entry in the task's storage; returns whether the
/// object itself lies on the way.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn names_beneath(
    task: *mut Task,
    rules: u32,
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
        match name_below(task, rules) {
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
pub(crate) extern "C" fn name_below(task: *mut Task, rules: u32) -> u32 {
    if task.is_null() {
        return ON_THE_WAY;
    }
    let tables = Rules::without_inodes(rules);
    // SAFETY: two parts of the task's own storage.
    let (descent, found) = unsafe { (&mut (*task).descent, &mut (*task).below) };
    verdict::path::descend(&tables, &Walked { task, rules }, descent, found) as u32
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
pub(crate) fn unpacked(closed: u64) -> Closed {
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
pub(crate) extern "C" fn part_closed(task: *mut Task, rules: u32, index: u32, part: u64) -> u64 {
    if task.is_null() {
        return packed(Closed::Unreadable);
    }
    let tables = Rules::without_inodes(rules);
    let part = Part { kind: (part >> 32) as u16, start: part as u32 >> 16, length: part as u32 & 0xffff };
    packed(verdict::name::part_closes(&tables, &Walked { task, rules }, index as usize, part))
}

/// [`verdict::name::closes`]. A boundary of the verifier. Returns a [`packed`] answer.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn name_closed(task: *mut Task, rules: u32, index: u32) -> u64 {
    let Some(policy) = POLICIES.get(rules) else { return packed(Closed::Unreadable) };
    if task.is_null() {
        return packed(Closed::Unreadable);
    }
    let ends = policy.flags & session_flags::NAME_ENDS != 0;
    let tables = Rules::without_inodes(rules);
    packed(verdict::name::closes(&tables, &Walked { task, rules }, &policy.names, ends, index as usize))
}

/// [`abi::name_hash`] of a part of a component's name. A boundary of the verifier. Returns 0 if it cannot be read.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn hash(task: *mut Task, index: u32, start: u32, length: u32) -> u64 {
    let length = opaque(length as usize) as u32;
    if task.is_null() || length > MAX_NAME as u32 {
        return 0;
    }
    let walked = Walked { task, rules: 0 };
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

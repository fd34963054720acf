//! From an object up towards the root of what its task can see: the components of its path, until one decides.
//!
//! Up to the root of the mount the dentries are followed by typed loads. Mounts are crossed with reads of plain
//! addresses, because the verifier knows no way from a `vfsmount` to the `mount` around it.

use abi::{Ascent, Component, Entry, MAX_DEPTH, Reason, Task, session_flags};
use verdict::Denial;
use verdict::path::{NOTHING, length_bit, may_be_closed};

use crate::fields::{
    DENTRY_BYTES, DENTRY_INODE, DENTRY_LENGTH, DENTRY_PARENT, DENTRY_SUPER, FS_ROOT, MOUNT_PARENT,
    MOUNT_POINT, MOUNT_VFS, PATH_DENTRY, PATH_MOUNT, SUPER_FLAGS, TASK_ROOT, VFS_ROOT,
};
use crate::kernel::{Memory, Raw, Typed, opaque};
use crate::rules::{self, Rules};
use crate::scope::Subject;

/// `SB_NOUSER` (Linux `fs.h`): no user space can mount it; pipes, sockets, memory files and anonymous inodes live there.
const NO_USER: u64 = 1 << 31;
/// How many mounts may lie on the way.
const MAX_MOUNTS: usize = 16;
/// As many components are followed by typed loads. The verifier's work grows with it, in every program.
const TYPED_DEPTH: usize = 12;
/// The [`Component::ends`] of a name that cannot be read: no two bytes.
pub(crate) const UNREADABLE: u32 = 1 << 16;

/// Where an object lies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a file system.
    Rooted,
    /// On a mount of the kernel's own, which no path leads to.
    Internal,
}

/// What [`climb_mounts`] returns.
pub(crate) const REACHED: u32 = 0;
const LOST: u32 = 1;
const DETACHED: u32 = 2;
const FURTHER: u32 = 3;

/// Finds the decisive entry of a `struct path`, and leaves it in the task's decision.
#[inline(always)]
pub(crate) fn path(subject: &Subject, path: Typed) -> Result<Place, Denial> {
    climb(subject, path.follow(&PATH_MOUNT), path.follow(&PATH_DENTRY))
}

/// The same for a dentry under a `struct vfsmount`.
///
/// Each component is looked at as it is met, and the climb is over with the first that decides, unless names of
/// components above may be denied.
#[inline(always)]
pub(crate) fn climb(subject: &Subject, mount: Typed, dentry: Typed) -> Result<Place, Denial> {
    let task = subject.task;
    let Some(rules) = Rules::of(subject.rules) else { return Err(Denial::of(Reason::Internal)) };
    // SAFETY: the task's own storage, as all that follow.
    unsafe { mount.store(&raw mut (*task).mount) };
    begin(subject);
    let root = mount.follow(&VFS_ROOT);
    let (mut here, mut below) = (dentry, dentry);
    let mut stopped = Stopped::TooDeep;
    let (inode_at, parent_at) = (DENTRY_INODE.load(), DENTRY_PARENT.load());
    let mut depth = 0;
    // One exit with few differing registers: the verifier then follows what comes after it only once.
    while depth < TYPED_DEPTH {
        // SAFETY: within the array.
        let component = unsafe { &mut *(&raw mut (*task).path).cast::<Component>().add(depth) };
        depth += 1;
        let inode = here.follow_at(inode_at).number(&mut component.inode);
        // Read from memory in every round, so that all ways around the loop look the same to the verifier.
        // SAFETY: as above.
        let names = unsafe {
            here.store(&raw mut component.dentry);
            (&raw const (*task).ascent.names).read_volatile()
        };
        if rules.may_know(inode) {
            if depth > 1 {
                // If it tells names beneath it apart, it asks for their lengths first.
                // SAFETY: as above; the component before this one.
                unsafe {
                    let path = (&raw mut (*task).path).cast::<Component>();
                    (*path.add(depth - 2)).length = below.word(&DENTRY_LENGTH);
                    (*task).measured = depth as u32 - 2;
                }
            }
            // SAFETY: as above.
            let decides = unsafe { rules::look_at(task, subject.rules, depth) };
            if decides && names == 0 {
                stopped = Stopped::Decided;
                break;
            }
        }
        if here == root {
            component.length = 0;
            stopped = Stopped::AtRoot;
            break;
        }
        if names != 0 {
            let length = here.word(&DENTRY_LENGTH);
            component.length = length;
            // SAFETY: as above.
            unsafe { (*task).lengths |= length_bit(length) };
            if names & session_flags::NAME_ENDS != 0 {
                component.ends = typed_ends(here, length, task);
            }
        }
        let up = here.follow_at(parent_at);
        if up == here {
            stopped = Stopped::Detached;
            break;
        }
        (below, here) = (here, up);
    }
    // Kept in memory, so that no register tells the verifier how long the way was.
    // SAFETY: as above.
    unsafe { (&raw mut (*task).depth).write_volatile(depth as u32) };
    match stopped {
        Stopped::Decided => Ok(Place::Rooted),
        Stopped::AtRoot => top(subject, mount, root),
        Stopped::Detached => detached(subject, here),
        Stopped::TooDeep => onwards(subject, mount, here),
    }
}

/// Nothing is known yet, and this is what will be.
#[inline(always)]
fn begin(subject: &Subject) {
    let task = subject.task;
    let names = subject.flags & (session_flags::NAMES | session_flags::NAME_ENDS);
    // SAFETY: the task's own storage.
    unsafe {
        (&raw mut (*task).ascent.names).write_volatile(names);
        (*task).lengths = 0;
        (*task).measured = u32::MAX;
        (*task).decision.entry = NOTHING;
    }
}

/// Why the climb by typed loads came to its end.
enum Stopped {
    Decided,
    AtRoot,
    Detached,
    TooDeep,
}

/// Finds the decisive entry of a `struct path` at an address.
#[inline(always)]
pub(crate) fn from_address(subject: &Subject, mount: Raw, dentry: Raw) -> Result<Place, Denial> {
    begin(subject);
    // SAFETY: the task's own storage.
    unsafe { (*subject.task).mount = mount.0 };
    rooted(subject, climb_mounts(subject.task, 0, mount.0, dentry.0), 0)
}

/// At the root of a mount: is it the task's root, or are there mounts above?
#[inline(always)]
fn top(subject: &Subject, mount: Typed, root: Typed) -> Result<Place, Denial> {
    let task = subject.task;
    let own = subject.current.follow(&TASK_ROOT).within(&FS_ROOT);
    if own.follow(&PATH_MOUNT) == mount && own.follow(&PATH_DENTRY) == root {
        // SAFETY: a map value, and the task's own storage.
        let (names, lengths) = unsafe { (&(*subject.policy).names, (*task).lengths) };
        return match may_be_closed(names, subject.flags & session_flags::NAME_ENDS != 0, lengths) {
            true => rooted(subject, REACHED, MAX_DEPTH as u32),
            false => Ok(Place::Rooted),
        };
    }
    // SAFETY: the task's own storage. The last component is written once more: it may have a name.
    unsafe { (*task).depth = (&raw const (*task).depth).read_volatile().wrapping_sub(1) };
    onwards(subject, mount, root)
}

/// Goes on by addresses from the component after the last one.
#[inline(always)]
fn onwards(subject: &Subject, mount: Typed, dentry: Typed) -> Result<Place, Denial> {
    let task = subject.task;
    let (mount, dentry) = (mount.address(task), dentry.address(task));
    // SAFETY: the task's own storage.
    let index = unsafe { (&raw const (*task).depth).read_volatile() };
    rooted(subject, climb_mounts(task, index, mount.0, dentry.0), index)
}

/// The path is whole: whether one of the components from `from` on decides, and that no name is denied.
#[inline(always)]
fn rooted(subject: &Subject, reached: u32, from: u32) -> Result<Place, Denial> {
    if reached != REACHED {
        return Err(Denial::of(Reason::Unresolvable));
    }
    rules::decided(subject, from).map(|()| Place::Rooted)
}

/// A dentry that is its own parent and no mount's root: the kernel's own, or one that lost its place.
#[inline(always)]
fn detached(subject: &Subject, dentry: Typed) -> Result<Place, Denial> {
    if dentry.follow(&DENTRY_SUPER).long(&SUPER_FLAGS) & NO_USER == 0 {
        return Err(Denial::of(Reason::Unresolvable));
    }
    // The session's own memory: pipes, sockets, memory files.
    // SAFETY: the task's own storage.
    unsafe { (*subject.task).decision.entry = verdict::path::MEMORY };
    Ok(Place::Internal)
}

/// The decisive entry that was found.
#[inline(always)]
pub(crate) fn found<'a>(subject: &Subject) -> &'a Entry {
    // SAFETY: the task's own storage.
    unsafe { &(*subject.task).decision.entry }
}

/// The longest name that is looked at within its dentry.
const SHORT_NAME: u32 = 32;

/// The first byte of a dentry's name, and the last one shifted by 8. Short names lie in the dentry itself, right behind
/// `d_inode`, where typed loads reach them; all others are read.
#[inline(always)]
fn typed_ends(dentry: Typed, length: u32, task: *mut Task) -> u32 {
    let bytes = dentry.long(&DENTRY_BYTES);
    let short = dentry.within(&DENTRY_INODE).beyond(8);
    let last = length.wrapping_sub(1);
    if last >= SHORT_NAME || !short.is_at(bytes) {
        return name_ends(dentry.address(task).0);
    }
    let first = short.long_at(0);
    let word = match last >> 3 {
        0 => first,
        1 => short.long_at(8),
        2 => short.long_at(16),
        _ => short.long_at(24),
    };
    (first & 0xff) as u32 | ((word >> ((last & 7) * 8) & 0xff) as u32) << 8
}

/// The first byte of the name of the dentry at an address, and the last one shifted by 8; [`UNREADABLE`] if they cannot be
/// read. A boundary of the verifier.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn name_ends(dentry: u64) -> u32 {
    let mut memory = Memory::new();
    let length = memory.read::<u32>(Raw(dentry).within(&DENTRY_LENGTH));
    let bytes = memory.follow(Raw(dentry), &DENTRY_BYTES);
    let first = memory.read::<u8>(bytes);
    let last = memory.read::<u8>(Raw(bytes.0.wrapping_add(u64::from(length)).wrapping_sub(1)));
    if memory.has_failed() { UNREADABLE } else { u32::from(first) | u32::from(last) << 8 }
}

/// Goes on from a dentry under a mount, across mounts, by addresses: component `index` is the first to be written. It is
/// a boundary of the verifier, which looks at it once and not along every path that leads here.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn climb_mounts(task: *mut Task, index: u32, mount: u64, dentry: u64) -> u32 {
    if task.is_null() {
        return LOST;
    }
    let mut memory = Memory::new();
    let root = memory.follow(Raw(mount), &VFS_ROOT);
    if memory.has_failed() {
        return LOST;
    }
    // SAFETY: the task's own storage.
    unsafe {
        (*task).depth = index;
        let names = (*task).ascent.names;
        (*task).ascent = Ascent { mount, root: root.0, here: dentry, names, covered: 0 };
    }
    for _ in 0..MAX_DEPTH + MAX_MOUNTS {
        let told = climb_on(task);
        if told != FURTHER {
            return told;
        }
    }
    LOST
}

/// One component further up, or from a mount's root to where it is mounted. A boundary of the verifier.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn climb_on(task: *mut Task) -> u32 {
    if task.is_null() {
        return LOST;
    }
    let mut memory = Memory::new();
    // SAFETY: the task's own storage, as all that follow.
    let (depth, ascent) = unsafe { (opaque((*task).depth as usize), &mut (*task).ascent) };
    if depth >= MAX_DEPTH {
        return LOST;
    }
    // SAFETY: as above, within the array.
    let component = unsafe { &mut *(&raw mut (*task).path).cast::<Component>().add(depth) };
    let here = Raw(ascent.here);
    if ascent.covered == 0 {
        component.inode = memory.follow(here, &DENTRY_INODE).0;
    }
    ascent.covered = 0;
    let reached = if ascent.here == ascent.root {
        component.length = 0;
        across(ascent, &mut memory)
    } else {
        let length = memory.read::<u32>(here.within(&DENTRY_LENGTH));
        component.dentry = here.0;
        component.length = length;
        if ascent.names & session_flags::NAME_ENDS != 0 {
            component.ends = name_ends(here.0);
        }
        ascent.here = memory.follow(here, &DENTRY_PARENT).0;
        // SAFETY: as above.
        unsafe { (*task).lengths |= length_bit(length) };
        if ascent.here == here.0 { DETACHED } else { FURTHER }
    };
    if reached == REACHED || ascent.covered == 0 {
        // SAFETY: as above.
        unsafe { (*task).depth = depth as u32 + 1 };
    }
    if memory.has_failed() { LOST } else { reached }
}

/// From a mount's root to the place where it is mounted, whose name the root gets.
#[inline(always)]
fn across(ascent: &mut Ascent, memory: &mut Memory) -> u32 {
    let around = Raw(ascent.mount).around(&MOUNT_VFS);
    let parent = memory.follow(around, &MOUNT_PARENT);
    if parent == around {
        return REACHED;
    }
    let mount = parent.within(&MOUNT_VFS);
    ascent.here = memory.follow(around, &MOUNT_POINT).0;
    ascent.root = memory.follow(mount, &VFS_ROOT).0;
    ascent.mount = mount.0;
    ascent.covered = 1;
    FURTHER
}

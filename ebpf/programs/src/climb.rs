//! From an object up to the root of what its task can see: the components of its path.
//!
//! Up to the root of the mount the dentries are followed by typed loads. Mounts are crossed with reads of plain
//! addresses, because the verifier knows no way from a `vfsmount` to the `mount` around it.

use abi::{Component, MAX_DEPTH, Reason, Task, session_flags};
use verdict::Denial;

use crate::fields::{
    DENTRY_INODE, DENTRY_NAME, DENTRY_PARENT, DENTRY_SUPER, FS_ROOT, MOUNT_PARENT, MOUNT_POINT, MOUNT_VFS,
    NAME_BYTES, NAME_LENGTH, PATH_DENTRY, PATH_MOUNT, SUPER_FLAGS, TASK_ROOT, VFS_ROOT,
};
use crate::kernel::{Memory, Raw, Typed, opaque};
use crate::scope::Subject;

/// `SB_NOUSER` (Linux `fs.h`): no user space can mount it; pipes, sockets, memory files and anonymous inodes live there.
const NO_USER: u64 = 1 << 31;
/// How many mounts may lie on the way.
const MAX_MOUNTS: usize = 16;
/// As many components are followed by typed loads. The verifier's work grows with it, in every program.
const TYPED_DEPTH: usize = 16;
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
const REACHED: u32 = 0;
const LOST: u32 = 1;
const DETACHED: u32 = 2;

/// Writes the path of a `struct path` into the task's storage.
#[inline(always)]
pub(crate) fn path(subject: &Subject, path: Typed) -> Result<Place, Denial> {
    climb(subject, path.follow(&PATH_MOUNT), path.follow(&PATH_DENTRY))
}

/// Writes the path of a dentry under a `struct vfsmount` into the task's storage.
#[inline(always)]
pub(crate) fn climb(subject: &Subject, mount: Typed, dentry: Typed) -> Result<Place, Denial> {
    let ends = subject.flags & session_flags::NAME_ENDS;
    let root = mount.follow(&VFS_ROOT);
    let mut here = dentry;
    let mut stopped = Stopped::TooDeep;
    let mut depth = 0;
    // One exit with few differing registers: the verifier then follows what comes after it only once.
    while depth < TYPED_DEPTH {
        // SAFETY: the task's own storage, within the array, as all that follow.
        let component = unsafe { (&raw mut (*subject.task).path).cast::<Component>().add(depth) };
        depth += 1;
        // SAFETY: as above. Kept in memory, so that no register tells the verifier how long the way was.
        unsafe { (&raw mut (*subject.task).depth).write_volatile(depth as u32) };
        let name = here.within(&DENTRY_NAME);
        let (length, up) = (name.word(&NAME_LENGTH), here.follow(&DENTRY_PARENT));
        // SAFETY: as above.
        unsafe {
            here.follow(&DENTRY_INODE).store(&raw mut (*component).inode);
            here.store(&raw mut (*component).dentry);
            (*component).length = 0;
        }
        if here == root {
            stopped = Stopped::AtRoot;
            break;
        }
        // SAFETY: as above.
        unsafe { (*component).length = length };
        if ends != 0 {
            // SAFETY: as above.
            unsafe { (*component).ends = typed_ends(here, length, subject.task) };
        }
        if up == here {
            stopped = Stopped::Detached;
            break;
        }
        here = up;
    }
    match stopped {
        Stopped::AtRoot => top(subject, mount, root),
        Stopped::Detached => detached(here),
        Stopped::TooDeep => onwards(subject, mount, here),
    }
}

/// Why the climb by typed loads came to its end.
enum Stopped {
    AtRoot,
    Detached,
    TooDeep,
}

/// Writes the path of a `struct path` at an address into the task's storage.
#[inline(always)]
pub(crate) fn from_address(subject: &Subject, mount: Raw, dentry: Raw) -> Result<Place, Denial> {
    let ends = subject.flags & session_flags::NAME_ENDS;
    rooted(climb_mounts(subject.task, 0, mount.0, dentry.0, ends))
}

/// At the root of a mount: is it the task's root, or are there mounts above?
#[inline(always)]
fn top(subject: &Subject, mount: Typed, root: Typed) -> Result<Place, Denial> {
    let task = subject.task;
    let own = subject.current.follow(&TASK_ROOT).within(&FS_ROOT);
    if own.follow(&PATH_MOUNT) == mount && own.follow(&PATH_DENTRY) == root {
        return Ok(Place::Rooted);
    }
    // SAFETY: the task's own storage. The last component is written once more: it may have a name.
    unsafe { (*task).depth = (&raw const (*task).depth).read_volatile().wrapping_sub(1) };
    onwards(subject, mount, root)
}

/// Goes on by addresses from the component after the last one.
#[inline(always)]
fn onwards(subject: &Subject, mount: Typed, dentry: Typed) -> Result<Place, Denial> {
    let task = subject.task;
    let ends = subject.flags & session_flags::NAME_ENDS;
    let (mount, dentry) = (mount.address(task), dentry.address(task));
    // SAFETY: the task's own storage.
    let index = unsafe { (&raw const (*task).depth).read_volatile() };
    rooted(climb_mounts(task, index, mount.0, dentry.0, ends))
}

#[inline(always)]
fn rooted(reached: u32) -> Result<Place, Denial> {
    if reached == REACHED { Ok(Place::Rooted) } else { Err(Denial::of(Reason::Unresolvable)) }
}

/// A dentry that is its own parent and no mount's root: the kernel's own, or one that lost its place.
#[inline(always)]
fn detached(dentry: Typed) -> Result<Place, Denial> {
    let own = dentry.follow(&DENTRY_SUPER).long(&SUPER_FLAGS) & NO_USER != 0;
    if own { Ok(Place::Internal) } else { Err(Denial::of(Reason::Unresolvable)) }
}

/// The longest name that is looked at within its dentry.
const SHORT_NAME: u32 = 32;

/// The first byte of a dentry's name, and the last one shifted by 8. Short names lie in the dentry itself, right behind
/// `d_inode`, where typed loads reach them; all others are read.
#[inline(always)]
fn typed_ends(dentry: Typed, length: u32, task: *mut Task) -> u32 {
    let bytes = dentry.within(&DENTRY_NAME).long(&NAME_BYTES);
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
    let name = Raw(dentry).within(&DENTRY_NAME);
    let length = memory.read::<u32>(name.within(&NAME_LENGTH));
    let bytes = memory.follow(name, &NAME_BYTES);
    let first = memory.read::<u8>(bytes);
    let last = memory.read::<u8>(Raw(bytes.0.wrapping_add(u64::from(length)).wrapping_sub(1)));
    if memory.has_failed() { UNREADABLE } else { u32::from(first) | u32::from(last) << 8 }
}

/// Goes on from a dentry under a mount, across mounts, by addresses: component `index` is the first to be written. It is
/// a boundary of the verifier, which looks at it once and not along every path that leads here.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn climb_mounts(
    task: *mut Task,
    index: u32,
    mount: u64,
    dentry: u64,
    ends: u32,
) -> u32 {
    if task.is_null() {
        return LOST;
    }
    let mut memory = Memory::new();
    let reached = follow(task, index, Raw(mount), Raw(dentry), ends, &mut memory);
    if memory.has_failed() { LOST } else { reached }
}

#[inline(always)]
fn follow(task: *mut Task, index: u32, mut mount: Raw, mut here: Raw, ends: u32, memory: &mut Memory) -> u32 {
    let mut root = memory.follow(mount, &VFS_ROOT);
    // SAFETY: the task's own storage, as all that follow.
    unsafe { (&raw mut (*task).depth).write_volatile(index) };
    let mut arrived = true;
    for _ in 0..MAX_DEPTH + MAX_MOUNTS {
        // Read from memory, so that all ways around the loop look the same to the verifier.
        // SAFETY: as above.
        let depth = opaque(unsafe { (&raw const (*task).depth).read_volatile() } as usize);
        if depth >= MAX_DEPTH {
            break;
        }
        // SAFETY: as above, within the array.
        let component = unsafe { (&raw mut (*task).path).cast::<Component>().add(depth) };
        if arrived {
            // What is mounted covers the directory beneath, which gives it its name only.
            let inode = memory.follow(here, &DENTRY_INODE);
            // SAFETY: as above.
            unsafe { (*component).inode = inode.0 };
        }
        arrived = here != root;
        if here == root {
            let around = mount.around(&MOUNT_VFS);
            let parent = memory.follow(around, &MOUNT_PARENT);
            if parent == around {
                // SAFETY: as above.
                unsafe {
                    (*component).length = 0;
                    (&raw mut (*task).depth).write_volatile(depth as u32 + 1);
                }
                return REACHED;
            }
            here = memory.follow(around, &MOUNT_POINT);
            mount = parent.within(&MOUNT_VFS);
            root = memory.follow(mount, &VFS_ROOT);
            continue;
        }
        let name = here.within(&DENTRY_NAME);
        let length = memory.read::<u32>(name.within(&NAME_LENGTH));
        // SAFETY: as above.
        unsafe {
            (*component).dentry = here.0;
            (*component).length = length;
            (&raw mut (*task).depth).write_volatile(depth as u32 + 1);
            if ends != 0 {
                (*component).ends = name_ends(here.0);
            }
        }
        let up = memory.follow(here, &DENTRY_PARENT);
        if up == here {
            return DETACHED;
        }
        here = up;
    }
    LOST
}

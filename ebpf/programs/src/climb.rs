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
use crate::kernel::{Raw, Typed};
use crate::scope::Subject;

/// `SB_NOUSER` (Linux `fs.h`): no user space can mount it; pipes, sockets, memory files and anonymous inodes live there.
const NO_USER: u64 = 1 << 31;
/// How many mounts may lie on the way.
const MAX_MOUNTS: usize = 16;

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
    let task = subject.task;
    let ends = subject.flags & session_flags::NAME_ENDS;
    let root = mount.follow(&VFS_ROOT);
    let mut here = dentry;
    for index in 0..MAX_DEPTH {
        // SAFETY: the index is less than the array's length.
        let component = unsafe { (&raw mut (*task).path).cast::<Component>().add(index) };
        // SAFETY: the task's own storage, as all that follow.
        unsafe { here.follow(&DENTRY_INODE).store(&raw mut (*component).inode) };
        if here == root {
            return top(subject, index as u32, mount, root);
        }
        let name = here.within(&DENTRY_NAME);
        let length = name.word(&NAME_LENGTH);
        // SAFETY: as above.
        unsafe {
            here.store(&raw mut (*component).dentry);
            (*component).length = length;
            if ends != 0 {
                (*component).ends = both_ends(Raw(name.long(&NAME_BYTES)), length);
            }
        }
        let up = here.follow(&DENTRY_PARENT);
        if up == here {
            // SAFETY: as above.
            unsafe { (*task).depth = index as u32 + 1 };
            return detached(here);
        }
        here = up;
    }
    // SAFETY: as above.
    unsafe { (*task).depth = MAX_DEPTH as u32 };
    Err(Denial::of(Reason::Unresolvable))
}

/// Writes the path of a `struct path` at an address into the task's storage.
#[inline(always)]
pub(crate) fn from_address(subject: &Subject, mount: Raw, dentry: Raw) -> Result<Place, Denial> {
    let ends = subject.flags & session_flags::NAME_ENDS;
    rooted(climb_mounts(subject.task, 0, mount.0, dentry.0, ends))
}

/// At the root of a mount: is it the task's root, or are there mounts above?
#[inline(always)]
fn top(subject: &Subject, index: u32, mount: Typed, root: Typed) -> Result<Place, Denial> {
    let task = subject.task;
    let own = subject.current.follow(&TASK_ROOT).within(&FS_ROOT);
    if own.follow(&PATH_MOUNT) == mount && own.follow(&PATH_DENTRY) == root {
        // SAFETY: the task's own storage; the index is less than the array's length.
        unsafe { end(task, index as usize) };
        return Ok(Place::Rooted);
    }
    let ends = subject.flags & session_flags::NAME_ENDS;
    let (mount, root) = (mount.address(task), root.address(task));
    rooted(climb_mounts(task, index, mount.0, root.0, ends))
}

/// The root is reached: it has no name.
///
/// # Safety
/// `task` is the current task's storage and `index` less than [`MAX_DEPTH`].
#[inline(always)]
unsafe fn end(task: *mut Task, index: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        (*(&raw mut (*task).path).cast::<Component>().add(index)).length = 0;
        (*task).depth = index as u32 + 1;
    }
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

/// The first byte of a name, and the last one shifted by 8.
#[inline(always)]
fn both_ends(name: Raw, length: u32) -> u32 {
    let first = name.read::<u8>().unwrap_or(0);
    let last = Raw(name.0.wrapping_add(u64::from(length)).wrapping_sub(1)).read::<u8>().unwrap_or(0);
    u32::from(first) | u32::from(last) << 8
}

/// Goes on from a dentry under a mount, across mounts, by addresses: component `index` is the first to be written. It is
/// the boundary of the verifier, so that it is looked at once and not along every path that leads here.
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
    follow(task, index as usize, Raw(mount), Raw(dentry), ends).unwrap_or(LOST)
}

#[inline(always)]
fn follow(task: *mut Task, mut index: usize, mut mount: Raw, mut here: Raw, ends: u32) -> Option<u32> {
    let mut root = mount.follow(&VFS_ROOT)?;
    let mut seen = false;
    for _ in 0..MAX_DEPTH + MAX_MOUNTS {
        if index >= MAX_DEPTH {
            break;
        }
        // SAFETY: the task's own storage, within the array.
        let component = unsafe { (&raw mut (*task).path).cast::<Component>().add(index) };
        if !seen {
            // SAFETY: as above. What is mounted covers the directory beneath: only the first inode is seen.
            unsafe { (*component).inode = here.follow(&DENTRY_INODE)?.0 };
            seen = true;
        }
        if here == root {
            let around = mount.around(&MOUNT_VFS);
            let parent = around.follow(&MOUNT_PARENT)?;
            if parent == around {
                // SAFETY: as above.
                unsafe { end(task, index) };
                return Some(REACHED);
            }
            here = around.follow(&MOUNT_POINT)?;
            mount = parent.within(&MOUNT_VFS);
            root = mount.follow(&VFS_ROOT)?;
            continue;
        }
        let name = here.within(&DENTRY_NAME);
        let length = name.within(&NAME_LENGTH).read::<u32>()?;
        let bytes = name.follow(&NAME_BYTES)?;
        // SAFETY: as above.
        unsafe {
            (*component).dentry = here.0;
            (*component).length = length;
            if ends != 0 {
                (*component).ends = both_ends(bytes, length);
            }
            (*task).depth = index as u32 + 1;
        }
        let up = here.follow(&DENTRY_PARENT)?;
        if up == here {
            return Some(DETACHED);
        }
        here = up;
        index += 1;
        seen = false;
    }
    Some(LOST)
}

//! The path in a task's storage, as `verdict` looks at it.

use abi::{Component, Entry, MAX_DEPTH, Names, Task};
use verdict::name::Part;
use verdict::path::{Socket, length_bit};
use verdict::{Beneath, Closed, Path, Tables};

use crate::climb::UNREADABLE;
use crate::fields::DENTRY_LENGTH;
use crate::kernel::{Memory, Raw, opaque};
use crate::names::{hash, name_closed, names_beneath, part_closed, unpacked};
use crate::rules::{look, look_for_socket};

/// The path in a task's storage.
pub(crate) struct Walked {
    pub(crate) task: *mut Task,
    pub(crate) rules: u32,
}

impl Walked {
    #[inline(always)]
    pub(crate) fn component(&self, index: usize) -> *const Component {
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

    /// Asked in sessions with name rules only, where the climb has left the lengths, which cannot fail.
    #[inline(always)]
    fn has_length_of(&self, index: usize, lengths: u64) -> bool {
        // SAFETY: as above.
        lengths & length_bit(unsafe { (*self.component(index)).length }) != 0
    }

    #[inline(always)]
    fn look(&self, _: &impl Tables, index: usize, found: &mut Entry) -> bool {
        look(self.task, self.rules, index as u32, found) != 0
    }

    #[inline(always)]
    fn look_for_socket(&self, _: &impl Tables, index: usize) -> Socket {
        let told = look_for_socket(self.task, self.rules, index as u32);
        match told & 3 {
            0 => Socket::Further,
            1 => Socket::Granted,
            _ => Socket::Denied((told >> 32) as u32),
        }
    }

    #[inline(always)]
    fn beneath(&self, _: &impl Tables, above: &Entry, index: usize) -> Beneath {
        let told = names_beneath(self.task, self.rules, index as u32, above.node, above.name_lengths);
        // SAFETY: the task's own storage, which `names_beneath` has filled.
        let entry = unsafe { (*self.task).below };
        Beneath { entry, on_the_way: told != 0 }
    }

    #[inline(always)]
    fn closed(&self, _: &impl Tables, _: &Names, _: bool, index: usize) -> Closed {
        unpacked(name_closed(self.task, self.rules, index as u32))
    }

    #[inline(always)]
    fn part_closed(&self, _: &impl Tables, index: usize, part: Part) -> Closed {
        let Part { kind, start, length } = part;
        let packed = u64::from(kind) << 32 | u64::from(start) << 16 | u64::from(length);
        unpacked(part_closed(self.task, self.rules, index as u32, packed))
    }
}

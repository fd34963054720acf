//! Paths: which entry decides for an object, by inode from below and by name from above.

use abi::{Entry, MAX_DEPTH, Names, Reason, flags};

use crate::{Beneath, Closed, Denial, Path, Tables};

/// What is known about an object's path: the decisive [`Entry`], with the flags [`flags::DECIDES`] if there is one and
/// [`flags::ON_THE_WAY`] if the object itself may not be moved or removed.
pub const NOTHING: Entry = Entry {
    read: 0,
    write: 0,
    execute: 0,
    name_lengths: 0,
    rule: abi::NO_RULE,
    node: 0,
    flags: 0,
    padding: 0,
};

/// What holds for objects on the kernel's own mounts (pipes, sockets, memory files): they are the session's own memory,
/// which may be read and written, but never executed.
pub const MEMORY: Entry = Entry { read: u64::MAX, write: u64::MAX, ..NOTHING };

/// The decisive entry of a path that no name rule closes.
///
/// # Errors
/// [`Reason::Name`] if a name rule closes one of the components, [`Reason::Unresolvable`] if a name cannot be read.
#[inline(always)]
pub fn examine(tables: &impl Tables, path: &impl Path, names: &Names, ends: bool) -> Result<Entry, Denial> {
    if ends || names.exact_lengths != 0 {
        open_names(tables, path, names, ends)?;
    }
    Ok(decisive(tables, path))
}

/// That no component has a denied name.
#[inline(always)]
fn open_names(tables: &impl Tables, path: &impl Path, names: &Names, ends: bool) -> Result<(), Denial> {
    for index in 0..MAX_DEPTH {
        if index >= path.depth() {
            break;
        }
        if !crate::name::may_close(path, names, ends, index) {
            continue;
        }
        match path.closed(tables, names, ends, index) {
            Closed::Open => {}
            Closed::By(rule) => return Err(Denial { reason: Reason::Name, rule }),
            Closed::Unreadable => return Err(Denial::of(Reason::Unresolvable)),
        }
    }
    Ok(())
}

/// The first entry from below that decides: an inode's own, or what its directory says about the names beneath.
#[inline(always)]
pub fn decisive(tables: &impl Tables, path: &impl Path) -> Entry {
    let mut on_the_way = false;
    for index in 0..MAX_DEPTH {
        if index >= path.depth() {
            break;
        }
        let inode = path.inode(index);
        if inode == 0 || !tables.may_know(inode) {
            continue;
        }
        let Some(entry) = tables.object(inode) else { continue };
        if index == 0 && entry.flags & (flags::ON_THE_WAY | flags::HAS_NAMES) != 0 {
            on_the_way = true;
        }
        if entry.flags & flags::HAS_NAMES != 0 && index > 0 {
            let beneath = path.beneath(tables, entry, index);
            on_the_way |= beneath.on_the_way;
            if beneath.entry.flags & flags::DECIDES != 0 {
                return held(beneath.entry, on_the_way);
            }
        }
        if entry.flags & flags::DECIDES != 0 {
            return held(*entry, on_the_way);
        }
    }
    held(NOTHING, on_the_way)
}

#[inline(always)]
fn held(entry: Entry, on_the_way: bool) -> Entry {
    let others = entry.flags & !flags::ON_THE_WAY;
    Entry { flags: if on_the_way { others | flags::ON_THE_WAY } else { others }, ..entry }
}

/// The deepest entry by name among the components beneath component `index`, from the node there downwards.
#[inline(always)]
pub fn beneath(
    tables: &impl Tables,
    path: &(impl Path + ?Sized),
    node: u32,
    name_lengths: u64,
    index: usize,
) -> Beneath {
    let mut found = Beneath { entry: NOTHING, on_the_way: false };
    let (mut node, mut lengths, mut at) = (node, name_lengths, index);
    for _ in 0..MAX_DEPTH {
        if at == 0 || at > MAX_DEPTH {
            break;
        }
        at -= 1;
        let length = path.length(at);
        if lengths & length_bit(length) == 0 {
            break;
        }
        let Some(name) = path.hash(at, 0, length) else {
            // What cannot be read is closed.
            found.entry = Entry { flags: flags::DECIDES, ..NOTHING };
            break;
        };
        let Some(entry) = tables.named(node, name) else { break };
        if entry.flags & flags::DECIDES != 0 {
            found.entry = *entry;
        }
        if at == 0 {
            found.on_the_way = entry.flags & (flags::ON_THE_WAY | flags::HAS_NAMES) != 0;
        }
        if entry.flags & flags::HAS_NAMES == 0 {
            break;
        }
        node = entry.node;
        lengths = entry.name_lengths;
    }
    found
}

/// The bit of a name's length in [`Entry::name_lengths`] and [`Names::exact_lengths`].
#[inline(always)]
pub const fn length_bit(length: u32) -> u64 {
    1 << (length & 63)
}

//! Paths: which entry decides for an object, by inode from below and by name from above.

use abi::{Descent, Entry, MAX_DEPTH, Names, Reason, flags};

use crate::{Closed, Denial, Path, Tables};

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

/// Whether the path of a unix socket may be connected to: the nearest of its components that is granted to connect to, or
/// that is denied as a file, tells.
///
/// # Errors
/// [`Reason::NotGranted`].
#[inline(always)]
pub fn socket(tables: &impl Tables, path: &impl Path) -> Result<(), Denial> {
    for index in 0..MAX_DEPTH {
        if index >= path.depth() {
            break;
        }
        let inode = path.inode(index);
        if inode == 0 || !tables.may_know(inode) {
            continue;
        }
        let Some(entry) = tables.object(inode) else { continue };
        if entry.flags & flags::HAS_NAMES != 0 && index > 0 {
            let beneath = path.beneath(tables, entry, index).entry;
            if is_denied(&beneath) {
                return Err(Denial { reason: Reason::NotGranted, rule: beneath.rule });
            }
        }
        if entry.flags & flags::SOCKET != 0 {
            return Ok(());
        }
        if is_denied(entry) {
            return Err(Denial { reason: Reason::NotGranted, rule: entry.rule });
        }
    }
    Err(Denial::of(Reason::NotGranted))
}

#[inline(always)]
fn is_denied(entry: &Entry) -> bool {
    entry.flags & flags::DECIDES != 0 && entry.read | entry.write | entry.execute == 0
}

#[inline(always)]
fn held(entry: Entry, on_the_way: bool) -> Entry {
    let others = entry.flags & !flags::ON_THE_WAY;
    Entry { flags: if on_the_way { others | flags::ON_THE_WAY } else { others }, ..entry }
}

/// The deepest entry by name among the components beneath component `index`, from the node there downwards. It is written
/// to `found`, which is [`NOTHING`] before; returns whether the object itself lies on the way.
#[inline(always)]
pub fn beneath(
    tables: &impl Tables,
    path: &(impl Path + ?Sized),
    (node, lengths): (u32, u64),
    index: usize,
    found: &mut Entry,
) -> bool {
    let mut descent = Descent { lengths, node, above: index as u32 };
    for _ in 0..MAX_DEPTH {
        match descend(tables, path, &mut descent, found) {
            Down::Further => {}
            Down::Stop => break,
            Down::OnTheWay => return true,
        }
    }
    false
}

/// Whether a descent goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Down {
    /// Nothing beneath is told apart by name, or there is nothing beneath.
    Stop = 0,
    /// There is one more component to look at.
    Further = 1,
    /// The object is reached and lies on the way to something that is told apart.
    OnTheWay = 2,
}

/// One component further down.
#[inline(always)]
pub fn descend(
    tables: &impl Tables,
    path: &(impl Path + ?Sized),
    descent: &mut Descent,
    found: &mut Entry,
) -> Down {
    if descent.above == 0 || descent.above > MAX_DEPTH as u32 {
        return Down::Stop;
    }
    let at = descent.above - 1;
    let length = path.length(at as usize);
    if descent.lengths & length_bit(length) == 0 {
        return Down::Stop;
    }
    let Some(name) = path.hash(at as usize, 0, length) else {
        // What cannot be read is closed.
        *found = Entry { flags: flags::DECIDES, ..NOTHING };
        return Down::Stop;
    };
    let Some(entry) = tables.named(descent.node, name) else { return Down::Stop };
    if entry.flags & flags::DECIDES != 0 {
        *found = *entry;
    }
    *descent = Descent { lengths: entry.name_lengths, node: entry.node, above: at };
    match entry.flags & (flags::ON_THE_WAY | flags::HAS_NAMES) {
        told if at == 0 && told != 0 => Down::OnTheWay,
        told if told & flags::HAS_NAMES != 0 => Down::Further,
        _ => Down::Stop,
    }
}

/// The bit of a name's length in [`Entry::name_lengths`] and [`Names::exact_lengths`].
#[inline(always)]
pub const fn length_bit(length: u32) -> u64 {
    1 << (length & 63)
}

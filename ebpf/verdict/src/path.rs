//! Paths: which entry decides for an object, by inode from below and by name from above.

use abi::{Descent, Entry, MAX_DEPTH, MAX_NAME, Names, Reason, flags};

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

/// The decisive entry of a path that no name rule closes, into `found`.
///
/// # Errors
/// [`Reason::Name`] if a name rule closes one of the components, [`Reason::Unresolvable`] if a name cannot be read.
#[inline(always)]
pub fn examine(
    tables: &impl Tables,
    path: &impl Path,
    names: &Names,
    ends: bool,
    found: &mut Entry,
) -> Result<(), Denial> {
    *found = NOTHING;
    decisive(tables, path, 0, found);
    if may_be_closed(names, ends, path.lengths()) { open_names(tables, path, names, ends) } else { Ok(()) }
}

/// Whether a path with names of these lengths (see [`Path::lengths`]) can have a denied one.
#[inline(always)]
pub fn may_be_closed(names: &Names, ends: bool, lengths: u64) -> bool {
    ends || names.exact_lengths & lengths != 0
}

/// That no component has a denied name.
///
/// # Errors
/// As [`examine`].
#[inline(always)]
pub fn open_names(tables: &impl Tables, path: &impl Path, names: &Names, ends: bool) -> Result<(), Denial> {
    for index in 0..MAX_DEPTH {
        if index >= path.depth() {
            break;
        }
        // Where ends are looked at, any name may be one.
        if !ends && !path.has_length_of(index, names.exact_lengths) {
            continue;
        }
        match path.closed(tables, names, ends, index) {
            Closed::Open => {}
            Closed::By(rule) => return Err(Denial::by(Reason::Name, rule)),
            Closed::Unreadable => return Err(Denial::of(Reason::Unresolvable)),
        }
    }
    Ok(())
}

/// The first entry from below that decides: an inode's own, or what its directory says about the names beneath. The
/// components below `from` were looked at.
#[inline(always)]
pub fn decisive(tables: &impl Tables, path: &impl Path, from: usize, found: &mut Entry) {
    for index in from..MAX_DEPTH {
        if index >= path.depth() {
            break;
        }
        if path.look(tables, index, found) {
            break;
        }
    }
}

/// What is known about one component, from below: whether it decides. `found` is [`NOTHING`] before the first one, and
/// the decisive entry after the last.
#[inline(always)]
pub fn look(tables: &impl Tables, path: &(impl Path + ?Sized), index: usize, found: &mut Entry) -> bool {
    let Some(entry) = tables.object(path.inode(index)) else { return false };
    let mut on_the_way = found.flags & flags::ON_THE_WAY;
    if index == 0 && entry.flags & (flags::ON_THE_WAY | flags::HAS_NAMES) != 0 {
        on_the_way = flags::ON_THE_WAY;
    }
    if may_be_named(path, entry, index) {
        let beneath = path.beneath(tables, entry, index);
        if beneath.on_the_way {
            on_the_way = flags::ON_THE_WAY;
        }
        if beneath.entry.flags & flags::DECIDES != 0 {
            *found = held(&beneath.entry, on_the_way);
            return true;
        }
    }
    if entry.flags & flags::DECIDES != 0 {
        *found = held(entry, on_the_way);
        return true;
    }
    found.flags |= on_the_way;
    false
}

/// Whether the name beneath component `index` can be one that its entry tells apart.
#[inline(always)]
fn may_be_named(path: &(impl Path + ?Sized), entry: &Entry, index: usize) -> bool {
    entry.flags & flags::HAS_NAMES != 0 && index > 0 && may_be_one(path.length(index - 1), entry.name_lengths)
}

/// Whether a name of this length can be one of those with these lengths. One that cannot be read may be any.
#[inline(always)]
pub fn may_be_one(length: u32, lengths: u64) -> bool {
    length > MAX_NAME as u32 || lengths & length_bit(length) != 0
}

#[inline(always)]
fn held(entry: &Entry, on_the_way: u32) -> Entry {
    Entry { flags: entry.flags & !flags::ON_THE_WAY | on_the_way, ..*entry }
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
        match path.look_for_socket(tables, index) {
            Socket::Further => {}
            Socket::Granted => return Ok(()),
            Socket::Denied(rule) => return Err(Denial::by(Reason::NotGranted, rule)),
        }
    }
    Err(Denial::of(Reason::NotGranted))
}

/// What one component says about a unix socket beneath it or at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Socket {
    /// Nothing.
    Further,
    /// It may be connected to.
    Granted,
    /// This policy rule denies it.
    Denied(u32),
}

/// One component's part of [`socket`].
#[inline(always)]
pub fn look_for_socket(tables: &impl Tables, path: &(impl Path + ?Sized), index: usize) -> Socket {
    let Some(entry) = tables.object(path.inode(index)) else { return Socket::Further };
    if may_be_named(path, entry, index) {
        let beneath = path.beneath(tables, entry, index).entry;
        if is_denied(&beneath) {
            return Socket::Denied(beneath.rule);
        }
    }
    if entry.flags & flags::SOCKET != 0 {
        return Socket::Granted;
    }
    if is_denied(entry) {
        return Socket::Denied(entry.rule);
    }
    Socket::Further
}

#[inline(always)]
fn is_denied(entry: &Entry) -> bool {
    entry.flags & flags::DECIDES != 0 && entry.read | entry.write | entry.execute == 0
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
    if !may_be_one(length, descent.lengths) {
        return Down::Stop;
    }
    let name = if length <= MAX_NAME as u32 { path.hash(at as usize, 0, length) } else { None };
    let Some(name) = name else {
        // What cannot be read is closed.
        *found = Entry { flags: flags::DECIDES, ..NOTHING };
        return Down::Stop;
    };
    let Some(entry) = tables.named(descent.node, name) else { return Down::Stop };
    if entry.flags & flags::DECIDES != 0 {
        *found = held(entry, entry.flags & flags::ON_THE_WAY);
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

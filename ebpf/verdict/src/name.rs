//! Name rules: `**/.env` (the whole name), `**/id_*` (its start), `**/*.pem` (its end), on every component.

use abi::{MAX_LENGTHS, MAX_NAME, NAME_EXACT, NAME_PREFIX, NAME_SUFFIX, Names};

use crate::path::length_bit;
use crate::{Closed, Path, Tables};

/// The name rule that closes a component.
#[inline(always)]
pub fn closes(
    tables: &impl Tables,
    path: &(impl Path + ?Sized),
    names: &Names,
    ends: bool,
    index: usize,
) -> Closed {
    let length = path.length(index);
    if length > MAX_NAME as u32 {
        return Closed::Unreadable;
    }
    if names.exact_lengths & length_bit(length) != 0 {
        match path.part_closed(tables, index, Part::of(NAME_EXACT, length, length)) {
            Closed::Open => {}
            closed => return closed,
        }
    }
    if !ends || length == 0 {
        return Closed::Open;
    }
    if !path.is_readable(index) {
        return Closed::Unreadable;
    }
    if has(&names.first_bytes, path.byte(index, 0)) {
        match any(tables, path, index, NAME_PREFIX, &names.prefix_lengths) {
            Closed::Open => {}
            closed => return closed,
        }
    }
    if has(&names.last_bytes, path.byte(index, length - 1)) {
        return any(tables, path, index, NAME_SUFFIX, &names.suffix_lengths);
    }
    Closed::Open
}

/// The first of the lengths, ascending, at which the start or the end of the name is denied.
#[inline(always)]
fn any(
    tables: &impl Tables,
    path: &(impl Path + ?Sized),
    index: usize,
    kind: u16,
    lengths: &[u8; MAX_LENGTHS],
) -> Closed {
    let whole = path.length(index);
    for compared in lengths {
        let compared = u32::from(*compared);
        if compared == 0 || compared > whole {
            break;
        }
        match path.part_closed(tables, index, Part::of(kind, whole, compared)) {
            Closed::Open => {}
            closed => return closed,
        }
    }
    Closed::Open
}

/// A part of a component's name that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// `NAME_EXACT`, `NAME_PREFIX` or `NAME_SUFFIX`.
    pub kind: u16,
    /// Where it begins, in bytes.
    pub start: u32,
    /// How many bytes it has.
    pub length: u32,
}

impl Part {
    #[inline(always)]
    fn of(kind: u16, whole: u32, length: u32) -> Self {
        Self { kind, start: if kind == NAME_SUFFIX { whole - length } else { 0 }, length }
    }
}

/// Whether a rule closes the component by this part of its name.
#[inline(always)]
pub fn part_closes(tables: &impl Tables, path: &(impl Path + ?Sized), index: usize, part: Part) -> Closed {
    let Some(hash) = path.hash(index, part.start, part.length) else { return Closed::Unreadable };
    match tables.name(part.kind, part.length as u16, hash) {
        Some(rule) => Closed::By(rule),
        None => Closed::Open,
    }
}

/// Whether a set of bytes has this one.
#[inline(always)]
fn has(set: &[u64; 4], byte: u8) -> bool {
    let word = set[usize::from(byte >> 6)];
    word & (1 << (byte & 63)) != 0
}

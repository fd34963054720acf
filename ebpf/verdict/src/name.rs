//! Name rules: `**/.env` (the whole name), `**/id_*` (its start), `**/*.pem` (its end), on every component.

use abi::{MAX_LENGTHS, NAME_EXACT, NAME_PREFIX, NAME_SUFFIX, Names};

use crate::path::length_bit;
use crate::{Closed, Path, Tables};

/// Whether a component is worth a look-up.
#[inline(always)]
pub fn may_close(path: &(impl Path + ?Sized), names: &Names, ends: bool, index: usize) -> bool {
    let length = path.length(index);
    if length == 0 {
        return false;
    }
    if names.exact_lengths & length_bit(length) != 0 {
        return true;
    }
    ends && (!path.is_readable(index)
        || has(&names.first_bytes, path.byte(index, 0))
        || has(&names.last_bytes, path.byte(index, length - 1)))
}

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
    if names.exact_lengths & length_bit(length) != 0 {
        match one(tables, path, index, NAME_EXACT, length, length) {
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
        match one(tables, path, index, kind, whole, compared) {
            Closed::Open => {}
            closed => return closed,
        }
    }
    Closed::Open
}

#[inline(always)]
fn one(
    tables: &impl Tables,
    path: &(impl Path + ?Sized),
    index: usize,
    kind: u16,
    whole: u32,
    compared: u32,
) -> Closed {
    let start = if kind == NAME_SUFFIX { whole - compared } else { 0 };
    let Some(hash) = path.hash(index, start, compared) else { return Closed::Unreadable };
    match tables.name(kind, compared as u16, hash) {
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

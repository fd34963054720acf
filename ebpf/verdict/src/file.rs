//! Files: what the decisive entry of a path allows while a set of classes is active.

use abi::{Access, Entry, Reason, flags, session_flags};

use crate::Denial;

/// Whether all of the wanted [`Access`] bits are granted.
///
/// # Errors
/// [`Reason::NotGranted`].
#[inline(always)]
pub fn access(entry: &Entry, wanted: u32, active: u64) -> Result<(), Denial> {
    let refused = (wanted & Access::READ != 0 && entry.read & active == 0)
        || (wanted & Access::WRITE != 0 && entry.write & active == 0)
        || (wanted & Access::EXECUTE != 0 && entry.execute & active == 0);
    granted(!refused, entry)
}

/// Opening a file. What the kernel opens in order to execute it may also be a loader (`ld.so`), which
/// [`access`] at the execution itself closes as a program of its own.
///
/// # Errors
/// [`Reason::NotGranted`].
#[inline(always)]
pub fn open(entry: &Entry, wanted: u32, active: u64) -> Result<(), Denial> {
    let loader = entry.flags & flags::LOADER != 0;
    access(entry, if loader { wanted & !Access::EXECUTE } else { wanted }, active)
}

/// Starting a program. `linked`: the file has a name in a file system.
///
/// # Errors
/// [`Reason::WritableCode`] or [`Reason::NotGranted`].
#[inline(always)]
pub fn program(entry: &Entry, linked: bool, active: u64) -> Result<(), Denial> {
    if !linked {
        return Err(Denial::by(Reason::WritableCode, entry.rule));
    }
    access(entry, Access::EXECUTE, active)
}

/// Mapping a file's code: it must be readable and lie where the session may not write, unless a rule grants it.
/// `linked`: the file has a name in a file system; code that has none may never run.
///
/// # Errors
/// [`Reason::NotGranted`] or [`Reason::WritableCode`].
#[inline(always)]
pub fn code(entry: &Entry, linked: bool, active: u64, session: u32) -> Result<(), Denial> {
    if !linked {
        return Err(Denial::by(Reason::WritableCode, entry.rule));
    }
    let executable = entry.execute & active != 0;
    let loaded = entry.flags & flags::LOADER != 0;
    granted(executable || loaded || entry.read & active != 0, entry)?;
    let sound = executable
        || entry.write == 0
        || entry.flags & flags::CODE != 0
        || session & session_flags::CODE_ANYWHERE != 0;
    if sound { Ok(()) } else { Err(Denial::by(Reason::WritableCode, entry.rule)) }
}

/// Removing or renaming an object: it must be writable, and nothing that is denied may depend on its place.
///
/// # Errors
/// [`Reason::NotGranted`] or [`Reason::OnTheWay`].
#[inline(always)]
pub fn detach(entry: &Entry, active: u64) -> Result<(), Denial> {
    access(entry, Access::WRITE, active)?;
    if entry.flags & flags::ON_THE_WAY != 0 {
        return Err(Denial::by(Reason::OnTheWay, entry.rule));
    }
    Ok(())
}

/// A hard link: the new place must be writable, the object readable, and the new place may give no class a right that
/// the old one does not: the link outlives the moment.
///
/// # Errors
/// [`Reason::NotGranted`].
#[inline(always)]
pub fn link(source: &Entry, place: &Entry, active: u64) -> Result<(), Denial> {
    access(source, Access::READ, active)?;
    access(place, Access::WRITE, active)?;
    let wider =
        (place.read & !source.read) | (place.write & !source.write) | (place.execute & !source.execute);
    granted(wider == 0, source)
}

#[inline(always)]
fn granted(yes: bool, entry: &Entry) -> Result<(), Denial> {
    if yes { Ok(()) } else { Err(Denial::by(Reason::NotGranted, entry.rule)) }
}

//! Another policy for a session that runs: written down beside the one that holds, put in force by one store, and only then
//! is the old one taken out.
//!
//! ```text
//! prepare ─► tables under the other number ─► commit: SESSIONS[slot].revision + 1 ─► the old tables, names and inodes go
//!                     └─ abandon: taken out, nothing has changed
//! ```
//! A decision is made under one of the two as a whole: the programs read the revision once, and what they have begun under the
//! old one is waited for before a part of it is taken out.

use abi::{REVISIONS, rules_of};

use super::open::{known, put};
use super::{Held, Next, Old, Session, SessionError, Terms, forget_learned};
use crate::bpf::layer::Parts;
use crate::bpf::maps::{Maps, MapsError, filled, read};
use crate::bpf::session::merge::Merged;
use crate::ruleset::Skipped;
use crate::sys::Plain;

/// Writes down what would hold next. On an error nothing of it is left, and the policy that holds goes on holding.
pub(in crate::bpf) fn prepare(
    parts: &mut Parts<'_>,
    slot: u32,
    terms: &Terms<'_>,
    held: &mut Held,
) -> Result<Vec<Skipped>, SessionError> {
    abandon(parts.maps, held)?;
    if held.revision >= REVISIONS {
        return Err(SessionError::Revisions(REVISIONS));
    }
    let mut next = Next::default();
    let written = write(parts, rules_of(slot, held.revision + 1), terms, &mut next);
    held.next = Some(next);
    written.inspect_err(|_| {
        // What cannot be taken out is tried again when the next one is prepared, and when the session ends.
        let _ = abandon(parts.maps, held);
    })
}

fn write(
    parts: &mut Parts<'_>,
    rules: u32,
    terms: &Terms<'_>,
    next: &mut Next,
) -> Result<Vec<Skipped>, SessionError> {
    let maps = &mut *parts.maps;
    // What an earlier policy of this number has learned is none of this one's.
    forget_learned(maps, rules)?;
    let (merged, skipped) = match parts.register {
        Some(register) => known(maps, register, terms, &mut next.files)?,
        None => (Merged::default(), Vec::new()),
    };
    next.filled.write(maps, rules, &merged, terms.tables)?;
    next.budgets.clone_from(&terms.tables.budgets);
    Ok(skipped)
}

/// Takes out what was prepared and does not hold.
pub(in crate::bpf) fn abandon(maps: &mut Maps, held: &mut Held) -> Result<(), MapsError> {
    let Some(next) = &mut held.next else { return Ok(()) };
    next.filled.remove(maps)?;
    held.next = None;
    Ok(())
}

/// Puts what was prepared in force. Once the store is made there is no error any more: what cannot be taken out of the old
/// one is under a number that nobody asks for, and goes with the session.
pub(in crate::bpf) fn commit(maps: &mut Maps, session: &Session, held: &mut Held) -> Result<(), MapsError> {
    let slot = session.slot;
    let Some(next) = held.next.take() else {
        let reason = "no policy was prepared for this session".to_owned();
        return Err(MapsError::Access { name: "POLICIES", doing: "read", reason });
    };
    let stored = store(maps, slot, held.revision + 1);
    if let Err(error) = stored {
        held.next = Some(next);
        return Err(error);
    }
    held.revision += 1;
    next.budgets.iter().for_each(|budget| session.active.name_rule(budget));
    if let Some(names) = &held.names {
        names.follow_revision(held.revision);
    }
    let filled = std::mem::replace(&mut held.filled, next.filled);
    let files = std::mem::replace(&mut held.files, next.files);
    held.old = Some(Old { filled, _files: files });
    // What cannot be waited for, or taken out, stays until the session ends.
    let _ = settle(maps, session, held);
    Ok(())
}

/// Takes out what held before, once nothing is decided by it any more.
pub(in crate::bpf) fn settle(
    maps: &mut Maps,
    session: &Session,
    held: &mut Held,
) -> Result<(), SessionError> {
    if held.old.is_some() {
        put(maps, session.slot, &session.active)?;
        forget_old(maps, session.slot, held)?;
    }
    Ok(())
}

fn store(maps: &mut Maps, slot: u32, revision: u32) -> Result<(), MapsError> {
    let Plain(mut value) = maps.sessions.get(&slot, 0).map_err(read("SESSIONS"))?;
    value.revision = revision;
    maps.sessions.set(slot, Plain(value), 0).map_err(filled("SESSIONS"))
}

/// Takes out what held before.
pub(in crate::bpf) fn forget_old(maps: &mut Maps, slot: u32, held: &mut Held) -> Result<(), MapsError> {
    let Some(old) = &mut held.old else { return Ok(()) };
    old.filled.remove(maps)?;
    forget_learned(maps, rules_of(slot, held.revision + 1))?;
    // Inodes are let go after the rules about them.
    held.old = None;
    Ok(())
}

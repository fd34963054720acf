//! A session that an earlier process has opened.

use std::sync::Arc;

use nix::errno::Errno;

use super::open::names;
use super::{Held, Session, SessionError};
use crate::bpf::active::ActiveMask;
use crate::bpf::maps::Maps;
use crate::sys::{self, Elements};

/// Takes over a slot that is live. Its inodes are kept by the session's own supervisor.
pub(in crate::bpf) fn adopt(maps: &Maps, slot: u32, held: &mut Held) -> Result<Session, SessionError> {
    let active = active(maps, slot).map_err(SessionError::Unmapped)?;
    let names = Arc::new(names(maps, slot, held.revision, &active)?.beside_others());
    held.names = Some(Arc::clone(&names));
    Ok(Session { slot, active, skipped: Vec::new(), names })
}

/// User space finds the number of a map in a map.
fn active(maps: &Maps, slot: u32) -> Result<ActiveMask, Errno> {
    let outer = maps.all.iter().find(|(name, _)| name == "ACTIVE").ok_or(Errno::ENOENT)?;
    let outer = Elements::<u32, u32>::new(outer.1.try_clone().map_err(|_| Errno::EMFILE)?)?;
    ActiveMask::new(sys::map_by_id(outer.get(&slot)?)?)
}

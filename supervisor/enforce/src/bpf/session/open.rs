//! Opening a session: everything is in the maps before the slot is live.

use std::os::fd::AsFd;
use std::sync::Arc;

use abi::{Session as Value, State, rules_of};
use aya::maps::{Array, Map, MapData};
use nix::errno::Errno;

use super::merge::{self, Merged};
use super::paths::{self, Opened, UnopenedError};
use super::{Held, Opening, Session, Terms};
use crate::bpf::active::ActiveMask;
use crate::bpf::egress::Names;
use crate::bpf::layer::{CgroupProgram, Parts};
use crate::bpf::maps::{self, Maps, MapsError, filled};
use crate::bpf::pins::PinError;
use crate::bpf::program::{ProgramError, unattached};
use crate::bpf::register::{Register, RegisterError};
use crate::egress::Doors;
use crate::encode::Object;
use crate::ruleset::Skipped;
use crate::sys::{self, Plain};

/// Why a session cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Every slot is taken.
    #[error("the eBPF layer has no room for another session ({0} are open)")]
    Full(usize),
    /// The layer has programs on control groups, or a second identity to check, and the session has no group.
    #[error("the session needs a control group of version 2 for its network")]
    NoCgroup,
    /// A path cannot be opened.
    #[error(transparent)]
    Unopened(#[from] UnopenedError),
    /// A path cannot be told to the programs.
    #[error("{path} cannot be watched over: {source}")]
    Unregistered {
        /// The path.
        path: String,
        /// Why.
        source: RegisterError,
    },
    /// The program that tells inodes apart could not be attached.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The maps could not be filled.
    #[error(transparent)]
    Maps(#[from] MapsError),
    /// Its policy was changed as often as it may be.
    #[error("the session's policy was changed {0} times, as often as it can be; start it again")]
    Revisions(u32),
    /// The active set could not be mapped.
    #[error("the session's active set and names cannot be had: {}", .0.desc())]
    Unmapped(Errno),
    /// The programs could not be attached to the control group.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// They would end with this process.
    #[error("the session's programs cannot be pinned: {0}")]
    Pin(#[from] PinError),
}

/// Fills this slot. On an error `held` has what must be taken out again.
pub(in crate::bpf) fn open(
    parts: &mut Parts<'_>,
    slot: u32,
    opening: &Opening<'_>,
    held: &mut Held,
) -> Result<Session, SessionError> {
    if opening.cgroup.is_none() && !parts.cgroup_programs.is_empty() {
        return Err(SessionError::NoCgroup);
    }
    let maps = &mut *parts.maps;
    maps.states.set(slot, Plain(State::default()), 0).map_err(filled("STATES"))?;
    let active = active(maps, slot)?;
    opening.tables.budgets.iter().for_each(|budget| active.name_rule(budget));
    let (merged, skipped) = match parts.register {
        Some(register) => known(maps, register, &opening.terms(), &mut held.files)?,
        None => (Merged::default(), Vec::new()),
    };
    held.filled.write(maps, rules_of(slot, 0), &merged, opening.tables)?;
    let supervisor = opening.supervisor.as_raw().cast_unsigned();
    // The programs look one session up by its supervisor. Where a process has several, it is the latest one.
    maps.supervisors.insert(supervisor, slot, 0).map_err(filled("SUPERVISORS"))?;
    held.supervisor = supervisor;
    // Without programs on the control group nobody leads to a door, and what leads there stays closed.
    let doors = opening.doors.filter(|_| !parts.cgroup_programs.is_empty());
    let value = value(opening, doors);
    maps.sessions.set(slot, Plain(value), 0).map_err(filled("SESSIONS"))?;
    let names = names(parts.maps, slot, 0, &active)?;
    let names = Arc::new(if doors.is_some() { names.beside_others() } else { names });
    held.names = Some(Arc::clone(&names));
    guard_cgroup(parts, slot, opening, held)?;
    Ok(Session { slot, active, skipped, names })
}

fn value(opening: &Opening<'_>, doors: Option<Doors>) -> Value {
    Value {
        cgroup: opening.cgroup.map_or(0, |cgroup| cgroup.id),
        live: 1,
        supervisor: opening.supervisor.as_raw().cast_unsigned(),
        canary: 0,
        canary_until: 0,
        resolver_port: doors.map_or(0, |doors| doors.resolver),
        proxy_port: doors.map_or(0, |doors| doors.proxy),
        revision: 0,
        padding: 0,
    }
}

/// What the resolver and the proxy get in their hands.
pub(super) fn names(
    maps: &Maps,
    slot: u32,
    revision: u32,
    active: &ActiveMask,
) -> Result<Names, SessionError> {
    let (learned, peers) = (maps::descriptor(&maps.learned), maps::descriptor(&maps.peers));
    Names::new(slot, revision, learned, peers, active).map_err(SessionError::Unmapped)
}

fn active(maps: &mut Maps, slot: u32) -> Result<ActiveMask, SessionError> {
    let active = ActiveMask::new(maps::create_active()?).map_err(SessionError::Unmapped)?;
    active.store(1, 0);
    put(maps, slot, &active)?;
    Ok(active)
}

/// Makes it the active set of a slot. The kernel returns from that when no program runs any more that has begun before
/// (`maybe_wait_bpf_programs` in `kernel/bpf/syscall.c`, for maps of maps, since Linux 4.20).
pub(super) fn put(maps: &mut Maps, slot: u32, active: &ActiveMask) -> Result<(), SessionError> {
    let inner = active.as_fd().try_clone_to_owned().map_err(|_| SessionError::Unmapped(Errno::EMFILE))?;
    let inner: Array<MapData, Plain<abi::Active>> =
        MapData::from_fd(inner).and_then(|inner| Map::Array(inner).try_into()).map_err(filled("ACTIVE"))?;
    Ok(maps.active.set(slot, &inner, 0).map_err(filled("ACTIVE"))?)
}

/// Opens and registers every object; the open descriptors are held.
pub(super) fn known(
    maps: &mut Maps,
    register: &std::os::fd::OwnedFd,
    terms: &Terms<'_>,
    files: &mut Vec<std::os::fd::OwnedFd>,
) -> Result<(Merged, Vec<Skipped>), SessionError> {
    let opened = paths::open_objects(terms)?;
    let mut register = Register::attach(register, maps)?;
    let mut skipped = Vec::new();
    let mut inodes = Vec::new();
    for (object, opened) in terms.tables.objects.iter().zip(opened) {
        match opened {
            Opened::Held(file) => {
                let inode = register.inode(file.as_fd());
                inodes.push(
                    inode.map(|inode| (inode, object.purpose, object.entry)).map_err(unregistered(object))?,
                );
                files.push(file);
            }
            Opened::Skipped(skip) => skipped.push(skip),
            Opened::Absent => {}
        }
    }
    Ok((merge::merge(inodes, &terms.tables.named), skipped))
}

fn unregistered(object: &Object) -> impl Fn(RegisterError) -> SessionError {
    let path = object.path.as_path().display().to_string();
    move |source| SessionError::Unregistered { path: path.clone(), source }
}

/// From here on whoever is in the control group is in scope, marked or not.
fn guard_cgroup(
    parts: &mut Parts<'_>,
    slot: u32,
    opening: &Opening<'_>,
    held: &mut Held,
) -> Result<(), SessionError> {
    let Some(cgroup) = opening.cgroup else {
        return Ok(());
    };
    held.cgroup = cgroup.id;
    held.add_scope(parts.scope);
    parts.maps.scope.set(0, Plain(*parts.scope), 0).map_err(filled("SCOPE_FILTER"))?;
    parts.maps.cgroups.insert(cgroup.id, slot, 0).map_err(filled("CGROUPS"))?;
    let wanted = |program: &&CgroupProgram| opening.doors.is_some() || !program.serves_doors;
    for program in parts.cgroup_programs.iter().filter(wanted) {
        let link = sys::attach_cgroup(program.program.as_fd(), cgroup.directory, program.attach)
            .map_err(|errno| unattached(&program.name, errno))?;
        held.links.push((program.name.clone(), link));
    }
    Ok(())
}

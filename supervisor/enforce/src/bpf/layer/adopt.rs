//! A layer that an earlier process has loaded and pinned, taken over by a later one of the same build: the same programs go
//! on standing where they stand, and nothing is let loose in between.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use aya_obj::generated::bpf_prog_type;
use policy::HookWay;

use super::pinned::EXIT_PIN;
use super::{CgroupProgram, Layer, LayerError};
use crate::bpf::hooks::Attached;
use crate::bpf::maps::{self, read};
use crate::bpf::object::{EMBEDDED, Place};
use crate::bpf::pins::{self, Pins};
use crate::bpf::session::{self, Held, Session, SessionError};
use crate::sys::{self, Plain};

impl Layer {
    /// Takes over what is pinned under this name; `None` if nothing is. With it the sessions that are open in it.
    pub(crate) fn adopt(name: &str) -> Result<Option<(Self, Vec<Session>)>, LayerError> {
        let Some(pins) = Pins::found(name) else { return Ok(None) };
        let directory = pins.directory().to_owned();
        let maps = maps::find(&directory)?;
        let (hooks, way) = hooks(&directory)?;
        let slots = maps.sessions.len() as usize;
        let register = directory.join(format!("{}register", pins::PROGRAM));
        let mut layer = Self {
            way,
            hooks,
            exit: Some(get(&directory, pins::LINK, EXIT_PIN)?),
            register: register.exists().then(|| get(&directory, pins::PROGRAM, "register")).transpose()?,
            cgroup_programs: cgroup_programs(&directory)?,
            maps,
            scope: [0; abi::SCOPE_WORDS],
            sessions: std::iter::repeat_with(|| None).take(slots).collect(),
            pins: Some(pins),
        };
        let sessions = layer.adopt_sessions(&directory)?;
        Ok(Some((layer, sessions)))
    }

    fn adopt_sessions(&mut self, directory: &Path) -> Result<Vec<Session>, LayerError> {
        let mut filled = session::scan(&self.maps)?;
        let mut links = links(directory)?;
        let mut sessions = Vec::new();
        for slot in 1..self.maps.sessions.len() {
            let Plain(value) = self.maps.sessions.get(&slot, 0).map_err(read("SESSIONS"))?;
            let lives = value.live != 0;
            let mut of = |revision| filled.remove(&abi::rules_of(slot, revision)).unwrap_or_default();
            let mut held = Held {
                filled: of(value.revision),
                old: session::Old::found(of(value.revision + 1)),
                links: links.remove(&slot).unwrap_or_default(),
                revision: value.revision,
                ..Held::default()
            };
            if !lives && held.is_nothing() {
                continue;
            }
            if !lives {
                // Its opening or its end was cut off: whatever of it stands is taken away.
                self.sessions[slot as usize] = Some(held);
                self.clear(slot)?;
                continue;
            }
            (held.cgroup, held.supervisor) = (value.cgroup, value.supervisor);
            if value.canary != 0 {
                // It has ended with its parent.
                self.set_canary(slot, 0, 0)?;
            }
            let session = session::adopt(&self.maps, slot, &mut held)?;
            // A policy that was prepared, or has just ceased to hold.
            session::settle(&mut self.maps, &session, &mut held)?;
            self.sessions[slot as usize] = Some(held);
            sessions.push(session);
        }
        self.gather_scope();
        Ok(sessions)
    }
}

/// The links on sessions' control groups, by slot: `<program>_<slot>`.
fn links(directory: &Path) -> Result<BTreeMap<u32, Vec<(String, OwnedFd)>>, LayerError> {
    let mut links: BTreeMap<u32, Vec<(String, OwnedFd)>> = BTreeMap::new();
    for name in pins::names(directory, pins::LINK) {
        let parts = name.rsplit_once('_').and_then(|(program, slot)| Some((program, slot.parse().ok()?)));
        if let Some((program, slot)) = parts {
            links.entry(slot).or_default().push((program.to_owned(), get(directory, pins::LINK, &name)?));
        }
    }
    Ok(links)
}

fn get(directory: &Path, kind: &str, name: &str) -> Result<OwnedFd, LayerError> {
    let found = pins::get(&directory.join(format!("{kind}{name}")));
    found
        .map_err(|errno| LayerError::Found { name: format!("{kind}{name}"), reason: errno.desc().to_owned() })
}

/// The programs on security hooks, and how they stand there.
fn hooks(directory: &Path) -> Result<(Vec<Attached>, Option<HookWay>), LayerError> {
    let mut hooks = Vec::new();
    let mut way = None;
    for name in pins::names(directory, &format!("{}hook_", pins::PROGRAM)) {
        let unknown =
            || LayerError::Found { name: name.clone(), reason: "this build knows no such hook".to_owned() };
        let known = abi::HOOKS.iter().find(|hook| hook.name == name).ok_or_else(unknown)?.name;
        let program = get(directory, pins::PROGRAM, &format!("hook_{name}"))?;
        let kind = sys::program_info(program.as_fd()).map(|info| info.kind);
        let kind = kind.map_err(|errno| LayerError::Found { name, reason: errno.desc().to_owned() })?;
        let is_lsm = kind == bpf_prog_type::BPF_PROG_TYPE_LSM as u32;
        way = Some(if is_lsm { HookWay::Lsm } else { HookWay::FmodRet });
        hooks.push(Attached::found(known, program, get(directory, pins::LINK, known)?));
    }
    Ok((hooks, way))
}

/// Which places a program serves stands in the object file, which is of this build.
fn cgroup_programs(directory: &Path) -> Result<Vec<CgroupProgram>, LayerError> {
    let places: Vec<(String, Place)> = crate::bpf::object::places(EMBEDDED)?;
    let mut programs = Vec::new();
    for name in pins::names(directory, &format!("{}group_", pins::PROGRAM)) {
        let place = places.iter().find(|(known, _)| *known == name).map(|(_, place)| *place);
        let attach = place.and_then(|place| Some((place.on_group()?, place.serves_doors())));
        let unknown = || LayerError::Found {
            name: name.clone(),
            reason: "this build knows no such program".to_owned(),
        };
        let (attach, serves_doors) = attach.ok_or_else(unknown)?;
        let program = get(directory, pins::PROGRAM, &format!("group_{name}"))?;
        programs.push(CgroupProgram { name, attach, serves_doors, program });
    }
    Ok(programs)
}

impl From<SessionError> for LayerError {
    fn from(error: SessionError) -> Self {
        Self::Found { name: "session".to_owned(), reason: error.to_string() }
    }
}

//! What of a layer outlives its process.

use std::os::fd::AsFd;

use super::Layer;
use crate::bpf::pins::{PinError, Pins};

/// Under this name a layer is pinned until all of it is.
const INCOMPLETE: &str = "loading";

impl Layer {
    /// From now on the programs outlive this process, however it ends: they go on denying until a later start
    /// [cleans up](crate::bpf::clean_leftovers). Call it when the sessions are open and before a server runs.
    pub fn pin(&mut self) -> Result<(), PinError> {
        let mut pins = Pins::create()?;
        self.pin_links(&mut pins)?;
        for (name, map) in self.maps.all.iter().filter(|(name, _)| TELLING.contains(&name.as_str())) {
            pins.map(name, map.as_fd())?;
        }
        self.pins = Some(pins);
        (1..self.sessions.len()).try_for_each(|slot| self.pin_session(slot))
    }

    /// The same for a layer that a later process [takes over](Layer::adopt) under this name. Sessions are pinned as they
    /// are opened.
    pub(crate) fn pin_for_successors(&mut self, name: &str) -> Result<(), PinError> {
        // Of one who died before it was complete, and had no session.
        drop(Pins::found(INCOMPLETE));
        let mut pins = Pins::create_as(INCOMPLETE)?;
        self.pin_links(&mut pins)?;
        for (name, map) in self.maps.all.iter().filter(|(name, _)| !name.contains('.')) {
            pins.map(name, map.as_fd())?;
        }
        for hook in &self.hooks {
            pins.program(&format!("hook_{}", hook.name), hook.program())?;
        }
        for program in &self.cgroup_programs {
            pins.program(&format!("group_{}", program.name), program.program.as_fd())?;
        }
        if let Some(register) = &self.register {
            pins.program("register", register.as_fd())?;
        }
        pins.rename(name)?;
        self.pins = Some(pins);
        Ok(())
    }

    fn pin_links(&self, pins: &mut Pins) -> Result<(), PinError> {
        for attached in &self.hooks {
            pins.link(attached.name, attached.link())?;
        }
        self.exit.as_ref().map_or(Ok(()), |exit| pins.link(EXIT_PIN, exit.as_fd()))
    }

    /// Pins what stands on a session's control group, if the layer is pinned.
    pub(super) fn pin_session(&mut self, slot: usize) -> Result<(), PinError> {
        let (Some(pins), Some(Some(held))) = (&mut self.pins, self.sessions.get(slot)) else { return Ok(()) };
        held.links.iter().try_for_each(|(name, link)| pins.link(&format!("{name}_{slot}"), link.as_fd()))
    }

    pub(super) fn unpin_session(&mut self, slot: u32) {
        let (Some(pins), Some(Some(held))) = (&mut self.pins, self.sessions.get(slot as usize)) else {
            return;
        };
        held.links.iter().for_each(|(name, _)| pins.unlink(&format!("{name}_{slot}")));
    }
}

/// The name of the link on the end of supervisors.
pub(super) const EXIT_PIN: &str = "supervisor_exit";

/// The maps that tell whom a dead supervisor's programs are about.
const TELLING: [&str; 3] = ["TASKS", "SESSIONS", "STATES"];

//! A group's directory in one hierarchy: made, limited, removed.

use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::stat::Mode;
use nix::unistd::geteuid;
use policy::plan::LimitsPlan;

use super::directory::Directory;
use super::layout::Place;
use super::mounts::Version;
use super::settings::{self, Absent, Setting};
use super::{Controller, GroupError, GroupId, PARENT};

/// The group's directory in one hierarchy.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) version: Version,
    /// A version 1 freezer is here.
    pub(super) freezer: bool,
    /// The limits that are set here.
    pub(super) controllers: Vec<Controller>,
    /// The group above the directory `mcpguard`.
    pub(super) base: Directory,
    /// The directory `mcpguard`.
    pub(super) parent: Directory,
    pub(super) directory: Directory,
}

/// The controllers whose limits a policy may have.
const COUNTED: [Controller; 3] = [Controller::Memory, Controller::Pids, Controller::Cpu];

/// What becomes of controllers that no limit of the plan asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Others {
    /// They stay as they are.
    Off,
    /// They are switched on where that is possible.
    On,
}

/// Nobody but the owner may look into it, so that nobody else can hold its locks.
const PRIVATE: Mode = Mode::S_IRWXU;

impl Seat {
    pub(super) fn make(
        place: &Place,
        id: &GroupId,
        controllers: Vec<Controller>,
        others: Others,
    ) -> Result<Self, GroupError> {
        let made = attempts(|| Self::make_once(place, id, &controllers, others));
        if let (Err(_), Ok(base)) = (&made, place.base()) {
            // The directory `mcpguard` must not be left behind either. Other sessions may stand in it.
            let _ = base.remove(PARENT);
        }
        made
    }

    fn make_once(
        place: &Place,
        id: &GroupId,
        controllers: &[Controller],
        others: Others,
    ) -> Result<Self, GroupError> {
        let base = Directory::open(place.base()?.path())?;
        let parent = parent(&base)?;
        if place.version == Version::Unified {
            pass_on(&base, controllers)?;
            pass_on(&parent, controllers)?;
        }
        // Nobody asked for these: a session is not refused for what keeps them off.
        let is_on = |it: &Controller| {
            !controllers.contains(it)
                && place.passes_on(*it).is_ok()
                && pass_on(&base, &[*it]).and_then(|()| pass_on(&parent, &[*it])).is_ok()
        };
        let others: Vec<Controller> = match (place.version, others) {
            (Version::Unified, Others::On) => COUNTED.into_iter().filter(is_on).collect(),
            _ => Vec::new(),
        };
        let directory = parent.make(&id.to_string(), Mode::S_IRWXU | Mode::from_bits_truncate(0o055))?;
        let freezer = place.has_option("freezer");
        let seat = Self {
            version: place.version,
            freezer,
            controllers: [controllers, &others].concat(),
            base,
            parent,
            directory,
        };
        match seat.directory.lock() {
            Ok(true) => Ok(seat),
            other => {
                seat.remove(&id.to_string())?;
                Err(other
                    .err()
                    .unwrap_or_else(|| GroupError::file("locked", seat.directory.path(), Errno::EWOULDBLOCK)))
            }
        }
    }

    /// Sets the plan's limits that are this seat's.
    pub(super) fn limit(&self, plan: &LimitsPlan) -> Result<(), GroupError> {
        if self.version == Version::Unified {
            self.set(settings::closed())?;
        }
        for controller in &self.controllers {
            self.set(settings::of(*controller, self.version, plan)?)?;
        }
        Ok(())
    }

    fn set(&self, settings: Vec<Setting>) -> Result<(), GroupError> {
        for Setting { file, value, absent } in settings {
            if absent == Absent::Refuse || self.directory.has(file) {
                self.directory.write(file, &value)?;
            }
        }
        Ok(())
    }

    /// Removes the empty directory, and `mcpguard` above it if it was the last.
    pub(super) fn remove(&self, name: &str) -> Result<(), GroupError> {
        const PATIENCE: Duration = Duration::from_secs(2);
        let deadline = Instant::now() + PATIENCE;
        loop {
            remove_beneath(&self.directory, DEPTH);
            match self.parent.remove(name) {
                // Processes that have just died are still being taken out.
                Err(GroupError::File { errno: Errno::EBUSY, .. }) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_micros(500));
                }
                other => {
                    // Other sessions may stand in it.
                    let _ = self.base.remove(PARENT);
                    return other;
                }
            }
        }
    }
}

/// How deep groups beneath a group are looked for.
const DEPTH: usize = 16;

/// Removes empty groups beneath, which only version 1 lets anybody make. What cannot be removed keeps the group itself
/// from being removed, and that error is told.
fn remove_beneath(directory: &Directory, depth: usize) {
    for name in directory.children().unwrap_or_default() {
        if let (true, Ok(Some(child))) = (depth > 0, directory.child(&name)) {
            remove_beneath(&child, depth - 1);
        }
        let _ = directory.remove(&name);
    }
}

/// The directory `mcpguard`, made if it is not there.
pub(super) fn parent(base: &Directory) -> Result<Directory, GroupError> {
    let parent = match base.make(PARENT, PRIVATE) {
        Err(GroupError::Exists(path)) => {
            base.child(PARENT)?.ok_or_else(|| GroupError::file("opened", path, Errno::ENOENT))?
        }
        other => other?,
    };
    match parent.owner()? == geteuid().as_raw() {
        true => Ok(parent),
        false => Err(GroupError::ForeignOwner(parent.path().to_owned())),
    }
}

/// Switches controllers on for the groups beneath. They stay on: others may rely on them by the time we end.
fn pass_on(directory: &Directory, controllers: &[Controller]) -> Result<(), GroupError> {
    const FILE: &str = "cgroup.subtree_control";
    let passed = directory.read(FILE)?;
    for controller in controllers {
        if !passed.split_ascii_whitespace().any(|name| name == controller.name()) {
            directory.write(FILE, &format!("+{controller}"))?;
        }
    }
    Ok(())
}

/// Begins anew, within bounds, as often as another session's end takes the directory `mcpguard` away meanwhile.
pub(super) fn attempts<T>(mut once: impl FnMut() -> Result<T, GroupError>) -> Result<T, GroupError> {
    for _ in 0..100 {
        match once() {
            Err(GroupError::File { errno: Errno::ENOENT | Errno::ENODEV, .. }) => {}
            other => return other,
        }
    }
    once()
}

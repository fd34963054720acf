//! Which hierarchies this host has, and beneath which group of each mcpguard may make its own.

use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use super::directory::Directory;
use super::mounts::{Mount, Version, mounts, own_group};
use super::{Controller, GroupError};

/// A hierarchy and the place in it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) version: Version,
    /// Names of version 1 controllers.
    options: Vec<String>,
    /// The top of what is mounted.
    pub(super) top: PathBuf,
    /// The group beneath which `mcpguard` is made, or why there is none.
    base: Result<Directory, String>,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(super) places: Vec<Place>,
}

/// Why a controller cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) reason: String,
    pub(super) remedy: String,
}

impl Layout {
    /// Looks at the mounts of this process.
    pub(crate) fn find() -> Self {
        let read = |file| std::fs::read_to_string(file).unwrap_or_default();
        let (mountinfo, own) = (read("/proc/self/mountinfo"), read("/proc/self/cgroup"));
        let places = mounts(&mountinfo).into_iter().map(|mount| Place::find(mount, &own)).collect();
        Self { places }
    }

    /// The version 2 hierarchy, if groups can be made in it.
    pub(super) fn unified(&self) -> Option<&Place> {
        self.usable().find(|place| place.version == Version::Unified)
    }

    /// The version 1 freezer, if groups can be made in it.
    pub(super) fn freezer(&self) -> Option<&Place> {
        self.usable().find(|place| place.has_option("freezer"))
    }

    /// Hierarchies in which groups can be made.
    pub(super) fn usable(&self) -> impl Iterator<Item = &Place> {
        self.places.iter().filter(|place| place.base.is_ok())
    }

    /// Where a group gets this controller: in version 2 if it is there, else in version 1.
    pub(super) fn place(&self, controller: Controller) -> Result<&Place, Missing> {
        let unified = self.unified().map(|place| (place, place.passes_on(controller)));
        if let Some((place, Ok(()))) = unified {
            return Ok(place);
        }
        let legacy = |place: &&Place| place.has_option(controller.legacy_name());
        if let Some(place) = self.usable().find(legacy) {
            return Ok(place);
        }
        Err(match (unified, self.places.iter().find(legacy).map(|place| &place.base)) {
            (Some((_, Err(Some(missing)))), _) => missing,
            (_, Some(Err(reason))) => Missing { reason: reason.clone(), remedy: PRIVILEGE.to_owned() },
            _ => self.absent(controller),
        })
    }

    /// No hierarchy that can be used has it.
    fn absent(&self, controller: Controller) -> Missing {
        let disabled = std::fs::read_to_string("/proc/cgroups").is_ok_and(|text| {
            let name = controller.legacy_name();
            text.lines().any(|line| line.split('\t').next() == Some(name) && line.ends_with("\t0"))
        });
        if disabled {
            return Missing {
                reason: "the kernel was started without it".to_owned(),
                remedy: format!(
                    "take `cgroup_disable={controller}` from the kernel's command line, or add `cgroup_enable={controller}`"
                ),
            };
        }
        if let Some(missing) = self.nowhere() {
            return missing;
        }
        Missing {
            reason: format!("no mounted hierarchy has the controller `{controller}`"),
            remedy: "mount it (systemd: systemd.unified_cgroup_hierarchy=1), or use a kernel that has it"
                .to_owned(),
        }
    }

    /// Why no group can be made at all; `None` if one can.
    pub(super) fn nowhere(&self) -> Option<Missing> {
        if self.usable().next().is_some() {
            return None;
        }
        let refused = self.places.iter().find_map(|place| place.base.as_ref().err());
        Some(match refused {
            Some(reason) => Missing { reason: reason.clone(), remedy: PRIVILEGE.to_owned() },
            None => Missing {
                reason: "no control group file system is mounted".to_owned(),
                remedy: "mount one: `mount -t cgroup2 none /sys/fs/cgroup`".to_owned(),
            },
        })
    }

    /// [`Self::nowhere`] as an error.
    pub(super) fn none(&self) -> GroupError {
        let Missing { reason, remedy } = self.nowhere().unwrap_or_else(|| Missing {
            reason: "no hierarchy can hold the session's processes".to_owned(),
            remedy: PRIVILEGE.to_owned(),
        });
        GroupError::NoHierarchy { reason, remedy }
    }
}

const PRIVILEGE: &str = "run mcpguard as root where the control group file system is writable, or in a subtree that is \
                         delegated to its user (systemd: Delegate=yes and DelegateSubgroup=)";

impl Place {
    fn find(mount: Mount, own: &str) -> Self {
        let own = own_group(own, &mount);
        let base = base(&mount, own.as_deref());
        let Mount { version, point: top, options, .. } = mount;
        Self { version, options, top, base }
    }

    /// The group beneath which `mcpguard` is made.
    pub(super) fn base(&self) -> Result<&Directory, GroupError> {
        let refuse = |reason: &String| GroupError::NoHierarchy {
            reason: reason.clone(),
            remedy: PRIVILEGE.to_owned(),
        };
        self.base.as_ref().map_err(refuse)
    }

    pub(super) fn has_option(&self, name: &str) -> bool {
        self.options.iter().any(|option| option == name)
    }

    /// Whether groups beneath the base can have this controller of version 2. `Err(None)`: it is not of this hierarchy.
    pub(super) fn passes_on(&self, controller: Controller) -> Result<(), Option<Missing>> {
        let Ok(base) = &self.base else { return Err(None) };
        if lists(base, "cgroup.subtree_control", controller) {
            return Ok(());
        }
        if !lists(base, "cgroup.controllers", controller) {
            let above =
                Directory::open(&self.top).is_ok_and(|top| lists(&top, "cgroup.controllers", controller));
            return Err(above.then(|| withheld(base, controller)));
        }
        // The root of all groups has no type, and is the one group that may hold processes and pass controllers on.
        match !base.has("cgroup.type") || base.read("cgroup.procs").is_ok_and(|members| members.is_empty()) {
            true => Ok(()),
            false => Err(Some(occupied(base))),
        }
    }
}

fn lists(directory: &Directory, file: &str, controller: Controller) -> bool {
    directory.read(file).is_ok_and(|text| text.split_ascii_whitespace().any(|name| name == controller.name()))
}

fn withheld(base: &Directory, controller: Controller) -> Missing {
    Missing {
        reason: format!("the groups above {} do not pass it on", base.path().display()),
        remedy: format!("delegate it (systemd: Delegate={controller}), or run mcpguard as root"),
    }
}

fn occupied(base: &Directory) -> Missing {
    Missing {
        reason: format!(
            "processes stand in {} itself, and such a group can pass no controller on",
            base.path().display()
        ),
        remedy: "start mcpguard in a child of it (systemd: DelegateSubgroup=supervisor)".to_owned(),
    }
}

/// The nearest group above this process that systemd has given away for dividing and that holds no process itself; else
/// the topmost one that belongs to this user.
fn base(mount: &Mount, own: Option<&Path>) -> Result<Directory, String> {
    let way = way(mount, own);
    let mut opened: Vec<Directory> = Vec::new();
    let mut refused = None;
    for path in &way {
        match usable(path, mount.version) {
            Ok(directory) => opened.push(directory),
            Err(reason) => refused = refused.or(Some(reason)),
        }
    }
    let given =
        |it: &Directory| it.is_delegated() && it.read("cgroup.procs").is_ok_and(|text| text.is_empty());
    let nearest = opened.iter().rposition(given).unwrap_or(0);
    match opened.into_iter().nth(nearest) {
        Some(directory) => Ok(directory),
        None => Err(refused.unwrap_or_else(|| format!("{} cannot be entered", mount.point.display()))),
    }
}

/// The groups from the top of the mount down to this process's own.
fn way(mount: &Mount, own: Option<&Path>) -> Vec<PathBuf> {
    let below = own.and_then(|own| own.strip_prefix(&mount.root).ok());
    // A path with `..` leads out of this cgroup namespace.
    let below =
        below.filter(|path| path.components().all(|part| matches!(part, std::path::Component::Normal(_))));
    let mut way = vec![mount.point.clone()];
    for part in below.into_iter().flat_map(Path::components) {
        way.extend(way.last().map(|above| above.join(part)));
    }
    way
}

/// Opens a group in which this user may make groups, and move its own processes into them.
fn usable(path: &Path, version: Version) -> Result<Directory, String> {
    let directory = Directory::open(path).map_err(|error| error.to_string())?;
    let owner = directory.owner().map_err(|error| error.to_string())?;
    if owner != geteuid().as_raw() {
        return Err(format!("{} belongs to user {owner}", path.display()));
    }
    let files: &[&str] = match version {
        Version::Unified => &[".", "cgroup.procs", "cgroup.subtree_control"],
        Version::Legacy => &[".", "cgroup.procs"],
    };
    match files.iter().find(|file| !directory.may_write(file)) {
        None => Ok(directory),
        Some(file) => Err(format!("{} is not writable", path.join(file).display())),
    }
}

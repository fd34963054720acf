//! What this host's control groups can do, found by making a group and removing it.

use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::stat::Mode;

use super::layout::{Layout, Missing, Place};
use super::mounts::Version;
use super::seat::{attempts, parent};
use super::support::{Availability, Hierarchy, Survey};
use super::{Controller, GroupError, GroupId, PARENT};

/// Makes an empty group in each hierarchy that would be used, looks at it, and removes it. Moves no process.
///
/// A controller of version 2 that is not yet passed on to the place of our groups is not switched on for the try: that
/// would change other groups. Whether it may be is found out by the rules of the kernel, and `Group::create` does it.
pub fn probe() -> Survey {
    probe_in(&Layout::find())
}

pub(super) fn probe_in(layout: &Layout) -> Survey {
    let unified = layout.unified().map(|place| (place, attempt(place, None)));
    let tried = unified.as_ref().and_then(|(_, seen)| seen.as_ref().ok());
    let (kill, freezes) = tried.map_or((false, false), |seen| (seen.kill, seen.freeze));
    let controllers: Vec<_> = Controller::ALL
        .into_iter()
        .map(|controller| (controller, availability(layout, controller)))
        .collect();
    let frozen_by_version_1 = || layout.freezer().is_some_and(|place| attempt(place, None).is_ok());
    let freeze = freezes || (tried.is_none() && frozen_by_version_1());
    let (hierarchy, because) = hierarchy(layout, tried.is_some(), &controllers);
    let at = tried.and(unified.as_ref()).and_then(|(place, _)| place.base().ok());
    let unified = at.map(|base| base.path().to_owned());
    Survey { hierarchy, because, unified, kill, freeze, controllers }
}

/// What a group that was made could do.
struct Seen {
    kill: bool,
    freeze: bool,
    /// Whether it had the file that was looked for.
    file: bool,
}

fn attempt(place: &Place, file: Option<&str>) -> Result<Seen, GroupError> {
    attempts(|| attempt_once(place, file))
}

fn attempt_once(place: &Place, file: Option<&str>) -> Result<Seen, GroupError> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let base = place.base()?;
    let label = format!("probe{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let id = GroupId::own().and_then(|id| id.labelled(&label).ok()).ok_or_else(no_proc)?;
    let parent = parent(base)?;
    let made = parent.make(&id.to_string(), Mode::S_IRWXU)?;
    let seen = Seen {
        kill: made.has("cgroup.kill"),
        freeze: made.has("cgroup.freeze"),
        file: file.is_none_or(|file| made.has(file)),
    };
    let removed = parent.remove(&id.to_string());
    // Sessions may stand in it.
    let _ = base.remove(PARENT);
    removed.map(|()| seen)
}

fn no_proc() -> GroupError {
    GroupError::NoHierarchy { reason: "/proc cannot be read".to_owned(), remedy: "mount it".to_owned() }
}

fn availability(layout: &Layout, controller: Controller) -> Availability {
    let place = match layout.place(controller) {
        Ok(place) => place,
        Err(Missing { reason, remedy }) => return Availability::Missing { reason, remedy },
    };
    let file = (place.version == Version::Legacy).then(|| controller.legacy_file());
    match (attempt(place, file), place.base()) {
        (Ok(Seen { file: true, .. }), Ok(base)) => {
            Availability::Available { at: base.path().to_owned(), note: note(place, controller) }
        }
        (Err(error), _) => {
            Availability::Missing { reason: error.to_string(), remedy: "see the reason".to_owned() }
        }
        _ => Availability::Missing {
            reason: format!(
                "a new group beneath {} has no {}",
                place.top.display(),
                controller.legacy_file()
            ),
            remedy: "use a kernel with CONFIG_CFS_BANDWIDTH, CONFIG_BLK_DEV_THROTTLING".to_owned(),
        },
    }
}

/// What the limit does not do here.
fn note(place: &Place, controller: Controller) -> Option<String> {
    let swaps = std::fs::read_to_string("/proc/swaps").is_ok_and(|text| text.lines().count() > 1);
    let counted = match place.version {
        // Swap is counted in every group but the root, which `memory.swap.max` shows once the controller is passed on.
        Version::Unified => {
            !std::fs::read_to_string("/proc/cmdline").is_ok_and(|line| line.contains("swapaccount=0"))
        }
        Version::Legacy => attempt(place, Some("memory.memsw.limit_in_bytes")).is_ok_and(|seen| seen.file),
    };
    (controller == Controller::Memory && swaps && !counted).then(|| {
        "Swap is not counted: what is swapped out is beyond the memory limit (swapaccount=1).".to_owned()
    })
}

fn hierarchy(
    layout: &Layout,
    unified: bool,
    controllers: &[(Controller, Availability)],
) -> (Hierarchy, Option<(String, String)>) {
    let why = |reason: &str, remedy: &str| Some((reason.to_owned(), remedy.to_owned()));
    if let Some(Missing { reason, remedy }) = layout.nowhere() {
        return (Hierarchy::None, Some((reason, remedy)));
    }
    let legacy = |it: &(Controller, Availability)| {
        matches!(it.1, Availability::Available { .. })
            && layout.place(it.0).is_ok_and(|place| place.version == Version::Legacy)
    };
    match (unified, controllers.iter().any(legacy)) {
        (true, false) => (Hierarchy::Unified, None),
        (true, true) => (
            Hierarchy::Hybrid,
            why(
                "version 1 holds controllers",
                "boot with systemd.unified_cgroup_hierarchy=1, or mount cgroup2 alone",
            ),
        ),
        (false, true) => (
            Hierarchy::Legacy,
            why(
                "no group can be made in version 2",
                "mount it: `mount -t cgroup2 none /sys/fs/cgroup/unified`",
            ),
        ),
        (false, false) => {
            (Hierarchy::None, why("no group could be made in any hierarchy", "see the controllers"))
        }
    }
}

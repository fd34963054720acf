//! Standing still, all of the tree at once.

use std::time::{Duration, Instant};

use super::GroupError;
use super::directory::Directory;
use super::group::Group;
use super::mounts::Version;
use super::seat::Seat;

/// How long the tree may take to stand still. A process in the kernel must first come to where it can be stopped.
const PATIENCE: Duration = Duration::from_secs(2);

impl Group {
    /// Stops every process of the group, and those that are being made, and waits until all stand still.
    /// A frozen process can still be killed.
    pub fn freeze(&self) -> Result<(), GroupError> {
        let freezer = self.freezer()?;
        freezer.begin()?;
        let deadline = Instant::now() + PATIENCE;
        while !freezer.is_frozen()? {
            if Instant::now() > deadline {
                let group = freezer.directory().path().to_owned();
                return Err(GroupError::NotFrozen { group, patience: PATIENCE });
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(())
    }

    /// Begins to stop every process of the group, and waits for nobody.
    pub(crate) fn begin_to_freeze(&self) -> Result<(), GroupError> {
        self.freezer()?.begin()
    }

    /// Lets the group go on.
    pub fn thaw(&self) -> Result<(), GroupError> {
        self.freezer()?.end()
    }

    /// Whether the group stands still.
    pub fn is_frozen(&self) -> Result<bool, GroupError> {
        self.freezer()?.is_frozen()
    }

    fn freezer(&self) -> Result<Freezer<'_>, GroupError> {
        let found = self.seats.iter().find_map(Freezer::of);
        let path = self.seats.first().map(|seat| seat.directory.path().to_owned()).unwrap_or_default();
        found.ok_or(GroupError::NoFreezer(path))
    }
}

/// What stops a group.
#[derive(Clone, Copy, Debug)]
pub(super) enum Freezer<'a> {
    /// `cgroup.freeze` (Linux 5.2).
    Unified(&'a Directory),
    /// `freezer.state`. A process that it holds does not die before it is let go.
    Legacy(&'a Directory),
}

impl<'a> Freezer<'a> {
    pub(super) fn of(seat: &'a Seat) -> Option<Self> {
        match seat.version {
            Version::Unified if seat.directory.has("cgroup.freeze") => Some(Self::Unified(&seat.directory)),
            Version::Legacy if seat.freezer => Some(Self::Legacy(&seat.directory)),
            _ => None,
        }
    }

    fn directory(self) -> &'a Directory {
        match self {
            Self::Unified(directory) | Self::Legacy(directory) => directory,
        }
    }

    /// Begins to stop the group; does not wait.
    pub(super) fn begin(self) -> Result<(), GroupError> {
        match self {
            Self::Unified(directory) => directory.write("cgroup.freeze", "1"),
            Self::Legacy(directory) => directory.write("freezer.state", "FROZEN"),
        }
    }

    pub(super) fn end(self) -> Result<(), GroupError> {
        match self {
            Self::Unified(directory) => directory.write("cgroup.freeze", "0"),
            Self::Legacy(directory) => directory.write("freezer.state", "THAWED"),
        }
    }

    fn is_frozen(self) -> Result<bool, GroupError> {
        Ok(match self {
            Self::Unified(directory) => {
                directory.read("cgroup.events")?.lines().any(|line| line == "frozen 1")
            }
            Self::Legacy(directory) => directory.read("freezer.state")?.trim() == "FROZEN",
        })
    }
}

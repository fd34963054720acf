//! How often the limits were hit.

use std::time::Duration;

use super::directory::Directory;
use super::group::Group;
use super::mounts::Version;
use super::seat::Seat;
use super::{Controller, GroupError};

/// Counts since the group was made. `None` where the limit is not set, or the kernel does not count it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct GroupEvents {
    /// Processes that were killed because the memory limit was reached.
    pub oom_kills: Option<u64>,
    /// How often memory could not be had within the limit. Version 1 does not count it.
    pub oom: Option<u64>,
    /// How often a process or thread was refused.
    pub pids_max_hits: Option<u64>,
    /// How many periods ended with the processor share used up.
    pub cpu_throttled_periods: Option<u64>,
    /// How long the group's processors stood still for it, all of them together.
    pub cpu_throttled: Option<Duration>,
}

impl Group {
    /// Reads the counts. Read them before the group is removed.
    pub fn events(&self) -> Result<GroupEvents, GroupError> {
        let mut events = GroupEvents::default();
        for seat in &self.seats {
            for controller in &seat.controllers {
                seat.add_events(*controller, &mut events)?;
            }
        }
        Ok(events)
    }
}

impl Seat {
    fn add_events(&self, controller: Controller, to: &mut GroupEvents) -> Result<(), GroupError> {
        match (controller, self.version) {
            (Controller::Memory, Version::Unified) => {
                let counts = Counts::read(&self.directory, "memory.events")?;
                (to.oom, to.oom_kills) = (counts.get("oom"), counts.get("oom_kill"));
            }
            (Controller::Memory, Version::Legacy) => {
                to.oom_kills = Counts::read(&self.directory, "memory.oom_control")?.get("oom_kill");
            }
            (Controller::Pids, _) => {
                to.pids_max_hits = Counts::read(&self.directory, "pids.events")?.get("max");
            }
            (Controller::Cpu, version) => {
                let counts = Counts::read(&self.directory, "cpu.stat")?;
                to.cpu_throttled_periods = counts.get("nr_throttled");
                to.cpu_throttled = match version {
                    Version::Unified => counts.get("throttled_usec").map(Duration::from_micros),
                    Version::Legacy => counts.get("throttled_time").map(Duration::from_nanos),
                };
            }
            (Controller::Io, _) => {}
        }
        Ok(())
    }
}

/// A file of `key value` lines.
struct Counts(String);

impl Counts {
    fn read(directory: &Directory, file: &str) -> Result<Self, GroupError> {
        directory.read(file).map(Self)
    }

    fn get(&self, key: &str) -> Option<u64> {
        let lines = self.0.lines().filter_map(|line| line.split_once(' '));
        lines.into_iter().find(|(name, _)| *name == key)?.1.trim().parse().ok()
    }
}

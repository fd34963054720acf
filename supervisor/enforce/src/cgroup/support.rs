//! What this host's control groups can do, as plain data.

use std::path::PathBuf;

use super::Controller;

/// Which hierarchies can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hierarchy {
    /// Version 2 for everything.
    Unified,
    /// Version 2 for identity, freezing and killing; version 1 for at least one controller.
    Hybrid,
    /// Version 1 alone: a group has no identity that eBPF could read.
    Legacy,
    /// None, or none in which mcpguard can make a group.
    #[default]
    None,
}

/// Whether a controller can be had for a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// It can.
    Available {
        /// The group beneath which groups are made.
        at: PathBuf,
        /// What it does not do here. A whole sentence.
        note: Option<String>,
    },
    /// It cannot.
    Missing {
        /// Why.
        reason: String,
        /// What would make it right.
        remedy: String,
    },
}

/// What this host's control groups can do for a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Which hierarchies can be used.
    pub hierarchy: Hierarchy,
    /// Why not a better one, and what would make it right. `None` for version 2.
    pub because: Option<(String, String)>,
    /// The group of the version 2 hierarchy beneath which `mcpguard` stands.
    pub unified: Option<PathBuf>,
    /// `cgroup.kill` is there (Linux 5.14): one write ends the whole tree. Otherwise it is frozen and killed one by one.
    pub kill: bool,
    /// A group can be frozen.
    pub freeze: bool,
    /// Each controller, in the order of [`Controller::ALL`].
    pub controllers: Vec<(Controller, Availability)>,
}

impl Survey {
    /// Whether a session can have a group at all.
    pub fn is_usable(&self) -> bool {
        self.hierarchy != Hierarchy::None
    }

    /// Whether a group can limit this.
    pub fn has(&self, controller: Controller) -> bool {
        let available = |it: &Availability| matches!(it, Availability::Available { .. });
        self.controllers.iter().any(|(name, availability)| *name == controller && available(availability))
    }

    /// The same in the words of `policy`, for `coverage`.
    pub fn support(&self) -> policy::CgroupSupport {
        policy::CgroupSupport {
            identity: self.unified.is_some() && self.freeze,
            memory: self.has(Controller::Memory),
            cpu: self.has(Controller::Cpu),
            processes: self.has(Controller::Pids),
            missing: self.missing(),
        }
    }

    /// What is missing of a policy's limits and why, and what would make it right, as one sentence.
    fn missing(&self) -> Option<String> {
        let sentence = |reason: &str, remedy: &str| format!("{reason}; {remedy}");
        if self.unified.is_none() {
            return self.because.as_ref().map(|(reason, remedy)| sentence(reason, remedy));
        }
        let limits = self.controllers.iter().filter(|(controller, _)| *controller != Controller::Io);
        let mut missing = limits.filter_map(|(controller, availability)| match availability {
            Availability::Missing { reason, remedy } => {
                Some(format!("the {controller} controller is missing: {}", sentence(reason, remedy)))
            }
            Availability::Available { .. } => None,
        });
        missing.next()
    }
}

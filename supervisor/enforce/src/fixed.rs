//! What a process that is sealed keeps for its whole life: Landlock's grants, the filter of system calls.
//! Nobody can take them back or add to them, so that another policy for it is compared with them.

use std::path::{Path, PathBuf};

use crate::prepare::Ready;
use crate::ruleset::Ruleset;
use crate::seccomp::Profile;

/// What is fixed with a start.
#[derive(Clone, Debug)]
pub struct Fixed {
    ruleset: Option<Ruleset>,
    profile: Option<Profile>,
}

/// Something that one start grants and another does not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Beyond {
    /// Rights on this path.
    Path(PathBuf),
    /// A port that may be connected to, or sent to.
    Port(u16),
    /// A port that may be listened on; 0 is any free one.
    Listen(u16),
}

impl std::fmt::Display for Beyond {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(path) => write!(to, "{}", path.display()),
            Self::Port(port) => write!(to, "port {port}"),
            Self::Listen(0) => to.write_str("listening on any free port"),
            Self::Listen(port) => write!(to, "listening on port {port}"),
        }
    }
}

impl Ready {
    /// What a start with these orders fixes.
    pub fn fixed(&self) -> Fixed {
        let profile = (!self.orders.filter.is_empty()).then(|| self.profile.clone());
        Fixed { ruleset: self.orders.ruleset.clone(), profile }
    }
}

impl Fixed {
    /// What Landlock would grant after the other start and does not after this one.
    pub fn lacks(&self, other: &Self) -> Vec<Beyond> {
        let (Some(own), Some(other)) = (&self.ruleset, &other.ruleset) else { return Vec::new() };
        let missing = |ports: &[u16], known: &[u16]| -> Vec<u16> {
            ports.iter().filter(|port| !known.contains(port)).copied().collect()
        };
        let paths = other.grants.iter().filter(|grant| !own.grants_all(grant.path(), grant.rights().bits()));
        let mut all: Vec<Beyond> = paths.map(|grant| Beyond::Path(grant.path().to_owned())).collect();
        all.extend(missing(&other.connect, &own.connect).into_iter().map(Beyond::Port));
        all.extend(missing(&other.udp, &own.udp).into_iter().map(Beyond::Port));
        all.extend(missing(&other.bind, &own.bind).into_iter().map(Beyond::Listen));
        all.sort();
        all.dedup();
        all
    }

    /// Whether both let the same system calls through.
    pub fn has_the_calls_of(&self, other: &Self) -> bool {
        self.profile == other.profile
    }
}

impl Ruleset {
    /// Whether these rights hold on a path, granted there or above.
    fn grants_all(&self, path: &Path, rights: u64) -> bool {
        let held = self.grants.iter().filter(|grant| path.starts_with(grant.path()));
        let held = held.fold(0, |sum, grant| sum | grant.rights().bits());
        held & rights == rights
    }
}

#[cfg(test)]
mod tests {
    use policy::plan::{AbsolutePath, ClassMask, FilesPlan, PathRule};

    use super::*;

    fn fixed(paths: &[(&str, bool)]) -> Fixed {
        let rule = |(path, write): &(&str, bool)| PathRule {
            path: AbsolutePath::new(path).expect("absolute"),
            read: ClassMask::ALWAYS,
            write: if *write { ClassMask::ALWAYS } else { ClassMask::NONE },
            execute: ClassMask::NONE,
            code: false,
            from: Vec::new(),
        };
        let files = FilesPlan { rules: paths.iter().map(rule).collect(), names: Vec::new() };
        let grants = crate::ruleset::path_grants(&files, 6);
        let ruleset = Ruleset { abi: 6, grants, connect: vec![443], bind: Vec::new(), udp: Vec::new() };
        Fixed { ruleset: Some(ruleset), profile: None }
    }

    #[test]
    fn what_lies_beneath_a_grant_is_granted() {
        let old = fixed(&[("/srv", false), ("/tmp/w", true)]);
        let new =
            fixed(&[("/srv/data", false), ("/tmp/w/x", true), ("/srv_evil", false), ("/srv/out", true)]);
        let path = |path: &str| Beyond::Path(path.into());
        assert_eq!(old.lacks(&new), [path("/srv/out"), path("/srv_evil")]);
        assert_eq!(new.lacks(&old), [path("/srv"), path("/tmp/w")]);
        assert!(old.lacks(&old).is_empty());
    }

    #[test]
    fn ports_are_compared_too() {
        let (old, mut new) = (fixed(&[]), fixed(&[]));
        if let Some(ruleset) = &mut new.ruleset {
            (ruleset.connect, ruleset.bind) = (vec![22, 443], vec![0]);
        }
        assert_eq!(old.lacks(&new), [Beyond::Port(22), Beyond::Listen(0)]);
        assert!(new.lacks(&old).is_empty());
    }
}

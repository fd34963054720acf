//! Where the paths of a plan really are: the one part of this module that asks the file system.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use policy::Plan;
use policy::plan::{AbsolutePath, PathRule};

use super::Implied;
use crate::ruleset::open::{OpenError, open, real_path};

/// Where paths really are, symbolic links followed. A path that is not in it is where it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RealPaths(BTreeMap<AbsolutePath, AbsolutePath>);

/// A grant whose place the server itself could have chosen.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct LookUpError(OpenError);

impl RealPaths {
    /// Notes where a path really is.
    pub fn insert(&mut self, path: AbsolutePath, real: AbsolutePath) {
        if path != real {
            self.0.insert(path, real);
        }
    }

    /// Where a path really is.
    pub fn of<'a>(&'a self, path: &'a AbsolutePath) -> &'a AbsolutePath {
        self.0.get(path).unwrap_or(path)
    }

    /// Paths that are elsewhere than they say, and where, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&AbsolutePath, &AbsolutePath)> {
        self.0.iter()
    }

    fn note(&mut self, path: &AbsolutePath, real: PathBuf) {
        if let Some(real) = AbsolutePath::new(real) {
            self.insert(path.clone(), real);
        }
    }
}

/// Asks the file system where the paths of a plan really are.
///
/// # Errors
/// If a grant leads through a symbolic link in a directory that the policy lets the server write.
pub fn look_up(plan: &Plan, implied: &Implied) -> Result<RealPaths, LookUpError> {
    let mut found = RealPaths::default();
    let writable = writable(plan);
    let sockets = plan.network.unix_sockets.iter().map(|rule| &rule.path);
    let granted = plan.files.rules.iter().filter(|rule| !is_deny(rule)).map(|rule| &rule.path).chain(sockets);
    for path in granted {
        match open(path.as_path(), &writable) {
            Ok(descriptor) => {
                found.note(path, real_path(descriptor.as_fd()).unwrap_or_else(|_| path.as_path().to_owned()))
            }
            // Nothing is granted there.
            Err(OpenError::Absent(_)) => {}
            Err(planted) => return Err(LookUpError(planted)),
        }
    }
    // Whoever planted a link to a denied path can only have closed more; the command is what the user typed.
    let Implied { programs, loaders } = implied;
    let denied = plan.files.rules.iter().filter(|rule| is_deny(rule)).map(|rule| &rule.path);
    for path in denied.chain(programs).chain(loaders) {
        found.note(path, as_far_as_it_exists(path.as_path()));
    }
    Ok(found)
}

fn is_deny(rule: &PathRule) -> bool {
    rule.read.is_empty()
}

/// What the server can write, as it is written and where it really is.
fn writable(plan: &Plan) -> Vec<PathBuf> {
    let written =
        plan.files.rules.iter().filter(|rule| !rule.write.is_empty()).map(|rule| rule.path.as_path());
    let mut roots: Vec<PathBuf> = written.clone().map(Path::to_owned).collect();
    for path in written {
        let real = open(path, &roots).ok().and_then(|found| real_path(found.as_fd()).ok());
        roots.extend(real.filter(|real| !roots.contains(real)));
    }
    roots
}

/// The real path of what is there, and the rest as it is written.
fn as_far_as_it_exists(path: &Path) -> PathBuf {
    let known = path.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    let rest = known.as_ref().and_then(|(above, _)| path.strip_prefix(above).ok());
    match (&known, rest) {
        (Some((_, real)), Some(rest)) if rest.as_os_str().is_empty() => real.clone(),
        (Some((_, real)), Some(rest)) => real.join(rest),
        _ => path.to_owned(),
    }
}

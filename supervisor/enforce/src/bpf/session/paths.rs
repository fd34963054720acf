//! Opening what the tables know by path, so that each is held and can be told to the programs.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::Pid;

use super::Terms;
use crate::encode::{Object, Purpose};
use crate::ruleset::Skipped;
use crate::ruleset::open::{OpenError, open};

/// Why an object cannot be known by its inode.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be watched over: {reason}", path.display())]
pub struct UnopenedError {
    path: PathBuf,
    reason: String,
}

/// What opening an object came to.
pub(super) enum Opened {
    /// It is held.
    Held(OwnedFd),
    /// It is a grant of something that is not there.
    Skipped(Skipped),
    /// It is not there, and its name is denied all the same.
    Absent,
}

/// Opens all objects of a session, in their order: what is granted with the rights of whoever it is for, so that nobody
/// is told what lies where they may not look; what is closed with this process's own, and nobody is told of it.
pub(super) fn open_objects(terms: &Terms<'_>) -> Result<Vec<Opened>, UnopenedError> {
    let grants = || -> Vec<_> {
        let of = terms.tables.objects.iter().filter(|object| object.purpose == Purpose::Grant);
        of.map(|object| open_object(object, terms.server)).collect()
    };
    let granted = match terms.identity {
        None => grants(),
        Some(identity) => identity.lend(grants).map_err(|errno| UnopenedError {
            path: PathBuf::from("/"),
            reason: format!("the rights of user {} cannot be taken on: {}", identity.uid, errno.desc()),
        })?,
    };
    let mut granted = granted.into_iter();
    let in_order = |object: &Object| match object.purpose {
        // As many as there are.
        Purpose::Grant => granted.next().unwrap_or_else(|| open_object(object, terms.server)),
        Purpose::Deny | Purpose::Way => open_object(object, terms.server),
    };
    terms.tables.objects.iter().map(in_order).collect()
}

/// Opens one object. `server` is whose `/proc/self` is meant.
///
/// The encoder was told where the paths really are, so that a symbolic link in one now has been put there since.
pub(super) fn open_object(object: &Object, server: Option<Pid>) -> Result<Opened, UnopenedError> {
    let unopened = |reason: String| UnopenedError { path: object.path.as_path().to_owned(), reason };
    let Some(path) = of_server(object.path.as_path(), server) else {
        let reason = "the server has no process yet";
        return match object.purpose {
            Purpose::Grant => Ok(Opened::Skipped(skipped(object, reason))),
            Purpose::Deny | Purpose::Way => Err(unopened(reason.to_owned())),
        };
    };
    // With the root as a place where anybody may have put links, none is followed.
    match (open(&path, &[PathBuf::from("/")]), object.purpose) {
        (Ok(held), _) => Ok(Opened::Held(held)),
        (Err(OpenError::Absent(errno @ (Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM))), _) => {
            Err(unopened(shortage(errno)))
        }
        (Err(OpenError::Absent(errno)), Purpose::Grant) => Ok(Opened::Skipped(skipped(object, errno.desc()))),
        (Err(OpenError::Absent(Errno::ENOENT | Errno::ENOTDIR)), _) => Ok(Opened::Absent),
        (Err(OpenError::Absent(errno)), _) => Err(unopened(errno.desc().to_owned())),
        // The link itself is denied by its name, and where it leads is known by its own path.
        (Err(OpenError::Planted { .. }), Purpose::Deny) => Ok(Opened::Absent),
        (Err(OpenError::Planted { .. }), _) => Err(unopened(
            "it has become a symbolic link, or lies behind a new one, since the policy was read; start again"
                .to_owned(),
        )),
    }
}

/// What says nothing about the path.
fn shortage(errno: Errno) -> String {
    let hint = "; each path of a policy is held open: raise the limit of open files (ulimit -n)";
    format!("{}{}", errno.desc(), if errno == Errno::ENOMEM { "" } else { hint })
}

fn skipped(object: &Object, reason: &str) -> Skipped {
    Skipped { path: object.path.as_path().to_owned(), reason: reason.to_owned() }
}

/// `/proc/self` means the server. Resolved by this process it would be this process, which is nobody's to grant.
fn of_server(path: &Path, server: Option<Pid>) -> Option<PathBuf> {
    let own = PathBuf::from(format!("/proc/{}", std::process::id()));
    for meant in [Path::new("/proc/self"), Path::new("/proc/thread-self"), &own] {
        if let Ok(rest) = path.strip_prefix(meant) {
            return server.map(|server| {
                let mut path = PathBuf::from(format!("/proc/{server}"));
                path.extend(rest);
                path
            });
        }
    }
    Some(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::Entry;
    use policy::plan::AbsolutePath;

    fn object(path: &Path, purpose: Purpose) -> Object {
        Object { path: AbsolutePath::new(path).unwrap(), entry: Entry::default(), purpose }
    }

    #[test]
    fn self_is_the_server_and_never_this_process() {
        let server = Some(Pid::from_raw(7));
        let own = format!("/proc/{}/fd", std::process::id());
        assert_eq!(of_server(Path::new("/proc/self/maps"), server).unwrap(), Path::new("/proc/7/maps"));
        assert_eq!(of_server(Path::new(&own), server).unwrap(), Path::new("/proc/7/fd"));
        assert_eq!(of_server(Path::new("/proc/self"), None), None);
        assert_eq!(of_server(Path::new("/proc/selfish"), None).unwrap(), Path::new("/proc/selfish"));
    }

    /// Needs root: nobody else can lend another user's rights.
    #[test]
    fn what_a_user_may_not_see_is_closed_to_them_and_never_granted() {
        let place = tempfile::tempdir().unwrap();
        let real = place.path().canonicalize().unwrap();
        std::fs::create_dir(real.join("hidden")).unwrap();
        std::fs::write(real.join("hidden/file"), "").unwrap();
        std::fs::set_permissions(&real, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let path = real.join("hidden/file");
        let tables = crate::encode::Tables {
            objects: [Purpose::Deny, Purpose::Grant, Purpose::Way]
                .map(|purpose| object(&path, purpose))
                .into(),
            ..Default::default()
        };
        let nobody = crate::keeper::Identity { uid: 65534, gid: 65534, groups: vec![65534] };
        let terms = Terms { tables: &tables, server: None, identity: Some(&nobody) };
        let opened = open_objects(&terms);
        if !nix::unistd::geteuid().is_root() {
            assert!(opened.is_err());
            return;
        }
        let opened = opened.expect("root lends");
        assert!(matches!(opened.as_slice(), [Opened::Held(_), Opened::Skipped(_), Opened::Held(_)]));
    }

    #[test]
    fn what_is_missing_depends_on_what_it_was_for() {
        let place = tempfile::tempdir().unwrap();
        let real = place.path().canonicalize().unwrap();
        let gone = real.join("gone");
        let outcome = |purpose| open_object(&object(&gone, purpose), None);
        assert!(matches!(outcome(Purpose::Grant), Ok(Opened::Skipped(_))));
        assert!(matches!(outcome(Purpose::Deny), Ok(Opened::Absent)));
        assert!(matches!(outcome(Purpose::Way), Ok(Opened::Absent)));
        std::os::unix::fs::symlink("/etc", real.join("link")).unwrap();
        let through = |purpose| open_object(&object(&real.join("link/hosts"), purpose), None);
        assert!(through(Purpose::Grant).is_err());
        assert!(matches!(through(Purpose::Deny), Ok(Opened::Absent)));
        assert!(matches!(open_object(&object(&real, Purpose::Way), None), Ok(Opened::Held(_))));
    }
}

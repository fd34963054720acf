//! Another user's rights on files, for as long as something takes.

use nix::errno::Errno;
use nix::unistd::{Gid, Uid, getegid, geteuid, getgroups, setfsgid, setfsuid, setgroups};
use serde::{Deserialize, Serialize};

/// A user, as the kernel knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The user.
    pub uid: u32,
    /// The user's group.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
}

impl Identity {
    /// Does something with this user's rights on files, and none of root's: what root may do with the files of others
    /// goes with `fsuid` (`capabilities(7)`). For a process with one thread, which is root.
    ///
    /// # Errors
    /// The rights could not be taken on, and nothing was done. If they cannot be given back the process ends.
    pub(crate) fn lend<T>(&self, act: impl FnOnce() -> T) -> Result<T, Errno> {
        let before = getgroups()?;
        let groups: Vec<Gid> = self.groups.iter().copied().map(Gid::from_raw).collect();
        setgroups(&groups)?;
        let taken = become_on_files(Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        let outcome = taken.map(|()| act());
        let back = become_on_files(geteuid(), getegid()).and_then(|()| setgroups(&before));
        if back.is_err() {
            // Whatever went on would go on as somebody else.
            std::process::abort();
        }
        outcome
    }
}

/// The calls tell no error: what is in force is what a second call finds.
fn become_on_files(uid: Uid, gid: Gid) -> Result<(), Errno> {
    // The group first: it takes a right that goes with the user.
    setfsgid(gid);
    if setfsgid(gid) != gid {
        return Err(Errno::EPERM);
    }
    setfsuid(uid);
    if setfsuid(uid) == uid { Ok(()) } else { Err(Errno::EPERM) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Needs root, and a thread of its own: the rights are the thread's, but for the groups.
    #[test]
    fn what_root_may_another_user_may_not() {
        let place = tempfile::tempdir().expect("a directory");
        let file = place.path().join("secret");
        fs::write(&file, "s").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("ours");
        let nobody = Identity { uid: 65534, gid: 65534, groups: vec![65534] };
        let outcome = nobody.lend(|| fs::read(&file).map_err(|error| error.kind()));
        if !geteuid().is_root() {
            assert_eq!(outcome, Err(Errno::EPERM));
            return;
        }
        assert_eq!(outcome, Ok(Err(std::io::ErrorKind::PermissionDenied)));
        assert_eq!(fs::read(&file).expect("root again"), b"s");
    }
}

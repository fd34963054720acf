//! The front seals itself before it hears anybody: another user for good, no capability ever again, a few directories, and
//! the system calls of a server that starts no program.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope,
};
use nix::errno::Errno;
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};

use crate::enter::{drop_privileges, empty_bounding_set};
use crate::seccomp::{CompileError, Profile, Reporting, compile};
use crate::sys;

/// What the front keeps.
#[derive(Clone, Copy, Debug)]
pub struct Seal<'a> {
    /// Who it is from now on.
    pub user: Uid,
    /// Its only group.
    pub group: Gid,
    /// What it may read, and everything beneath; what is not there is left out.
    pub read: &'a [&'a Path],
    /// What it may also write, make and remove in; what is not there is left out.
    pub write: &'a [&'a Path],
}

/// Why the front is not sealed. It must not go on.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The user.
    #[error("the front cannot become user {}: {}", .0, .1.desc())]
    User(Uid, Errno),
    /// Privileges.
    #[error("the front cannot give up its privileges: {0}")]
    Privileges(String),
    /// Files.
    #[error("Landlock refused the front's rules: {0}")]
    Files(#[from] RulesetError),
    /// System calls.
    #[error("the front's system call filter cannot be made: {0}")]
    Filter(#[from] CompileError),
    /// System calls.
    #[error("the front's system call filter cannot be installed: {}", .0.desc())]
    Calls(Errno),
}

/// Seals this process, which is root's and has one thread.
///
/// # Errors
/// See [`SealError`].
pub fn seal(seal: &Seal<'_>) -> Result<(), SealError> {
    let refused = |errno| SealError::User(seal.user, errno);
    // The bounding set is emptied while that is still allowed.
    let ruleset = files(seal)?;
    setgroups(&[seal.group]).map_err(refused)?;
    setresgid(seal.group, seal.group, seal.group).map_err(refused)?;
    empty_bounding_set().map_err(|failed| SealError::Privileges(failed.message))?;
    setresuid(seal.user, seal.user, seal.user).map_err(refused)?;
    drop_privileges().map_err(|failed| SealError::Privileges(failed.message))?;
    // A kernel without Landlock leaves files to their owners: the user has none.
    ruleset.restrict_self()?;
    let filter = compile(&Profile::of_the_front(), Reporting::Silent)?;
    sys::install(&filter, sys::Listen::No).map(drop).map_err(SealError::Calls)
}

fn files(seal: &Seal<'_>) -> Result<landlock::RulesetCreated, RulesetError> {
    let abi = ABI::V6;
    let (read, all) = (AccessFs::from_read(abi), AccessFs::from_all(abi));
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .scope(Scope::Signal)?
        .create()?;
    let rules = seal.read.iter().map(|path| (path, read)).chain(seal.write.iter().map(|path| (path, all)));
    for (path, rights) in rules {
        if let Ok(descriptor) = PathFd::new(path) {
            // Nothing is executed, ever.
            ruleset = ruleset.add_rule(PathBeneath::new(descriptor, rights & !AccessFs::Execute))?;
        }
    }
    Ok(ruleset)
}

//! Opening the granted paths and restricting this process, in `enter`.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath,
    Ruleset as Builder, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, SFlag, fstat};

use super::grants::{Grant, Origin, Ruleset};
use super::open::{self, OpenError, Skipped};
use super::rights;
use crate::sys;

/// Why Landlock could not be engaged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngageError {
    #[error("{0}")]
    Planted(OpenError),
    #[error("Landlock refused the rules: {0}")]
    Rules(#[from] RulesetError),
    #[error("Landlock refused the rules for UDP: {0}")]
    Udp(Errno),
}

/// How the grants came out.
#[derive(Debug, Default)]
pub(crate) struct Engaged {
    /// Grants that stay closed.
    pub(crate) skipped: Vec<Skipped>,
    /// Where the writable ones really are.
    pub(crate) writable: Vec<PathBuf>,
}

/// Restricts this thread and all that it starts, for good.
pub(crate) fn engage(ruleset: &Ruleset) -> Result<Engaged, EngageError> {
    let (opened, skipped) = open_all(&ruleset.grants)?;
    let written = opened.iter().filter(|(grant, _)| grant.is_writable());
    let writable = written.filter_map(|(_, descriptor)| open::real_path(descriptor.as_fd()).ok()).collect();
    let abi = rights::known(ruleset.abi);
    let mut created = builder(ruleset.abi, abi)?.create()?;
    for (grant, descriptor) in &opened {
        created = add_path(created, grant, descriptor, abi)?;
    }
    add_ports(created, ruleset)?.restrict_self()?;
    if ruleset.abi >= rights::UDP_ABI {
        // Landlock asks nobody about O_PATH, so the first rules do not matter here.
        let root = nix::fcntl::open("/", OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty());
        let restricted = root.and_then(|root| sys::restrict_udp(&ruleset.udp, root.as_fd()));
        restricted.map_err(EngageError::Udp)?;
    }
    Ok(Engaged { skipped, writable })
}

fn builder(version: u32, abi: ABI) -> Result<Builder, RulesetError> {
    // The kernel said that it has this ABI, so anything that fails is an error and never a silent weakening.
    let mut builder = Builder::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(abi))?;
    if version >= rights::TCP_ABI {
        builder = builder.handle_access(AccessNet::from_all(abi))?;
    }
    if version >= rights::SCOPE_ABI {
        builder = builder.scope(Scope::from_all(abi))?;
    }
    Ok(builder)
}

type Opened<'a> = Vec<(&'a Grant, OwnedFd)>;

/// Opens every grant twice over: the first round finds where the writable directories really are, which the second
/// round needs to know which symlinks the server could have planted.
fn open_all(grants: &[Grant]) -> Result<(Opened<'_>, Vec<Skipped>), EngageError> {
    let mut writable: Vec<PathBuf> = written(grants).map(|grant| grant.path().to_owned()).collect();
    for grant in written(grants) {
        if let Ok(real) = open::open(grant.path(), &writable).map(|found| open::real_path(found.as_fd()))
            && let Ok(real) = real
            && !writable.contains(&real)
        {
            writable.push(real);
        }
    }
    let (mut opened, mut skipped) = (Vec::new(), Vec::new());
    for grant in grants {
        match open::open(grant.path(), roots_for(grant, &writable)) {
            Ok(descriptor) => opened.push((grant, descriptor)),
            Err(OpenError::Absent(errno)) => skipped.push(absent(grant, errno)),
            Err(planted) => return Err(EngageError::Planted(planted)),
        }
    }
    Ok((opened, skipped))
}

fn written(grants: &[Grant]) -> impl Iterator<Item = &Grant> {
    grants.iter().filter(|grant| grant.is_writable())
}

/// The command itself may lie behind a link in the workspace (`node_modules/.bin/server`): the user named it, it gives
/// no more than the right to execute one file, and if that file cannot be executed nothing runs at all.
fn roots_for<'a>(grant: &Grant, writable: &'a [PathBuf]) -> &'a [PathBuf] {
    match grant.origin {
        Origin::Policy => writable,
        Origin::Implied => &[],
    }
}

fn absent(grant: &Grant, errno: Errno) -> Skipped {
    Skipped { path: grant.path().to_owned(), reason: errno.desc().to_owned() }
}

fn add_path(
    created: RulesetCreated,
    grant: &Grant,
    descriptor: &OwnedFd,
    abi: ABI,
) -> Result<RulesetCreated, RulesetError> {
    let rights = match is_directory(descriptor) {
        true => grant.rights(),
        false => grant.rights() & AccessFs::from_file(abi),
    };
    match rights.is_empty() {
        true => Ok(created),
        false => created.add_rule(PathBeneath::new(descriptor, rights)),
    }
}

fn is_directory(descriptor: &OwnedFd) -> bool {
    fstat(descriptor)
        .is_ok_and(|status| SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT == SFlag::S_IFDIR)
}

fn add_ports(created: RulesetCreated, ruleset: &Ruleset) -> Result<RulesetCreated, RulesetError> {
    if ruleset.abi < rights::TCP_ABI {
        return Ok(created);
    }
    let rule = |access: AccessNet| move |port: &u16| (*port, BitFlags::from(access));
    let connect = ruleset.connect.iter().map(rule(AccessNet::ConnectTcp));
    let bind = ruleset.bind.iter().map(rule(AccessNet::BindTcp));
    connect
        .chain(bind)
        .try_fold(created, |created, (port, access)| created.add_rule(NetPort::new(port, access)))
}

//! Files that decide what is allowed: read only if nobody else could have written them.

use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, ensure};
use nix::fcntl::OFlag;

/// The largest policy file that is read, in bytes; the parser's own limit.
const MAX_BYTES: u64 = 256 * 1024;

/// Who may write a file that is trusted.
#[derive(Clone, Debug)]
pub(crate) enum Keepers {
    /// The user who starts mcpguard, and root. A group that the user shares the file with is the user's business.
    UserOrRoot,
    /// This user alone: root, but in tests.
    Only(u32),
}

impl Keepers {
    /// Refuses what someone else could have written.
    ///
    /// # Errors
    /// It belongs to someone else, or others may write it.
    pub(crate) fn check(&self, what: &str, facts: &Metadata) -> anyhow::Result<()> {
        let me = nix::unistd::geteuid().as_raw();
        let owner = facts.uid();
        match self {
            Self::UserOrRoot => {
                ensure!(
                    owner == me || owner == 0,
                    "{what} belongs to user {owner}, who could change it; it must belong to you or root"
                );
                ensure!(facts.mode() & 0o002 == 0, "everyone may write {what}; `chmod o-w` it");
            }
            Self::Only(keeper) => {
                ensure!(
                    owner == *keeper,
                    "{what} belongs to user {owner}, who could change it; it must belong to user {keeper}"
                );
                ensure!(facts.mode() & 0o022 == 0, "others than its owner may write {what}; `chmod go-w` it");
            }
        }
        Ok(())
    }
}

/// Reads a policy file through one descriptor, so that what was checked is what is read. `what` names it in messages.
///
/// # Errors
/// It is not a regular file, or someone else could have written it, or reading fails.
pub(crate) fn read(what: &str, file: File, keepers: &Keepers) -> anyhow::Result<Vec<u8>> {
    read_up_to(MAX_BYTES, what, file, keepers)
}

/// The same of any file: so many bytes, and one more if it has more, so that it is the parser that says what is wrong.
///
/// # Errors
/// Those of [`read`].
pub(crate) fn read_up_to(most: u64, what: &str, file: File, keepers: &Keepers) -> anyhow::Result<Vec<u8>> {
    let facts = file.metadata().with_context(|| format!("cannot examine {what}"))?;
    ensure!(facts.is_file(), "{what} is not a regular file");
    keepers.check(what, &facts)?;
    let mut bytes = Vec::new();
    let read = file.take(most.saturating_add(1)).read_to_end(&mut bytes);
    read.with_context(|| format!("cannot read {what}"))?;
    Ok(bytes)
}

/// Opens a file to be read, without waiting for a writer if it is a pipe.
pub(crate) fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)
}

/// The same, if it is a regular file.
pub(crate) fn regular(path: &Path) -> Option<File> {
    open(path).ok().filter(|file| file.metadata().is_ok_and(|facts| facts.is_file()))
}

/// At most so many bytes of a regular file, whoever could have written it.
pub(crate) fn start_of(path: &Path, most: u64) -> Option<Vec<u8>> {
    let mut start = Vec::new();
    regular(path)?.take(most).read_to_end(&mut start).ok()?;
    Some(start)
}

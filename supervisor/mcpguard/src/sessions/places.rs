//! Where cards lie: `/run/mcpguard/sessions` for root, else the user's runtime directory (XDG Base Directory Specification
//! 0.8), else the state directory.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use nix::unistd::geteuid;

use crate::host::state_directory;

const BENEATH: &str = "mcpguard/sessions";
/// Root's.
const SYSTEM: &str = "/run/mcpguard/sessions";
/// The runtime directories of all users, as systemd and elogind make them.
const USERS: &str = "/run/user";

/// This user's own place, for new cards. It may have to be made.
pub(super) fn own() -> Option<PathBuf> {
    if geteuid().is_root() {
        return Some(SYSTEM.into());
    }
    runtime().map(|base| base.join(BENEATH)).or_else(state)
}

/// Every place that this user may find cards in.
pub(super) fn all() -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> =
        [runtime().map(|base| base.join(BENEATH)), state()].into_iter().flatten().collect();
    if geteuid().is_root() {
        places.push(SYSTEM.into());
        let users = std::fs::read_dir(USERS).into_iter().flatten().flatten();
        places.extend(users.map(|user| user.path().join(BENEATH)));
    }
    places.sort();
    places.dedup();
    places
}

fn state() -> Option<PathBuf> {
    state_directory().ok().map(|base| base.join(BENEATH))
}

/// `$XDG_RUNTIME_DIR`, or where it would be; only if it is the user's own and nobody else's.
fn runtime() -> Option<PathBuf> {
    let named = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let usual = || Path::new(USERS).join(geteuid().to_string());
    Some(named.unwrap_or_else(usual)).filter(|path| check(path).is_ok())
}

/// Whether a directory is this user's, and nobody else may write to it.
pub(super) fn check(directory: &Path) -> anyhow::Result<()> {
    let shown = directory.display();
    let found = directory.symlink_metadata().with_context(|| format!("{shown} cannot be looked at"))?;
    ensure!(found.is_dir(), "{shown} is no directory");
    ensure!(found.uid() == geteuid().as_raw(), "{shown} belongs to another user");
    ensure!(found.mode() & 0o022 == 0, "others may write to {shown}; take that from them by chmod go-w");
    Ok(())
}

/// The present boot.
pub(super) fn boot() -> anyhow::Result<String> {
    let id =
        std::fs::read_to_string("/proc/sys/kernel/random/boot_id").context("this boot has no identity")?;
    Ok(id.trim().to_owned())
}

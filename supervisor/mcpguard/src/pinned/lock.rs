//! The lock file: read only if nobody else could have written it, changed by one at a time and as a whole.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use nix::fcntl::{Flock, FlockArg};
use pins::{Lock, MAX_LOCK};

use crate::host::state_directory;
use crate::trust::Keepers;

/// How often another one is waited for that replaces the file just now.
const TRIES: usize = 100;

/// Where the lock file is if no policy says it.
///
/// # Errors
/// The home directory is unknown.
pub(crate) fn default_lock() -> anyhow::Result<PathBuf> {
    Ok(state_directory()?.join("mcpguard/mcpguard.lock"))
}

/// The lock file; an empty one where there is none.
///
/// # Errors
/// It cannot be read, somebody else could have written it, or it is no lock file.
pub(crate) fn read(path: &Path) -> anyhow::Result<Lock> {
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Lock::default()),
        opened => parsed(path, opened.with_context(|| format!("cannot read {}", path.display()))?),
    }
}

fn parsed(path: &Path, mut file: File) -> anyhow::Result<Lock> {
    let what = path.display().to_string();
    let facts = file.metadata().with_context(|| format!("cannot examine {what}"))?;
    ensure!(facts.is_file(), "{what} is not a regular file");
    Keepers::UserOrRoot.check(&what, &facts)?;
    let mut text = String::new();
    let most = u64::try_from(MAX_LOCK).unwrap_or(u64::MAX).saturating_add(1);
    (&mut file).take(most).read_to_string(&mut text).with_context(|| format!("cannot read {what}"))?;
    if text.is_empty() {
        return Ok(Lock::default());
    }
    Lock::parse(&text).with_context(|| {
        format!("{what} is no lock file that this mcpguard reads; mend it, or remove it to begin anew")
    })
}

/// Changes the lock file: nobody else does meanwhile, and readers see the old one or the new one.
///
/// # Errors
/// It cannot be read or written, or `change` fails; nothing is changed then.
pub(crate) fn change<T>(
    path: &Path,
    change: impl FnOnce(&mut Lock) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let held = hold(path)?;
    let mut lock = parsed(path, held.try_clone().context("cannot read the lock file")?)?;
    let before = lock.clone();
    let result = change(&mut lock)?;
    if lock != before {
        replace(path, &lock.to_text())?;
    }
    Ok(result)
}

/// The file, which is made if there is none, held against others that change it.
fn hold(path: &Path) -> anyhow::Result<Flock<File>> {
    if let Some(directory) = path.parent() {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.with_context(|| format!("cannot make {}", directory.display()))?;
    }
    let fails = || format!("cannot write {}", path.display());
    for _ in 0..TRIES {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        let file = file.with_context(fails)?;
        let held =
            Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno).with_context(fails)?;
        // Whoever held it before may have put another file in its place.
        let same =
            |there: fs::Metadata, held: fs::Metadata| (there.dev(), there.ino()) == (held.dev(), held.ino());
        if fs::metadata(path).is_ok_and(|there| held.metadata().is_ok_and(|held| same(there, held))) {
            return Ok(held);
        }
    }
    bail!("{} is replaced all the time", path.display())
}

/// Puts a new file in the place of the old one, which is there whole until then.
fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let new = path.with_extension(format!("new-{}", std::process::id()));
    let written = || -> std::io::Result<()> {
        let _ = fs::remove_file(&new);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    written().with_context(|| format!("cannot write {}", path.display())).inspect_err(|_| {
        let _ = fs::remove_file(&new);
    })
}

#[cfg(test)]
mod tests {
    use std::thread;

    use pins::{List, Surface, Tool};

    use super::{change, read};

    fn shown(tool: &str) -> Surface {
        let mut surface = Surface::default();
        let raw = format!(r#"{{"name":"{tool}"}}"#);
        surface.add_tool(Tool::read(serde_json::from_str(&raw).unwrap()).unwrap()).unwrap();
        surface.complete(List::Tools);
        surface
    }

    #[test]
    fn sessions_that_end_at_once_lose_nothing_of_each_other() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/mcpguard.lock");
        assert_eq!(read(&path).unwrap().servers().count(), 0);
        thread::scope(|all| {
            for number in 0..16 {
                let path = &path;
                all.spawn(move || {
                    change(path, |lock| Ok(lock.accept(&format!("s{number}"), &shown("t"))?)).unwrap();
                });
            }
        });
        assert_eq!(read(&path).unwrap().servers().count(), 16);
        let left: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn a_file_that_is_none_or_that_others_may_write_is_not_read() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mcpguard.lock");
        std::fs::write(&path, "version = 1\nserver = 3\n").unwrap();
        assert!(format!("{:#}", read(&path).unwrap_err()).contains("2:1"));
        assert!(change(&path, |_| Ok(())).is_err());
        std::fs::write(&path, "version = 1\n").unwrap();
        assert!(read(&path).is_ok());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        assert!(format!("{:#}", read(&path).unwrap_err()).contains("everyone may write"));
    }
}

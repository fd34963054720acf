//! The lock file: read only if nobody else could have written it, changed by one at a time and as a whole.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use nix::fcntl::{Flock, FlockArg};
use pins::{Lock, MAX_LOCK};

use crate::host::state_directory;
use crate::trust::{self, Keepers};

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
    match trust::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Lock::default()),
        opened => parsed(path, opened.with_context(|| format!("cannot read {}", path.display()))?),
    }
}

fn parsed(path: &Path, file: File) -> anyhow::Result<Lock> {
    let what = path.display().to_string();
    let most = u64::try_from(MAX_LOCK).unwrap_or(u64::MAX);
    let text = trust::read_up_to(most, &what, file, &Keepers::UserOrRoot)?;
    let text = String::from_utf8(text).with_context(|| format!("{what} is not UTF-8"))?;
    // Whoever cut it would have every server met for the first time.
    ensure!(
        !text.is_empty(),
        "{what} is empty, so that what it knew is lost; restore it, or remove it to begin anew"
    );
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
    // A link, for instance into a repository, stays one.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
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
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // Another one may be first.
                match put(path, &Lock::default().to_text(), |new| fs::hard_link(new, path)) {
                    Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                        return Err(error).with_context(fails);
                    }
                    _ => continue,
                }
            }
            file => file.with_context(fails)?,
        };
        let held =
            Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno).with_context(fails)?;
        // Whoever held it before may have put another file in its place.
        let same =
            |there: fs::Metadata, held: fs::Metadata| (there.dev(), there.ino()) == (held.dev(), held.ino());
        if fs::metadata(path).is_ok_and(|there| held.metadata().is_ok_and(|held| same(there, held))) {
            return Ok(held);
        }
    }
    bail!("{} is replaced all the time, or a link to nothing", path.display())
}

/// Puts a new file in the place of the old one, which is there whole until then.
fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    put(path, text, |new| fs::rename(new, path)).with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a file whole and then puts it there, so that nobody ever sees a part of it.
fn put(path: &Path, text: &str, there: impl Fn(&Path) -> std::io::Result<()>) -> std::io::Result<()> {
    let new = path.with_extension(format!("new-{:016x}", RandomState::new().build_hasher().finish()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| there(&new));
    // After a rename there is none.
    let _ = fs::remove_file(&new);
    written
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
    fn a_file_that_was_cut_to_nothing_is_no_new_beginning_and_nobody_makes_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mcpguard.lock");
        // Nothing was changed, and so what is there is no less whole.
        change(&path, |_| Ok(())).unwrap();
        assert_eq!(read(&path).unwrap().servers().count(), 0);
        assert!(std::fs::read_to_string(&path).unwrap().ends_with("version = 1\n"));
        std::fs::write(&path, "").unwrap();
        assert!(format!("{:#}", read(&path).unwrap_err()).contains("is empty"));
        assert!(change(&path, |lock| Ok(lock.accept("s", &shown("t"))?)).is_err());
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_stays_one_and_a_pipe_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let (path, real) = (directory.path().join("link.lock"), directory.path().join("real.lock"));
        std::os::unix::fs::symlink("real.lock", &path).unwrap();
        assert!(format!("{:#}", change(&path, |_| Ok(())).unwrap_err()).contains("a link to nothing"));
        std::fs::write(&real, "version = 1\n").unwrap();
        change(&path, |lock| Ok(lock.accept("s", &shown("t"))?)).unwrap();
        assert!(std::fs::symlink_metadata(&path).unwrap().is_symlink());
        assert_eq!(read(&real).unwrap().servers().count(), 1);
        let pipe = directory.path().join("pipe.lock");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(format!("{:#}", read(&pipe).unwrap_err()).contains("not a regular file"));
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

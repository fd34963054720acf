//! Where everything lies: `target/vm`, or `$MCPGUARD_VM_CACHE`. Nothing in it is tracked, all of it can be deleted.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::checkout::Checkout;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The cache.
pub(crate) struct Cache {
    root: PathBuf,
    offline: bool,
}

impl Cache {
    /// Opens the cache; `offline` forbids to fill it.
    pub(crate) fn open(checkout: &Checkout, offline: bool) -> Result<Self> {
        let root = std::env::var_os("MCPGUARD_VM_CACHE")
            .map_or_else(|| checkout.root().join("target/vm"), |path| checkout.root().join(path));
        fs::create_dir_all(&root).with_context(|| format!("cannot make {}", root.display()))?;
        let cache = Self { root: root.canonicalize()?, offline };
        cache.forget_old_runs()?;
        Ok(cache)
    }

    /// What failed machines left is kept for a day.
    fn forget_old_runs(&self) -> Result<()> {
        for entry in fs::read_dir(self.directory("tmp")?)? {
            let entry = entry?;
            let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
            if age > DAY {
                fs::remove_dir_all(entry.path()).context("cannot remove an old run")?;
            }
        }
        Ok(())
    }

    /// Keeps other runs from filling the cache meanwhile; the lock goes with the file.
    pub(crate) fn lock(&self) -> Result<File> {
        let lock = File::create(self.place(".lock")).context("cannot make the lock of the cache")?;
        lock.lock().context("cannot lock the cache")?;
        Ok(lock)
    }

    /// Whether only what is there may be used.
    pub(super) fn is_offline(&self) -> bool {
        self.offline
    }

    /// A place in the cache; it need not exist.
    pub(super) fn place(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    /// A directory in the cache, made if it is not there.
    pub(super) fn directory(&self, name: impl AsRef<Path>) -> Result<PathBuf> {
        let path = self.place(name);
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    }

    /// A directory beside the cache's own ones that vanishes, unless it is renamed into its place.
    pub(crate) fn temporary(&self) -> Result<TempDir> {
        let within = self.directory("tmp")?;
        tempfile::Builder::new()
            .prefix("run-")
            .tempdir_in(within)
            .context("cannot make a temporary directory in the cache")
    }

    /// Lets the next look-up ask the mirror again.
    pub(super) fn forget_indices(&self) -> Result<()> {
        let path = self.place("apt");
        if path.exists() {
            fs::remove_dir_all(&path).context("cannot remove the package lists")
        } else {
            Ok(())
        }
    }

    /// Moves a finished directory to its place; another run may have been quicker.
    pub(super) fn keep(&self, fresh: &Path, name: impl AsRef<Path>) -> Result<PathBuf> {
        let place = self.place(name);
        fs::create_dir_all(place.parent().context("a place in the cache has a parent")?)?;
        match fs::rename(fresh, &place) {
            Err(_) if place.is_dir() => Ok(place),
            renamed => renamed.map(|()| place).context("cannot move a fresh directory into the cache"),
        }
    }
}

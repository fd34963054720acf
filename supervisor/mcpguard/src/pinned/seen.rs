//! What a session saw of a server that is not what is pinned, for whoever looks at it later.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use pins::{MAX_SURFACE_FILE, Surface};
use serde::{Deserialize, Serialize};

use crate::host::state_directory;
use crate::trust::{self, Keepers};

/// The longest such file: the surface is a text in it, in which each character may need another one before it.
const MOST: u64 = 2 * MAX_SURFACE_FILE as u64;

/// What was seen, and which lock file it was compared with.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seen {
    /// The lock file.
    pub(crate) lock: PathBuf,
    /// The session that saw it.
    pub(crate) session: String,
    /// What was seen, as [`Surface::to_json`] writes it.
    surface: String,
}

impl Seen {
    pub(crate) fn new(lock: PathBuf, session: String, surface: String) -> Self {
        Self { lock, session, surface }
    }

    /// Where it is left, by the policy's name.
    ///
    /// # Errors
    /// The home directory is unknown.
    pub(crate) fn place(policy: &str) -> anyhow::Result<PathBuf> {
        Ok(directory()?.join(format!("{policy}.json")))
    }

    /// The policies of which something was seen.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub(crate) fn policies() -> anyhow::Result<Vec<String>> {
        let directory = directory()?;
        let Ok(entries) = fs::read_dir(directory) else { return Ok(Vec::new()) };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> =
            names.filter_map(|name| Some(name.strip_suffix(".json")?.to_owned())).collect();
        names.sort();
        Ok(names)
    }

    /// Leaves it for whoever looks at it.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn leave(&self, place: &Path) -> anyhow::Result<()> {
        let fails = || format!("cannot write {}", place.display());
        let directory = place.parent().with_context(fails)?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).with_context(fails)?;
        let new = place.with_extension(format!("new-{}", std::process::id()));
        let _ = fs::remove_file(&new);
        let written = || -> std::io::Result<()> {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
            file.write_all(&serde_json::to_vec(self)?)?;
            fs::rename(&new, place)
        };
        written().with_context(fails)
    }

    /// What was left; `None`: nothing.
    ///
    /// # Errors
    /// It cannot be read, or somebody else could have written it: what is accepted comes from it.
    pub(crate) fn read(policy: &str) -> anyhow::Result<Option<Self>> {
        Self::read_at(&Self::place(policy)?)
    }

    fn read_at(place: &Path) -> anyhow::Result<Option<Self>> {
        let fails = || format!("cannot read {}", place.display());
        let file = match trust::open(place) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            file => file.with_context(fails)?,
        };
        let bytes = trust::read_up_to(MOST, &place.display().to_string(), file, &Keepers::UserOrRoot)?;
        Ok(Some(serde_json::from_slice(&bytes).with_context(fails)?))
    }

    /// What was seen.
    ///
    /// # Errors
    /// The file holds something else.
    pub(crate) fn surface(&self) -> anyhow::Result<Surface> {
        Surface::from_json(&self.surface).context("what was seen of the server cannot be read")
    }
}

fn directory() -> anyhow::Result<PathBuf> {
    Ok(state_directory()?.join("mcpguard/pins"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::Seen;

    #[test]
    fn what_others_could_have_written_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("pins/p.json");
        let read = || Seen::read_at(&place).map_err(|error| format!("{error:#}"));
        assert!(read().unwrap().is_none());
        let seen = Seen::new("/l".into(), "5f3c".to_owned(), pins::Surface::default().to_json());
        seen.leave(&place).unwrap();
        assert_eq!(read().unwrap().unwrap().session, "5f3c");
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o666)).unwrap();
        assert!(read().unwrap_err().contains("everyone may write"));
        std::fs::remove_file(&place).unwrap();
        nix::unistd::mkfifo(&place, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(read().unwrap_err().contains("not a regular file"));
    }
}

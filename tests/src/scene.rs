//! A scene: a home with secrets, a workspace, and a place outside of both, made for one test and gone after it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::planted;

/// What stands in `~/.ssh/id_ed25519` of a scene.
const KEY: &str = "-----BEGIN PRIVATE KEY OF THE SCENE-----";

/// The places of one test.
pub struct Scene {
    directory: TempDir,
    root: PathBuf,
}

impl Scene {
    /// Makes the places.
    pub fn new() -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("mcpguard-scene-").tempdir()?;
        // Servers resolve their directories; a scene under a symlinked /tmp must compare equal.
        let root = directory.path().canonicalize()?;
        let scene = Self { directory, root };
        for place in ["home/.ssh", "home/.config", "workspace", "workspace-evil", "outside", "state"] {
            fs::create_dir_all(scene.root.join(place)).with_context(|| format!("cannot make {place}"))?;
        }
        fs::write(scene.ssh_key(), KEY)?;
        fs::write(scene.workspace().join("inside.txt"), "inside")?;
        fs::write(scene.outside().join("secret.txt"), "outside")?;
        fs::write(scene.root.join("workspace-evil/secret.txt"), "evil")?;
        Ok(scene)
    }

    /// The scene's own directory; everything lies beneath.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The home directory.
    pub fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// A private key beneath the home directory.
    pub fn ssh_key(&self) -> PathBuf {
        self.home().join(".ssh/id_ed25519")
    }

    /// The workspace; holds `inside.txt`.
    pub fn workspace(&self) -> PathBuf {
        self.root.join("workspace")
    }

    /// A directory whose path starts with the workspace's as text only; holds `secret.txt`.
    pub fn workspace_evil(&self) -> PathBuf {
        self.root.join("workspace-evil")
    }

    /// A directory that no policy grants; holds `secret.txt`.
    pub fn outside(&self) -> PathBuf {
        self.root.join("outside")
    }

    /// The audit log of the scene's session.
    pub fn audit(&self) -> PathBuf {
        self.root.join("state/audit.jsonl")
    }

    /// Writes a policy file and returns its path.
    pub fn policy(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.root.join(format!("{name}.yaml"));
        fs::write(&path, text)?;
        Ok(path)
    }

    /// Keeps the directory for a person to look at, and tells where it is.
    pub fn keep(mut self) -> PathBuf {
        self.directory.disable_cleanup(true);
        self.root.clone()
    }
}

impl Drop for Scene {
    /// Whatever a guard has written here has none of the secrets of its own environment.
    fn drop(&mut self) {
        planted::check_files(&self.root.join("state"));
    }
}

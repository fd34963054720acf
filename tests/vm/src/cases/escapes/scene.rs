//! What an attack on files acts on, made afresh for each half of a case: an attack that succeeds may destroy it.

use std::fs;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use nix::mount::{MntFlags, umount2};

use crate::actor;
use crate::ground::Ground;

/// What must not be read.
pub(crate) const SECRET: &str = "the secret of the scene";
/// What may be read.
pub(crate) const OPEN: &str = "open";

/// Writes to the workspace, but not to these: a file, a directory, a name. Landlock cannot say it.
pub(crate) const POLICY: &str = "\
version: 1
name: escapes
extends: [runtime/native]
filesystem:
  write: [\"${workspace}\"]
  deny: [\"${workspace}/secret\", \"${workspace}/box/inner/denied\", \"${workspace}/absent\", \"**/.env\"]
";

/// Files that hold the secret, beneath the workspace.
const SECRETS: &[&str] = &["secret/file", "secret/sub/file", "box/inner/denied", "deep/.env", ".env"];

/// Files far down: base, how many components of which length, name, content.
const DEEP: &[(&str, &str, &str, &str, &str)] = &[
    ("secret", "2", "250", "file", SECRET),
    ("deep", "25", "200", ".env", SECRET),
    ("deep", "25", "200", "open", OPEN),
    ("secret", "80", "3", "file", SECRET),
];

/// The files, and what listens beside them.
pub(crate) struct Scene {
    workspace: PathBuf,
    _stream: UnixListener,
    _datagram: UnixDatagram,
}

impl Scene {
    /// Makes everything.
    pub(crate) fn set(ground: &Ground) -> Result<Self> {
        let workspace = ground.workspace();
        // What an attack of the half before has mounted.
        while umount2(&workspace.join("empty"), MntFlags::MNT_DETACH).is_ok() {}
        fs::remove_dir_all(&workspace).context("cannot clear the workspace")?;
        for name in SECRETS {
            let path = workspace.join(name);
            fs::create_dir_all(path.parent().context("no directory")?)?;
            fs::write(path, SECRET)?;
        }
        fs::write(workspace.join("open"), OPEN)?;
        fs::create_dir(workspace.join("empty"))?;
        fs::create_dir(workspace.join("secret/hollow"))?;
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        actor::perform("program", &[&text(workspace.join("secret/program")), "42"]).succeeded()?;
        actor::perform("code", &[&text(workspace.join("secret/code"))]).succeeded()?;
        for (base, count, length, name, content) in DEEP {
            actor::perform("make_deep", &[&text(workspace.join(base)), count, length, name, content])
                .succeeded()?;
        }
        Ok(Self {
            _stream: UnixListener::bind(workspace.join("secret/stream"))?,
            _datagram: UnixDatagram::bind(workspace.join("secret/datagram"))?,
            workspace,
        })
    }

    /// A word of an attack: `@name` in it is a path beneath the workspace.
    pub(crate) fn expand(&self, word: &str) -> String {
        match word.split_once('@') {
            Some((before, name)) => format!("{before}{}", self.workspace.join(name).display()),
            None => word.to_owned(),
        }
    }

    /// Every secret must be where it was, unchanged.
    pub(crate) fn intact(&self) -> Result<()> {
        for name in SECRETS {
            let path = self.workspace.join(name);
            let text = fs::read_to_string(&path).with_context(|| format!("{name} is gone"))?;
            ensure!(text == SECRET, "{name} was changed to {text:?}");
            let owner = fs::metadata(&path)?;
            ensure!(plain(&owner), "{name} has another owner or mode now: {owner:?}");
        }
        ensure!(!Path::new(&self.expand("@absent")).exists(), "what is denied came into being");
        Ok(())
    }
}

fn plain(file: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.uid() == 0 && file.mode() & 0o777 == 0o644 && file.nlink() == 1
}

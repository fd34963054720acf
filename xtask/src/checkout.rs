//! Where things are: the checkout, and what `setup` puts under its `target/`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The directory that holds the root `Cargo.toml`.
#[derive(Clone)]
pub(crate) struct Checkout {
    root: PathBuf,
}

impl Checkout {
    /// The checkout that this xtask was started from.
    pub(crate) fn find() -> Result<Self> {
        // Cargo sets the variable at run time; the compiled-in value serves a binary started by hand.
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.parent().context("xtask lies in the checkout")?.to_path_buf();
        ensure!(root.join("supervisor").is_dir(), "{} is not the checkout", root.display());
        Ok(Self { root })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Everything that `setup` installs. In the checkout whatever `CARGO_TARGET_DIR` says: the tests look here.
    pub(crate) fn servers(&self) -> PathBuf {
        self.root.join("target/servers")
    }

    /// A cargo command in the checkout, by the same cargo that started this task.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root);
        // `cargo run` sets these for xtask itself; the inner cargo must not take them for its own.
        command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_PKG_NAME");
        command
    }
}

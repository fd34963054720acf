//! The programs that `cargo xtask setup` unpacked into `target/internet`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::servers::checkout;

/// The unpacked packages.
pub(super) struct Debian {
    place: PathBuf,
}

impl Debian {
    /// Finds them.
    pub(super) fn find() -> Result<Self> {
        let place = checkout().join("target/internet");
        ensure!(place.join("stamp").is_file(), "{} is missing; run `cargo xtask setup`", place.display());
        Ok(Self { place })
    }

    fn root(&self) -> PathBuf {
        self.place.join("debian")
    }

    /// The words that start a program by the loader and the libraries that it was packed with.
    pub(super) fn server(&self, program: &str) -> Vec<OsString> {
        let within = |path: &str| self.root().join(path);
        let libraries = [within("lib/x86_64-linux-gnu"), within("usr/lib/x86_64-linux-gnu")];
        let libraries = libraries.map(|path| path.display().to_string()).join(":");
        // Not the link in lib64: it is absolute, and so leads to the host's own loader.
        let loader = within("lib/x86_64-linux-gnu/ld-linux-x86-64.so.2");
        vec![loader.into(), "--library-path".into(), libraries.into(), within(program).into()]
    }

    /// The same as a command.
    pub(super) fn command(&self, program: &str) -> Command {
        let words = self.server(program);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        command
    }

    /// A client's program. It runs on the host's C library, and finds the others at [`Debian::libraries`].
    pub(super) fn client(&self, program: &str) -> PathBuf {
        self.root().join(program)
    }

    /// Libraries without the C library.
    pub(super) fn libraries(&self) -> PathBuf {
        self.place.join("libraries")
    }

    /// Everything, for a policy to grant.
    pub(super) fn place(&self) -> &Path {
        &self.place
    }
}

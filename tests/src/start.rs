//! How a server is started for a test: bare or through `mcpguard exec`, in an environment of its own.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::binaries::mcpguard;
use crate::client::Client;
use crate::planted;
use crate::scene::Scene;

/// A start that is being described.
pub struct Start<'a> {
    scene: &'a Scene,
    server: Vec<OsString>,
    guard: Option<Vec<OsString>>,
    audit: PathBuf,
    variables: Vec<(OsString, OsString)>,
    before: Vec<OsString>,
}

impl<'a> Start<'a> {
    /// Without a guard: what the server can do when nobody stops it.
    pub fn bare(scene: &'a Scene, server: Vec<OsString>) -> Self {
        Self { scene, server, guard: None, audit: scene.audit(), variables: Vec::new(), before: Vec::new() }
    }

    /// Through `mcpguard exec` under a preset or a policy file.
    pub fn guarded(scene: &'a Scene, policy: impl AsRef<OsStr>, server: Vec<OsString>) -> Self {
        let guard = vec!["--policy".into(), policy.as_ref().to_owned()];
        Self { guard: Some(guard), ..Self::bare(scene, server) }
    }

    /// Through `mcpguard exec` without `--policy`: the built-in strict one.
    pub fn built_in(scene: &'a Scene, server: Vec<OsString>) -> Self {
        Self { guard: Some(Vec::new()), ..Self::bare(scene, server) }
    }

    /// Adds an option of `mcpguard exec`.
    #[must_use]
    pub fn option(mut self, option: impl AsRef<OsStr>) -> Self {
        if let Some(guard) = &mut self.guard {
            guard.push(option.as_ref().to_owned());
        }
        self
    }

    /// Puts the audit log elsewhere than at [`Scene::audit`].
    #[must_use]
    pub fn audit(mut self, path: &Path) -> Self {
        path.clone_into(&mut self.audit);
        self
    }

    /// Sets a variable of the environment that `mcpguard` (or the bare server) is started in.
    #[must_use]
    pub fn variable(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Puts words before the command line: those of a program that changes where, or as whom, all of it runs.
    #[must_use]
    pub fn within(mut self, before: Vec<OsString>) -> Self {
        self.before = before;
        self
    }

    /// The command line.
    pub fn argv(&self) -> Result<Vec<OsString>> {
        let mut argv = self.before.clone();
        let Some(guard) = &self.guard else {
            argv.extend(self.server.iter().cloned());
            return Ok(argv);
        };
        argv.extend([mcpguard()?.into(), "exec".into()]);
        argv.extend(guard.iter().cloned());
        argv.extend(["--workspace".into(), self.scene.workspace().into()]);
        argv.extend(["--audit".into(), self.audit.clone().into(), "--".into()]);
        argv.extend(self.server.iter().cloned());
        Ok(argv)
    }

    /// The command: the scene's home, the workspace as directory, and nothing of the tester's environment but PATH.
    pub fn command(&self) -> Result<Command> {
        let argv = self.argv()?;
        let mut command = Command::new(&argv[0]);
        command.args(&argv[1..]).current_dir(self.scene.workspace()).env_clear();
        command.env("HOME", self.scene.home()).env("XDG_STATE_HOME", self.scene.root().join("state"));
        command.env("PATH", path()).env("LANG", "C.UTF-8");
        if self.guard.is_some() {
            command.envs(planted::variables());
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }

    /// Starts it and stands at the other end of its pipes.
    pub fn client(&self) -> Result<Client> {
        Client::spawn(self.command()?)
    }

    /// Starts it and performs the handshake of 2025-06-18.
    pub fn session(&self) -> Result<Client> {
        let mut client = self.client()?;
        client.handshake("2025-06-18")?;
        Ok(client)
    }
}

/// The PATH of every start: node's directory and the system's.
pub(crate) fn path() -> OsString {
    let node = crate::servers::node().ok();
    let own = node.as_deref().and_then(Path::parent).map(Path::to_path_buf);
    let all = own.into_iter().chain(["/usr/bin", "/bin"].map(PathBuf::from));
    std::env::join_paths(all).unwrap_or_else(|_| "/usr/bin:/bin".into())
}

//! What the compiler must be told about this host and this call: directories, programs, the server's own files.

mod directories;
mod programs;
mod real;
mod runtime;
mod script;
mod server;
mod shebang;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use policy::plan::AbsolutePath;

pub(crate) use directories::{cache_directory, state_directory};
pub(crate) use programs::{Lookup, SearchPath};
pub(crate) use real::real;
pub(crate) use runtime::Runtime;
pub(crate) use script::script;
pub(crate) use shebang::first_line;

/// Facts of this call, owned; [`Host::context`] lends them to the compiler.
#[derive(Clone)]
pub(crate) struct Host {
    workspace: AbsolutePath,
    workspace_is_named: bool,
    home: AbsolutePath,
    config_home: AbsolutePath,
    cache_home: AbsolutePath,
    runtime_dir: Option<AbsolutePath>,
    server: Vec<AbsolutePath>,
    environment: BTreeMap<String, String>,
    programs: SearchPath,
}

impl Host {
    /// Looks at the environment and, for `${server}`, at the command.
    ///
    /// # Errors
    /// The workspace is not a directory, or a base directory is not absolute.
    pub(crate) fn examine(workspace: Option<&Path>, command: Option<&Lookup>) -> anyhow::Result<Self> {
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let home = directories::home(&environment)?;
        let base = |name: &str, default: &str| directories::base(&environment, name, &home, default);
        Ok(Self {
            workspace: self::workspace(workspace)?,
            workspace_is_named: workspace.is_some(),
            config_home: base("XDG_CONFIG_HOME", ".config")?,
            cache_home: base("XDG_CACHE_HOME", ".cache")?,
            runtime_dir: environment.get("XDG_RUNTIME_DIR").and_then(AbsolutePath::new),
            server: command.map(|command| server::roots(command, home.as_path())).unwrap_or_default(),
            programs: SearchPath::from_environment(&environment),
            home,
            environment,
        })
    }

    /// What the compiler sees.
    pub(crate) fn context(&self) -> policy::Context<'_> {
        policy::Context {
            workspace: self.workspace.clone(),
            home: self.home.clone(),
            config_home: self.config_home.clone(),
            cache_home: self.cache_home.clone(),
            runtime_dir: self.runtime_dir.clone(),
            server: self.server.clone(),
            environment: &self.environment,
            programs: &self.programs,
        }
    }

    /// The directory of the call.
    pub(crate) fn workspace(&self) -> &Path {
        self.workspace.as_path()
    }

    /// The same with another workspace, which need not be there: nothing is granted by it, only told.
    pub(crate) fn in_workspace(self, workspace: &Path) -> Self {
        let workspace = AbsolutePath::new(real(workspace)).unwrap_or(self.workspace);
        Self { workspace, workspace_is_named: true, ..self }
    }

    /// Whether the workspace holds the user's whole home directory, and nobody asked for that: a client that starts its
    /// servers in the home directory must not open it to them.
    pub(crate) fn is_too_wide(&self) -> bool {
        !self.workspace_is_named && self.workspace.covers(&self.home)
    }
}

/// The workspace: `--workspace` or the current directory, with symlinks resolved once.
fn workspace(given: Option<&Path>) -> anyhow::Result<AbsolutePath> {
    let path: PathBuf = match given {
        Some(path) => path.to_owned(),
        None => std::env::current_dir().context("the current directory is gone")?,
    };
    let real =
        path.canonicalize().with_context(|| format!("the workspace {} cannot be used", path.display()))?;
    anyhow::ensure!(real.is_dir(), "the workspace {} is not a directory", real.display());
    AbsolutePath::new(&real).with_context(|| format!("the workspace {} is not absolute", real.display()))
}

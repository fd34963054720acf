//! The real servers and clients that `cargo xtask setup` installed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};

/// The directory of the root `Cargo.toml`; `MCPGUARD_CHECKOUT` names another one, for programs that run in a virtual
/// machine.
pub fn checkout() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    // The harness lies one level beneath.
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/")).to_path_buf();
    PLACE.get_or_init(|| std::env::var_os("MCPGUARD_CHECKOUT").map_or_else(own, PathBuf::from))
}

/// The installed npm packages.
pub fn node_modules() -> Result<PathBuf> {
    installed("npm/node_modules")
}

/// The Inspector's command line program.
pub fn inspector() -> Result<PathBuf> {
    installed("inspector/node_modules/.bin/mcp-inspector")
}

/// The official conformance suite.
pub fn conformance_suite() -> Result<PathBuf> {
    installed("conformance/node_modules/@modelcontextprotocol/conformance/dist/index.js")
}

/// The Python of a virtual environment: `venv` (SDK 2.x and the servers) or `venv-mcp-1` (SDK 1.x).
pub fn python(venv: &str) -> Result<PathBuf> {
    installed(&format!("{venv}/bin/python"))
}

/// The first `node` in PATH.
pub fn node() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").context("PATH is not set")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join("node"))
        .find(|node| node.is_file())
        .context("no node in PATH")
}

fn installed(what: &str) -> Result<PathBuf> {
    let path = checkout().join("target/servers").join(what);
    ensure!(path.exists(), "{} is not installed; run `cargo xtask setup`", path.display());
    Ok(path)
}

/// A real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// `@modelcontextprotocol/server-everything`.
    Everything,
    /// `@modelcontextprotocol/server-filesystem`, newest.
    Filesystem,
    /// `@modelcontextprotocol/server-filesystem@2025.3.28`: follows symlinks and compares path prefixes as text.
    Filesystem2025_3_28,
    /// `@modelcontextprotocol/server-github`, archived.
    Github,
    /// `@modelcontextprotocol/server-memory`.
    Memory,
    /// `@modelcontextprotocol/server-sequential-thinking`.
    SequentialThinking,
    /// `mcp-server-fetch`.
    Fetch,
    /// `mcp-server-git`.
    Git,
    /// `mcp-server-time`.
    Time,
}

impl Server {
    /// Its command line without arguments of its own: `node script` or the virtual environment's script.
    pub fn command(self) -> Result<Vec<OsString>> {
        let script = match self {
            Self::Everything => "@modelcontextprotocol/server-everything/dist/index.js",
            Self::Filesystem => "@modelcontextprotocol/server-filesystem/dist/index.js",
            Self::Filesystem2025_3_28 => "server-filesystem-2025-3-28/dist/index.js",
            Self::Github => "@modelcontextprotocol/server-github/dist/index.js",
            Self::Memory => "@modelcontextprotocol/server-memory/dist/index.js",
            Self::SequentialThinking => "@modelcontextprotocol/server-sequential-thinking/dist/index.js",
            Self::Fetch => return Ok(vec![installed("venv/bin/mcp-server-fetch")?.into()]),
            Self::Git => return Ok(vec![installed("venv/bin/mcp-server-git")?.into()]),
            Self::Time => return Ok(vec![installed("venv/bin/mcp-server-time")?.into()]),
        };
        Ok(vec![node()?.into(), installed(&format!("npm/node_modules/{script}"))?.into()])
    }

    /// Its command line with arguments.
    pub fn with(self, arguments: &[&Path]) -> Result<Vec<OsString>> {
        let mut command = self.command()?;
        command.extend(arguments.iter().map(|argument| argument.as_os_str().to_owned()));
        Ok(command)
    }

    /// The preset that is shipped for it.
    pub fn preset(self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::Filesystem | Self::Filesystem2025_3_28 => "filesystem",
            Self::Github => "github",
            Self::Memory => "memory",
            Self::SequentialThinking => "sequential-thinking",
            Self::Fetch => "fetch",
            Self::Git => "git",
            Self::Time => "time",
        }
    }
}

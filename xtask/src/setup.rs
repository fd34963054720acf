//! `cargo xtask setup`: the pinned servers, clients and peers, under `target` and nowhere else.
//!
//! ```text
//! tests/servers/npm/package-lock.json   ──npm ci──► target/servers/npm         servers, both TypeScript SDKs
//! tests/servers/inspector-{0,2}/…       ──npm ci──► target/servers/inspector   by the version of node
//! tests/servers/conformance/…           ──npm ci──► target/servers/conformance   the official conformance suite
//! tests/servers/python/requirements*.txt ──pip────► target/servers/venv, venv-mcp-1
//! tests/servers/srt/…                   ──npm ci──► target/servers/srt         a peer of the bench
//! Debian's archive                      ──apt─────► target/internet            servers and clients of the test internet
//!                                                   target/peers               what the peers of the bench need
//! ```
//!
//! Package scripts are never run. Each tree carries a stamp with the text it was made from; a tree whose stamp
//! says the same is left alone.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::checkout::Checkout;
use crate::{internet, peers, step};

/// How much is installed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// The npm servers.
    Demo,
    /// And the Python servers, the SDKs, the Inspector and the official conformance suite.
    Tests,
    /// And the peers of the bench.
    Everything,
}

/// Installs what is missing.
pub(crate) fn run(checkout: &Checkout, scope: Scope) -> Result<()> {
    let servers = checkout.servers();
    fs::create_dir_all(&servers).with_context(|| format!("cannot make {}", servers.display()))?;
    // Two tasks at once must not install into one tree; the lock goes with the descriptor.
    let lock = File::create(servers.join(".lock")).context("cannot make the lock of setup")?;
    lock.lock().context("cannot lock setup")?;

    let node = node_version()?;
    npm(checkout, "npm", "npm", &node)?;
    if scope >= Scope::Tests {
        npm(checkout, inspector_for(&node)?, "inspector", &node)?;
        npm(checkout, "conformance", "conformance", &node)?;
        let python = python()?;
        venv(checkout, &python, "requirements.txt", "venv")?;
        venv(checkout, &python, "requirements-mcp-1.txt", "venv-mcp-1")?;
        internet::setup(checkout)?;
    }
    if scope >= Scope::Everything {
        npm(checkout, "srt", "srt", &node)?;
        peers::setup(checkout)?;
    }
    Ok(())
}

/// Installs `tests/servers/<from>` into `target/servers/<into>`, exactly as locked.
fn npm(checkout: &Checkout, from: &str, into: &str, node: &str) -> Result<()> {
    let source = checkout.root().join("tests/servers").join(from);
    let manifest = text(&source.join("package.json"))?;
    let locked = text(&source.join("package-lock.json"))?;
    let tree = Tree::new(checkout, into, format!("node {node}\n{manifest}{locked}"));
    if tree.is_fresh() {
        return Ok(());
    }
    tree.clear()?;
    fs::write(tree.path.join("package.json"), manifest)?;
    fs::write(tree.path.join("package-lock.json"), locked)?;
    let mut command = Command::new("npm");
    command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    command.arg("--omit-lockfile-registry-resolved=true").current_dir(&tree.path);
    step::shown(&format!("setup: npm packages of {from}"), &mut command)?;
    tree.stamp()
}

/// Makes a virtual environment in `target/servers/<into>` with exactly the packages of the file.
fn venv(checkout: &Checkout, python: &str, requirements: &str, into: &str) -> Result<()> {
    let file = checkout.root().join("tests/servers/python").join(requirements);
    let version = step::read("setup: python", Command::new(python).arg("--version"))?;
    let tree = Tree::new(checkout, into, format!("{python} {version}{}", text(&file)?));
    if tree.is_fresh() {
        return Ok(());
    }
    tree.clear()?;
    step::shown(&format!("setup: {into}"), Command::new(python).args(["-m", "venv"]).arg(&tree.path))?;
    let mut pip = Command::new(tree.path.join("bin/python"));
    // The file is complete, so nothing may be added; wheels only, because a source package runs its own code.
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
    pip.args(["--no-deps", "--only-binary", ":all:", "--requirement"]).arg(&file);
    step::shown(&format!("setup: PyPI packages of {requirements}"), &mut pip)?;
    let mut check = Command::new(tree.path.join("bin/python"));
    step::read("setup: pip check", check.args(["-m", "pip", "--disable-pip-version-check", "check"]))?;
    tree.stamp()
}

/// One installed directory and the text that it is made from.
struct Tree {
    path: PathBuf,
    made_from: String,
}

impl Tree {
    fn new(checkout: &Checkout, into: &str, inputs: String) -> Self {
        let path = checkout.servers().join(into);
        // A moved checkout invalidates virtual environments: their scripts carry absolute paths.
        let made_from = format!("{}\n{inputs}", path.display());
        Self { path, made_from }
    }

    fn stamp_file(&self) -> PathBuf {
        self.path.join(".stamp")
    }

    fn is_fresh(&self) -> bool {
        fs::read_to_string(self.stamp_file()).is_ok_and(|found| found == self.made_from)
    }

    fn clear(&self) -> Result<()> {
        if self.path.exists() {
            fs::remove_dir_all(&self.path)
                .with_context(|| format!("cannot clear {}", self.path.display()))?;
        }
        fs::create_dir_all(&self.path).with_context(|| format!("cannot make {}", self.path.display()))
    }

    fn stamp(&self) -> Result<()> {
        fs::write(self.stamp_file(), &self.made_from).context("cannot write the stamp of setup")
    }
}

fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn node_version() -> Result<String> {
    let version = step::read("setup: node 20 or newer is needed", Command::new("node").arg("--version"))?;
    Ok(version.trim().trim_start_matches('v').to_owned())
}

/// Inspector 2 needs node 22.19 (it refuses older ones); the last one for node 20 is 0.15.
fn inspector_for(node: &str) -> Result<&'static str> {
    let mut parts = node.split('.').map(|part| part.parse::<u32>().ok());
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(major), Some(minor)) if (major, minor) >= (22, 19) => Ok("inspector-2"),
        (Some(major), Some(_)) if major >= 20 => Ok("inspector-0"),
        _ => bail!("setup: node 20 or newer is needed, found {node:?}"),
    }
}

/// The system's Python where it can make virtual environments: version managers put shell scripts in its place.
pub(crate) fn python() -> Result<String> {
    for candidate in ["/usr/bin/python3", "python3"] {
        let probe = Command::new(candidate).args(["-c", "import ensurepip, venv"]).output();
        if probe.is_ok_and(|output| output.status.success()) {
            return Ok(candidate.to_owned());
        }
    }
    bail!("setup: no python3 with venv and ensurepip; on Debian: apt-get install python3-venv")
}

#[cfg(test)]
mod tests {
    use super::inspector_for;

    #[test]
    fn inspector_follows_node() {
        assert_eq!(inspector_for("20.20.2").unwrap(), "inspector-0");
        assert_eq!(inspector_for("22.18.0").unwrap(), "inspector-0");
        assert_eq!(inspector_for("22.19.0").unwrap(), "inspector-2");
        assert_eq!(inspector_for("24.0.1").unwrap(), "inspector-2");
        assert!(inspector_for("18.20.0").is_err());
        assert!(inspector_for("").is_err());
    }
}

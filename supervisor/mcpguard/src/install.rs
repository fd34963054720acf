//! The install phase: fetch the package that `npx` or `uvx` names under a policy of its own, then run it without
//! the launcher.
//!
//! An installer wants the network, a writable cache and compilers; the server wants none of it. So they are two
//! processes with two policies, and the run phase sees the installed files read-only. It also starts faster: the
//! launcher's own half second and 80 MB are gone.

mod npx;
mod uvx;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

use crate::cli::exec::{covered, narrowed};
use crate::compose::{Composed, compose_install};
use crate::host::{Lookup, cache_directory};
use crate::hosted::Choice;
use crate::{environment, session, terminal};

/// What a launcher was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wish {
    /// The package with its version, as the package manager writes it.
    package: String,
    /// The program of the package, where it is named apart from it.
    program: Option<String>,
    /// The server's own arguments.
    arguments: Vec<OsString>,
}

/// A package manager that mcpguard knows how to run.
trait Launcher {
    /// The commands that install the package into `directory`.
    fn commands(&self, wish: &Wish, directory: &Path) -> anyhow::Result<Vec<Vec<OsString>>>;
    /// The hosts that packages come from, by the user's own configuration.
    fn hosts(&self) -> anyhow::Result<Vec<String>>;
    /// The command that starts the installed server.
    fn start(&self, wish: &Wish, directory: &Path) -> anyhow::Result<Vec<OsString>>;
}

/// Installs what `command` names, once, and gives the command that starts it directly.
///
/// # Errors
/// The command is no launcher that mcpguard knows, its options are unknown, or the installation failed.
pub(crate) fn install(
    policy: &str,
    allow_degraded: bool,
    command: &[OsString],
    daemon: &Choice,
) -> anyhow::Result<Vec<OsString>> {
    let (launcher, kind, wish) = recognise(command)?;
    let directory = cache_directory()?.join("mcpguard").join(kind).join(folder(&wish.package));
    let stamp = directory.join("installed-by-mcpguard");
    if !is_installed(&stamp, &wish.package)? {
        terminal::note(&format!("installing {} under the policy `{policy}`", wish.package));
        std::fs::create_dir_all(&directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        let hosts = launcher.hosts()?;
        for step in launcher.commands(&wish, &directory)? {
            let composed = compose_install(policy, &directory, &hosts, &step, daemon)?;
            guarded(&composed, allow_degraded)?;
        }
        std::fs::write(&stamp, wish.package.as_bytes())?;
    }
    launcher.start(&wish, &directory)
}

/// Which launcher a command is, and what it was asked for.
fn recognise(command: &[OsString]) -> anyhow::Result<(Box<dyn Launcher>, &'static str, Wish)> {
    let words: Vec<&str> = command.iter().map(|word| word.to_str().unwrap_or("")).collect();
    let name = words.first().and_then(|word| Path::new(word).file_name()?.to_str()).unwrap_or("");
    match name {
        "npx" => Ok((Box::new(npx::Npx), "npm", npx::parse(command)?)),
        "uvx" => Ok((Box::new(uvx::Uvx), "pip", uvx::parse(command)?)),
        _ => bail!("--install-policy wants `npx` or `uvx` as the command; `{name}` has no install phase"),
    }
}

/// One step of the installation, as a guarded process without a doorman.
fn guarded(composed: &Composed, allow_degraded: bool) -> anyhow::Result<()> {
    narrowed(composed);
    covered(composed, allow_degraded)?;
    let environment = environment::build(&composed.plan.environment)?;
    let status = session::run_alone(composed, environment)?;
    ensure!(status == 0, "the installation failed with status {status}; nothing was started");
    Ok(())
}

/// Whether the stamp says that this very package is installed. Two names can share a directory, since characters had to
/// go; then the second one is refused, and never the first one started in its place.
fn is_installed(stamp: &Path, package: &str) -> anyhow::Result<bool> {
    let Ok(installed) = std::fs::read(stamp) else { return Ok(false) };
    ensure!(
        installed == package.as_bytes(),
        "{} holds {}, not {package}; remove the directory first",
        stamp.parent().unwrap_or(stamp).display(),
        String::from_utf8_lossy(&installed)
    );
    Ok(true)
}

/// A directory name for a package: one part of a path, never `.` or `..`.
fn folder(package: &str) -> PathBuf {
    let plain: String = package
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "@.=-_".contains(c) { c } else { '+' })
        .collect();
    PathBuf::from(if plain.starts_with('.') { format!("+{plain}") } else { plain })
}

/// The program of this name, as the user's PATH has it.
fn program(name: &str) -> anyhow::Result<OsString> {
    Ok(Lookup::new(&[name.into()])?.program.into_os_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_launchers_have_an_install_phase() {
        let error = recognise(&["node".into(), "x.js".into()]).err().unwrap().to_string();
        assert!(error.contains("npx"), "{error}");
    }

    #[test]
    fn a_package_name_becomes_one_path_part() {
        assert_eq!(folder("@scope/server@1.2.3"), PathBuf::from("@scope+server@1.2.3"));
        assert_eq!(folder("../../etc"), PathBuf::from("+..+..+etc"));
        assert_eq!(folder(".."), PathBuf::from("+.."));
    }

    #[test]
    fn another_package_in_the_same_directory_is_not_started() {
        let directory = tempfile::tempdir().unwrap();
        let stamp = directory.path().join("stamp");
        assert!(!is_installed(&stamp, "a/b").unwrap());
        std::fs::write(&stamp, "a/b").unwrap();
        assert!(is_installed(&stamp, "a/b").unwrap());
        assert!(is_installed(&stamp, "a:b").is_err());
    }
}

//! `uvx [--from PACKAGE] NAME[@VERSION] ARGS…` (uv's manual, tools). Installed by `pip` into a venv of its own.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context, bail, ensure};

use super::npx::host_of;
use super::{Launcher, Wish, program};

/// Asks pip for the index that it was built with, and the host that this index keeps its files on.
const BUILT_IN_INDEX: &str = "from pip._internal.models.index import PyPI\n\
                              print(PyPI.url)\nprint('https://' + PyPI.file_storage_domain)";

/// What the user's Python answers, or nothing if it fails.
fn ask(arguments: &[&str]) -> anyhow::Result<String> {
    let output = std::process::Command::new(program("python3")?).args(arguments).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// pip in a venv.
pub(super) struct Uvx;

/// Reads a `uvx` command line.
pub(super) fn parse(command: &[OsString]) -> anyhow::Result<Wish> {
    let mut words = command.iter().skip(1);
    let mut from = None;
    let name = loop {
        let word =
            words.next().context("uvx is given no package")?.to_str().context("the package is not UTF-8")?;
        match word {
            "-q" | "--quiet" | "--offline" | "--" => {}
            "--from" => from = words.next().and_then(|next| next.to_str()).map(str::to_owned),
            _ if word.starts_with('-') => {
                bail!("the option `{word}` of uvx is not known to --install-policy")
            }
            _ => break word.to_owned(),
        }
    };
    let (plain, version) =
        name.split_once('@').map_or((name.as_str(), None), |(plain, version)| (plain, Some(version)));
    let requirement = match version {
        Some(version) if version != "latest" => format!("{plain}=={version}"),
        _ => plain.to_owned(),
    };
    let named = plain.split("==").next().unwrap_or(plain).to_owned();
    Ok(Wish {
        package: from.unwrap_or(requirement),
        program: Some(named),
        arguments: words.cloned().collect(),
    })
}

impl Launcher for Uvx {
    fn commands(&self, wish: &Wish, directory: &Path) -> anyhow::Result<Vec<Vec<OsString>>> {
        // Version managers put a shell script into PATH; only the interpreter behind it is needed.
        let found = ask(&["-c", "import sys; print(sys.executable)"])?;
        ensure!(Path::new(&found).is_file(), "python3 does not tell where it is installed");
        let venv = [found.into(), "-m".into(), "venv".into(), directory.into()].to_vec();
        // Wheels only: building from source runs foreign code.
        let pip =
            ["-m", "pip", "install", "--disable-pip-version-check", "--only-binary=:all:", &wish.package];
        let python = directory.join("bin/python").into_os_string();
        let install = [python].into_iter().chain(pip.map(OsString::from)).collect();
        Ok(vec![venv, install])
    }

    fn hosts(&self) -> anyhow::Result<Vec<String>> {
        let configured = ask(&["-m", "pip", "config", "get", "global.index-url"])?;
        let configured = if configured.is_empty() {
            std::env::var("PIP_INDEX_URL").unwrap_or_default()
        } else {
            configured
        };
        if !configured.is_empty() {
            return host_of(&configured)
                .map(|host| vec![host])
                .with_context(|| format!("pip's index `{configured}` is no URL"));
        }
        let answer = ask(&["-c", BUILT_IN_INDEX])?;
        let hosts: Vec<String> = answer.lines().filter_map(host_of).collect();
        ensure!(!hosts.is_empty(), "pip names no index; set one by `pip config set global.index-url URL`");
        Ok(hosts)
    }

    fn start(&self, wish: &Wish, directory: &Path) -> anyhow::Result<Vec<OsString>> {
        let name = wish.program.as_deref().unwrap_or(&wish.package);
        ensure!(!name.contains('/'), "the program `{name}` is no plain name");
        let script = directory.join("bin").join(name);
        ensure!(script.is_file(), "the package {} has no program `{name}`", wish.package);
        let mut command = vec![script.into_os_string()];
        command.extend(wish.arguments.iter().cloned());
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(words: &[&str]) -> Wish {
        parse(&words.iter().map(OsString::from).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_version_becomes_a_requirement() {
        let got = wish(&["uvx", "mcp-server-time@1.2.3", "--local-timezone", "UTC"]);
        assert_eq!(
            (got.package.as_str(), got.program.as_deref()),
            ("mcp-server-time==1.2.3", Some("mcp-server-time"))
        );
        assert_eq!(got.arguments, ["--local-timezone", "UTC"]);
        assert_eq!(wish(&["uvx", "--from", "pkg==1", "serve"]).package, "pkg==1");
    }
}

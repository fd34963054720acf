//! `npx [-y] [-p PACKAGE] NAME[@VERSION] ARGS…` (npm-exec manual).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::Value;

use super::{Launcher, Wish, program};

/// npm.
pub(super) struct Npx;

/// Reads an `npx` command line.
pub(super) fn parse(command: &[OsString]) -> anyhow::Result<Wish> {
    let mut words = command.iter().skip(1);
    let mut package = None;
    let name = loop {
        let word =
            words.next().context("npx is given no package")?.to_str().context("the package is not UTF-8")?;
        match word {
            "-y" | "--yes" | "-q" | "--quiet" | "--" | "--prefer-offline" | "--offline" => {}
            "-p" | "--package" => package = words.next().and_then(|next| next.to_str()).map(str::to_owned),
            _ if word.starts_with("--package=") => {
                package = word.split_once('=').map(|(_, name)| name.to_owned())
            }
            _ if word.starts_with('-') => {
                bail!("the option `{word}` of npx is not known to --install-policy")
            }
            _ => break word.to_owned(),
        }
    };
    let arguments = words.cloned().collect();
    Ok(match package {
        Some(package) => Wish { package, program: Some(name), arguments },
        None => Wish { package: name, program: None, arguments },
    })
}

impl Launcher for Npx {
    /// Lifecycle scripts are off: they are the part of an installation that runs foreign code.
    fn commands(&self, wish: &Wish, directory: &Path) -> anyhow::Result<Vec<Vec<OsString>>> {
        let fixed = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"];
        let mut command: Vec<OsString> = fixed.iter().map(OsString::from).collect();
        command.push(directory.into());
        command.push((&wish.package).into());
        Ok(vec![command])
    }

    fn hosts(&self) -> anyhow::Result<Vec<String>> {
        let output =
            std::process::Command::new(program("npm")?).args(["config", "get", "registry"]).output()?;
        let url = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        host_of(&url)
            .map(|host| vec![host])
            .with_context(|| format!("npm's registry `{url}` is no URL; set it by `npm config set registry`"))
    }

    fn start(&self, wish: &Wish, directory: &Path) -> anyhow::Result<Vec<OsString>> {
        let root = directory.join("node_modules").join(name_of(&wish.package));
        let manifest = std::fs::read(root.join("package.json"))
            .with_context(|| format!("{} was not installed", wish.package))?;
        let script = bin(&serde_json::from_slice(&manifest)?, wish)?;
        let mut command = vec![program("node")?, root.join(script).into_os_string()];
        command.extend(wish.arguments.iter().cloned());
        Ok(command)
    }
}

/// The script that the package starts with: its only one, or the one of the wanted name (npm-exec manual).
fn bin(manifest: &Value, wish: &Wish) -> anyhow::Result<PathBuf> {
    let unscoped = name_of(&wish.package).rsplit('/').next().unwrap_or_default().to_owned();
    let wanted = wish.program.as_deref().unwrap_or(&unscoped);
    let found = match &manifest["bin"] {
        Value::String(path) => Some(path.as_str()),
        Value::Object(programs) if programs.len() == 1 && wish.program.is_none() => {
            programs.values().next().and_then(Value::as_str)
        }
        Value::Object(programs) => programs.get(wanted).and_then(Value::as_str),
        _ => None,
    };
    let path = found.with_context(|| format!("the package {} has no program `{wanted}`", wish.package))?;
    let inside = Path::new(path).components().all(|part| !matches!(part, std::path::Component::ParentDir));
    anyhow::ensure!(inside && !path.starts_with('/'), "the program `{path}` lies outside of its package");
    Ok(PathBuf::from(path))
}

/// `@scope/name@1.2.3` → `@scope/name`.
fn name_of(package: &str) -> &str {
    match package.char_indices().skip(1).find(|(_, c)| *c == '@') {
        Some((at, _)) => &package[..at],
        None => package,
    }
}

/// The host of an `https://host[:port]/…` URL.
pub(super) fn host_of(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    (!host.is_empty()).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(words: &[&str]) -> anyhow::Result<Wish> {
        parse(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn both_forms_are_read() {
        let plain = wish(&["npx", "-y", "@s/server@1.0.0", "/dir"]).unwrap();
        assert_eq!(plain.package, "@s/server@1.0.0");
        assert_eq!(plain.arguments, ["/dir"]);
        let named = wish(&["npx", "--package=@s/server", "serve", "-y"]).unwrap();
        assert_eq!((named.package.as_str(), named.program.as_deref()), ("@s/server", Some("serve")));
        assert_eq!(named.arguments, ["-y"]);
        assert!(wish(&["npx", "--call", "x"]).is_err());
        assert!(wish(&["npx"]).is_err());
    }

    #[test]
    fn a_program_outside_of_its_package_is_refused() {
        let manifest = serde_json::json!({ "bin": { "server": "../../evil.js" } });
        assert!(bin(&manifest, &wish(&["npx", "server"]).unwrap()).is_err());
    }

    #[test]
    fn the_host_is_cut_out_of_the_url() {
        assert_eq!(
            host_of("https://user:pw@packages.example:8443/npm/").as_deref(),
            Some("packages.example")
        );
        assert_eq!(host_of("nonsense"), None);
    }
}

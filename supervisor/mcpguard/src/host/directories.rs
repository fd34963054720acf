//! Base directories (XDG Base Directory Specification 0.8).

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use policy::plan::AbsolutePath;

/// `$HOME`.
pub(super) fn home(environment: &BTreeMap<String, String>) -> anyhow::Result<AbsolutePath> {
    let named = environment.get("HOME").and_then(AbsolutePath::new);
    named.context("the home directory is unknown; set HOME to an absolute path")
}

/// The base directory `name` (`XDG_CONFIG_HOME` …), or `default` beneath the home directory.
/// A relative value is ignored, as the specification demands.
pub(super) fn base(
    environment: &BTreeMap<String, String>,
    name: &str,
    home: &AbsolutePath,
    default: &str,
) -> anyhow::Result<AbsolutePath> {
    let named = environment.get(name).and_then(AbsolutePath::new);
    named
        .or_else(|| AbsolutePath::new(home.as_path().join(default)))
        .with_context(|| format!("{name} is not an absolute path"))
}

/// Where mcpguard keeps its audit logs: `$XDG_STATE_HOME` or `~/.local/state`.
///
/// # Errors
/// The home directory is unknown.
pub(crate) fn state_directory() -> anyhow::Result<PathBuf> {
    own("XDG_STATE_HOME", ".local/state")
}

/// Where mcpguard installs packages: `$XDG_CACHE_HOME` or `~/.cache`.
///
/// # Errors
/// The home directory is unknown.
pub(crate) fn cache_directory() -> anyhow::Result<PathBuf> {
    own("XDG_CACHE_HOME", ".cache")
}

fn own(name: &str, default: &str) -> anyhow::Result<PathBuf> {
    let environment = ["HOME", name]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
        .collect();
    let home = home(&environment)?;
    Ok(base(&environment, name, &home, default)?.as_path().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_base_directory_is_ignored() {
        let environment = BTreeMap::from([("XDG_CACHE_HOME".to_owned(), "relative".to_owned())]);
        let home = AbsolutePath::new("/home/a").unwrap();
        let cache = base(&environment, "XDG_CACHE_HOME", &home, ".cache").unwrap();
        assert_eq!(cache.as_path(), std::path::Path::new("/home/a/.cache"));
    }
}

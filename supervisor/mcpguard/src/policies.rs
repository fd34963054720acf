//! Where policy texts come from: files, shipped presets, and the built-in strict policy.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail};
use policy::{HostRules, Library, Source};

use crate::trust::{self, Keepers};

/// The presets that are shipped inside of the binary, by name.
const PRESETS: &[(&str, &str)] = &[
    ("runtime/native", include_str!("../../../policies/runtime/native.yaml")),
    ("runtime/network", include_str!("../../../policies/runtime/network.yaml")),
    ("runtime/npx", include_str!("../../../policies/runtime/npx.yaml")),
    ("install/pip", include_str!("../../../policies/install/pip.yaml")),
    ("install/npm", include_str!("../../../policies/install/npm.yaml")),
    ("runtime/node", include_str!("../../../policies/runtime/node.yaml")),
    ("runtime/python", include_str!("../../../policies/runtime/python.yaml")),
    ("everything", include_str!("../../../policies/everything.yaml")),
    ("fetch", include_str!("../../../policies/fetch.yaml")),
    ("filesystem", include_str!("../../../policies/filesystem.yaml")),
    ("git", include_str!("../../../policies/git.yaml")),
    ("github", include_str!("../../../policies/github.yaml")),
    ("memory", include_str!("../../../policies/memory.yaml")),
    ("sequential-thinking", include_str!("../../../policies/sequential-thinking.yaml")),
    ("time", include_str!("../../../policies/time.yaml")),
];

/// Finds what `extends` names: a preset, or a file relative to the file that extends it.
/// What the host's rules do not admit is not found.
pub(crate) struct Shelf<'a>(pub(crate) Option<&'a HostRules>);

impl Library for Shelf<'_> {
    fn read(&self, reference: &str, from: &str) -> Result<Source, String> {
        let place = if is_file_name(reference) { beside(from, reference) } else { PathBuf::from(reference) };
        read(&place.to_string_lossy(), self.0).map_err(|error| format!("{error:#}"))
    }
}

/// Reads a policy by file name or preset name.
///
/// # Errors
/// The file cannot be read, is too large, or could have been written by another user; or there is no such preset, or the
/// host's rules do not admit it.
pub(crate) fn read(name: &str, host: Option<&HostRules>) -> anyhow::Result<Source> {
    if is_file_name(name) {
        return Ok(Source::from_bytes(name, read_file(name)?)?);
    }
    match PRESETS.iter().find(|(preset, _)| *preset == name) {
        Some((preset, text)) => {
            host.map_or(Ok(()), |host| host.admit_preset(preset)).map_err(anyhow::Error::msg)?;
            Ok(Source { name: (*preset).to_owned(), text: (*text).to_owned() })
        }
        None => {
            bail!("there is no preset `{name}`; presets are {}; a file is named with its `.yaml`", names())
        }
    }
}

/// The text of a shipped preset.
pub(crate) fn shipped(name: &str) -> Option<&'static str> {
    PRESETS.iter().find(|(preset, _)| *preset == name).map(|(_, text)| *text)
}

/// The names of all presets, for messages.
fn names() -> String {
    PRESETS.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A name with an ending or a leading dot or slash is a file, everything else a preset.
pub(crate) fn is_file_name(name: &str) -> bool {
    name.ends_with(".yaml") || name.ends_with(".yml") || name.starts_with(['.', '/'])
}

/// `reference` as seen from the file `from`.
fn beside(from: &str, reference: &str) -> PathBuf {
    let joined = Path::new(from).parent().unwrap_or(Path::new("")).join(reference);
    // One name for one file: cycles are found by it.
    joined.components().filter(|part| *part != Component::CurDir).collect()
}

fn read_file(name: &str) -> anyhow::Result<Vec<u8>> {
    let file = trust::open(Path::new(name)).with_context(|| match preset_for(name) {
        Some(preset) => {
            format!("cannot read the policy `{name}` (the shipped preset is `--policy {preset}`)")
        }
        None => format!("cannot read the policy `{name}`"),
    })?;
    trust::read(&format!("the policy `{name}`"), file, &Keepers::UserOrRoot)
}

/// The preset that a missing file probably means: `github.yaml` → `github`.
fn preset_for(name: &str) -> Option<&'static str> {
    let stem = Path::new(name).file_stem()?.to_str()?;
    PRESETS.iter().map(|(preset, _)| *preset).find(|preset| *preset == stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_points_to_the_preset_of_its_name() {
        let error = format!("{:#}", read("no-such-directory/github.yaml", None).err().unwrap());
        assert!(error.contains("--policy github"), "{error}");
    }

    #[test]
    fn an_unknown_preset_lists_the_known_ones() {
        let error = format!("{:#}", read("gitub", None).err().unwrap());
        assert!(error.contains("`github`"), "{error}");
    }

    #[test]
    fn a_policy_that_everyone_may_write_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("p.yaml");
        std::fs::write(&path, "version: 1\nname: p\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        let error = format!("{:#}", read(path.to_str().unwrap(), None).err().unwrap());
        assert!(error.contains("o-w"), "{error}");
    }

    #[test]
    fn extends_is_relative_to_the_extending_file() {
        assert_eq!(beside("/a/b/c.yaml", "./d.yaml"), PathBuf::from("/a/b/d.yaml"));
    }
}

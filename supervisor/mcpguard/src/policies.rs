//! Where policy texts come from: files, shipped presets, and the built-in strict policy.

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail, ensure};
use policy::{Library, Source};

/// The largest policy file that is read, in bytes; the parser's own limit.
const MAX_BYTES: u64 = 256 * 1024;

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
pub(crate) struct Shelf;

impl Library for Shelf {
    fn read(&self, reference: &str, from: &str) -> Result<Source, String> {
        let place = if is_file_name(reference) { beside(from, reference) } else { PathBuf::from(reference) };
        read(&place.to_string_lossy()).map_err(|error| format!("{error:#}"))
    }
}

/// Reads a policy by file name or preset name.
///
/// # Errors
/// The file cannot be read, is too large, or could have been written by another user; or there is no such preset.
pub(crate) fn read(name: &str) -> anyhow::Result<Source> {
    if is_file_name(name) {
        return Ok(Source::from_bytes(name, read_file(name)?)?);
    }
    match PRESETS.iter().find(|(preset, _)| *preset == name) {
        Some((preset, text)) => Ok(Source { name: (*preset).to_owned(), text: (*text).to_owned() }),
        None => {
            bail!("there is no preset `{name}`; presets are {}; a file is named with its `.yaml`", names())
        }
    }
}

/// The names of all presets, for messages.
fn names() -> String {
    PRESETS.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A name with an ending or a leading dot or slash is a file, everything else a preset.
fn is_file_name(name: &str) -> bool {
    name.ends_with(".yaml") || name.ends_with(".yml") || name.starts_with(['.', '/'])
}

/// `reference` as seen from the file `from`.
fn beside(from: &str, reference: &str) -> PathBuf {
    let joined = Path::new(from).parent().unwrap_or(Path::new("")).join(reference);
    // One name for one file: cycles are found by it.
    joined.components().filter(|part| *part != Component::CurDir).collect()
}

/// Reads a policy file through one descriptor, so that what was checked is what is read.
fn read_file(name: &str) -> anyhow::Result<Vec<u8>> {
    let mut file = std::fs::File::open(name).with_context(|| match preset_for(name) {
        Some(preset) => {
            format!("cannot read the policy `{name}` (the shipped preset is `--policy {preset}`)")
        }
        None => format!("cannot read the policy `{name}`"),
    })?;
    let facts = file.metadata().with_context(|| format!("cannot examine the policy `{name}`"))?;
    ensure!(facts.is_file(), "the policy `{name}` is not a regular file");
    trusted(name, &facts)?;
    let mut bytes = Vec::new();
    // One byte more than the parser takes, so that it is the parser that says what is wrong.
    Read::by_ref(&mut file).take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A policy that someone else could have written is no policy.
fn trusted(name: &str, facts: &std::fs::Metadata) -> anyhow::Result<()> {
    let me = nix::unistd::geteuid().as_raw();
    ensure!(
        facts.uid() == me || facts.uid() == 0,
        "the policy `{name}` belongs to user {}, who could change it; it must belong to you or root",
        facts.uid()
    );
    ensure!(facts.mode() & 0o002 == 0, "everyone may write the policy `{name}`; `chmod o-w` it");
    Ok(())
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
        let error = format!("{:#}", read("no-such-directory/github.yaml").err().unwrap());
        assert!(error.contains("--policy github"), "{error}");
    }

    #[test]
    fn an_unknown_preset_lists_the_known_ones() {
        let error = format!("{:#}", read("gitub").err().unwrap());
        assert!(error.contains("`github`"), "{error}");
    }

    #[test]
    fn a_policy_that_everyone_may_write_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("p.yaml");
        std::fs::write(&path, "version: 1\nname: p\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        let error = format!("{:#}", read(path.to_str().unwrap()).err().unwrap());
        assert!(error.contains("o-w"), "{error}");
    }

    #[test]
    fn extends_is_relative_to_the_extending_file() {
        assert_eq!(beside("/a/b/c.yaml", "./d.yaml"), PathBuf::from("/a/b/d.yaml"));
    }
}

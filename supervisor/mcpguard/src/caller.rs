//! Who calls: the scopes that the policy's `require_scope` and `roles` are compared with.
//!
//! They are given by whoever starts mcpguard, as an option, in the environment or in a file. The client itself says nothing
//! about its scopes, for it is steered by a model.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use mcp::Caller;

use crate::trust::{self, Keepers};

/// More than any caller has.
const MOST: usize = 256;

/// Where the caller's scopes are named. None of them: the caller holds none.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Scopes {
    /// Scopes that the caller holds, for `require_scope` and `roles`; several with commas or spaces
    #[arg(long, value_name = "SCOPES", env = "MCPGUARD_SCOPES", hide_env_values = true)]
    scopes: Option<String>,
    /// A file of yours or root's with more scopes, one or several a line; `#` begins a comment
    #[arg(long, value_name = "FILE")]
    scopes_from: Option<PathBuf>,
}

impl Scopes {
    /// The caller that is meant.
    ///
    /// # Errors
    /// A word is no scope, or the file cannot be read, or somebody else could have written it.
    pub(crate) fn caller(&self) -> anyhow::Result<Caller> {
        let mut scopes = words(self.scopes.as_deref().unwrap_or_default(), "--scopes")?;
        if let Some(path) = &self.scopes_from {
            scopes.extend(from_file(path)?);
        }
        ensure!(scopes.len() <= MOST, "{} scopes are named; a caller has at most {MOST}", scopes.len());
        Ok(Caller { scopes })
    }
}

/// The scopes that `--scopes` of another command than `exec` names.
///
/// # Errors
/// A word is no scope, or there are too many.
pub(crate) fn named(text: &str) -> anyhow::Result<BTreeSet<String>> {
    let scopes = Scopes { scopes: Some(text.to_owned()), scopes_from: None };
    Ok(scopes.caller()?.scopes)
}

fn from_file(path: &Path) -> anyhow::Result<BTreeSet<String>> {
    let what = format!("the file of scopes {}", path.display());
    let file = trust::open(path).with_context(|| format!("cannot open {what}"))?;
    let text = String::from_utf8(trust::read(&what, file, &Keepers::UserOrRoot)?);
    let text = text.with_context(|| format!("{what} is no UTF-8"))?;
    let mut scopes = BTreeSet::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.split_once('#').map_or(line, |(before, _)| before);
        scopes.extend(words(line, &format!("{}:{number}", path.display()))?);
    }
    Ok(scopes)
}

/// The scopes of a text (`scope-token`, RFC 6749 §3.3, but for the comma that parts them here).
fn words(text: &str, place: &str) -> anyhow::Result<BTreeSet<String>> {
    let all = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
    let sound =
        |word: &str| word.len() <= 128 && word.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\');
    all.map(|word| {
        let shown: String = word.chars().take(40).flat_map(char::escape_default).collect();
        ensure!(
            sound(word),
            "{place}: `{shown}` is no scope; one is a word of 1 to 128 printable ASCII characters"
        );
        Ok(word.to_owned())
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(scopes: Option<&str>, file: Option<&Path>) -> anyhow::Result<Vec<String>> {
        let scopes = Scopes { scopes: scopes.map(str::to_owned), scopes_from: file.map(Path::to_owned) };
        Ok(scopes.caller()?.scopes.into_iter().collect())
    }

    #[test]
    fn scopes_come_from_the_option_and_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("scopes");
        std::fs::write(&file, "# of ada\nwrite  repo:read\n\nread # twice\n").unwrap();
        assert_eq!(named(None, None).unwrap(), [""; 0]);
        assert_eq!(named(Some("read, admin"), None).unwrap(), ["admin", "read"]);
        assert_eq!(named(Some("read"), Some(&file)).unwrap(), ["read", "repo:read", "write"]);
    }

    #[test]
    fn what_is_no_scope_is_told_with_its_place() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("scopes");
        std::fs::write(&file, "read\nschön\n").unwrap();
        let told = named(None, Some(&file)).unwrap_err().to_string();
        assert!(told.contains("scopes:2: `sch\\u{f6}n` is no scope"), "{told}");
        assert!(named(Some("a\"b"), None).is_err());
        assert!(named(Some(&"x".repeat(129)), None).is_err());
        let many: Vec<String> = (0..300).map(|number| number.to_string()).collect();
        assert!(named(Some(&many.join(",")), None).unwrap_err().to_string().contains("at most 256"));
    }

    #[test]
    fn a_file_that_others_may_write_names_nothing() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("scopes");
        std::fs::write(&file, "admin").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
        assert!(named(None, Some(&file)).unwrap_err().to_string().contains("everyone may write"));
        assert!(named(None, Some(&directory.path().join("none"))).is_err());
    }
}

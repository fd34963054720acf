//! Where the audit log lies on a host whose rules say so.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, ensure};

use crate::compose::Composed;
use crate::host::real;
use crate::trust::Keepers;

/// The directory that the host's rules want logs in.
pub(super) fn wanted(composed: &Composed) -> Option<&Path> {
    let directory = composed.under.as_ref()?.audit_directory.as_ref()?;
    Some(directory.as_path())
}

/// The log's file: the one that is named, if it lies in the directory, else one of the user's own directory in there,
/// with the file name of `usual`.
///
/// # Errors
/// The directory is not there, the named file lies elsewhere, or the user's directory is another user's.
pub(super) fn within(directory: &Path, named: Option<PathBuf>, usual: PathBuf) -> anyhow::Result<PathBuf> {
    ensure!(
        directory.is_dir(),
        "the host's rules want audit logs in {}, which is no directory; have the administrator make it (`install -d -m 1733`)",
        directory.display()
    );
    match named {
        Some(path) => {
            // `..` behind a directory that is not there yet leads nowhere that could be known now.
            let plain = !path.components().any(|part| part == Component::ParentDir);
            ensure!(
                plain && real(&path).starts_with(real(directory)),
                "the host's rules want audit logs in {}; leave out --audit, or name a file in there instead of {}",
                directory.display(),
                path.display()
            );
            Ok(path)
        }
        None => Ok(own(directory)?.join(usual.file_name().unwrap_or(usual.as_os_str()))),
    }
}

/// The directory of this user's logs. Another user could have made one of its name.
fn own(directory: &Path) -> anyhow::Result<PathBuf> {
    let user = nix::unistd::geteuid().as_raw();
    let own = directory.join(user.to_string());
    let what = format!("the directory of your audit logs `{}`", own.display());
    match DirBuilder::new().mode(0o700).create(&own) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("cannot make {what}"));
        }
        Ok(()) | Err(_) => {}
    }
    let facts = own.symlink_metadata().with_context(|| format!("cannot examine {what}"))?;
    ensure!(facts.is_dir(), "{what} is not a directory; remove it");
    Keepers::Only(user).check(&what, &facts)?;
    Ok(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_lies_in_the_directory_and_nowhere_else() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let logs = root.join("logs");
        assert!(within(&logs, None, "a.jsonl".into()).is_err(), "no such directory");
        std::fs::create_dir(&logs).unwrap();
        let user = nix::unistd::geteuid().as_raw().to_string();
        let usual = PathBuf::from("mcpguard/audit/a.jsonl");
        assert_eq!(within(&logs, None, usual.clone()).unwrap(), logs.join(&user).join("a.jsonl"));
        assert_eq!(within(&logs, None, usual.clone()).unwrap(), logs.join(user).join("a.jsonl"), "once more");
        assert_eq!(within(&logs, Some(logs.join("b")), usual.clone()).unwrap(), logs.join("b"));
        std::os::unix::fs::symlink(&root, logs.join("link")).unwrap();
        for elsewhere in ["b", "logs/../b", "logs/new/../../b", "logs-evil/b", "logs/link/b"] {
            assert!(within(&logs, Some(root.join(elsewhere)), usual.clone()).is_err(), "{elsewhere}");
        }
    }

    #[test]
    fn a_directory_that_others_may_write_is_not_the_users_own() {
        use std::os::unix::fs::PermissionsExt;
        let logs = tempfile::tempdir().unwrap();
        let own = logs.path().join(nix::unistd::geteuid().as_raw().to_string());
        std::fs::create_dir(&own).unwrap();
        std::fs::set_permissions(&own, std::fs::Permissions::from_mode(0o777)).unwrap();
        let refused = within(logs.path(), None, "a.jsonl".into()).err().unwrap().to_string();
        assert!(refused.contains("`chmod go-w` it"), "{refused}");
    }
}

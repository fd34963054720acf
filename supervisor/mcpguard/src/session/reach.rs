//! What the server must not be able to rewrite: its own audit log, and its own policy.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use policy::Plan;
use policy::plan::AbsolutePath;

/// Refuses a log that the server could rewrite.
///
/// # Errors
/// The policy lets the server write where the log is.
pub(super) fn log_is_out_of_reach(plan: &Plan, log: &Path) -> anyhow::Result<()> {
    ensure!(
        !writable(plan, log),
        "the audit log {} lies where the policy lets the server write, so it would prove nothing; \
         name another place by --audit or the policy's audit.path",
        log.display()
    );
    Ok(())
}

/// Whether the policy file is one that the server could rewrite for its next start.
pub(super) fn policy_is_in_reach(plan: &Plan, source: &str) -> bool {
    Path::new(source).is_file() && writable(plan, Path::new(source))
}

fn writable(plan: &Plan, path: &Path) -> bool {
    let rule = AbsolutePath::new(real(path)).and_then(|path| plan.files.decisive(&path).cloned());
    rule.is_some_and(|rule| !rule.write.is_empty())
}

/// The path with the symlinks of its existing part resolved; what is not there yet is kept as it is.
fn real(path: &Path) -> PathBuf {
    let mut existing = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut rest: Vec<OsString> = Vec::new();
    loop {
        if let Ok(real) = existing.canonicalize() {
            return rest.iter().rev().fold(real, |path, part| path.join(part));
        }
        match (existing.file_name().map(ToOwned::to_owned), existing.pop()) {
            (Some(name), true) => rest.push(name),
            _ => return path.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::real;

    #[test]
    fn symlinks_are_resolved_as_far_as_the_path_exists() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path().canonicalize().unwrap();
        std::fs::create_dir(base.join("a")).unwrap();
        std::os::unix::fs::symlink(base.join("a"), base.join("link")).unwrap();
        assert_eq!(real(&base.join("link/new/log.jsonl")), base.join("a/new/log.jsonl"));
    }
}

//! Where a path really leads.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The path with the symlinks of its existing part resolved; what is not there yet is kept as it is.
pub(crate) fn real(path: &Path) -> PathBuf {
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

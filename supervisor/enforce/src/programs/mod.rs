//! What must be executable besides a program itself, so that the kernel can start it: the interpreter of its `#!`
//! line, the program that `env` will start, and the loader that its ELF header names.
//!
//! The kernel opens each of them for execution, so each needs Landlock's right to execute.

mod elf;
mod script;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The kernel follows four `#!` lines (`BINPRM_BUF_SIZE`, `exec_binprm`); each may be an `env` that adds one step.
const MAX_DEPTH: usize = 10;

/// Follows a program's chain; the program itself is part of the answer. What is missing or not executable is left out,
/// because then the kernel will refuse to execute it anyway.
pub(crate) fn chain(program: &Path, search_path: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut left = vec![program.to_owned()];
    while let Some(next) = left.pop() {
        if found.len() < MAX_DEPTH && is_program(&next) && found.insert(next.clone()) {
            left.extend(needs(&next, search_path));
        }
    }
    found
}

/// The loaders of this platform's C libraries, for directories of programs: not each file in them is looked at.
pub(crate) fn usual_loaders() -> impl Iterator<Item = PathBuf> {
    const LOADERS: &[&str] = &[
        "/lib64/ld-linux-x86-64.so.2",
        "/lib/ld-linux-aarch64.so.1",
        "/lib/ld-musl-x86_64.so.1",
        "/lib/ld-musl-aarch64.so.1",
    ];
    LOADERS.iter().map(PathBuf::from).filter(|path| is_program(path))
}

/// A regular file with an execute bit, which is what the kernel asks for.
pub(crate) fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|status| status.is_file() && status.permissions().mode() & 0o111 != 0)
}

/// The directories of a `PATH` variable. Relative ones are left out: they would depend on where the server stands.
pub(crate) fn search_path(environment: &[(OsString, OsString)]) -> Vec<PathBuf> {
    let path = environment.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
    path.map(|path| std::env::split_paths(path).filter(|part| part.is_absolute()).collect())
        .unwrap_or_default()
}

fn needs(program: &Path, search_path: &[PathBuf]) -> Vec<PathBuf> {
    let Ok(head) = head_of(program) else {
        return Vec::new();
    };
    if let Some(line) = script::interpreter_line(&head) {
        return script::programs(line, search_path);
    }
    elf::loader(&head).into_iter().collect()
}

/// Enough for a `#!` line (256 bytes) and for the program headers of an ELF file, which follow its header.
fn head_of(program: &Path) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(program)?.take(8192).read_to_end(&mut head)?;
    Ok(head)
}

/// A path out of a file's bytes, if it is absolute.
fn absolute(bytes: &[u8]) -> Option<PathBuf> {
    let path = Path::new(std::ffi::OsStr::from_bytes(bytes));
    path.is_absolute().then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(directory: &Path, name: &str, text: &str) -> PathBuf {
        let path = directory.join(name);
        std::fs::write(&path, text).expect("writable");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("own file");
        path
    }

    #[test]
    fn the_chain_of_a_script_leads_through_env_to_the_interpreter_and_its_loader() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let tool = script(directory.path(), "tool", "#!/bin/sh\n");
        let start = script(directory.path(), "start", "#!/usr/bin/env -S tool --flag\n");
        let found = chain(&start, &[directory.path().to_owned()]);
        for expected in [start, tool, "/usr/bin/env".into(), "/bin/sh".into()] {
            assert!(found.contains(&expected), "{expected:?} is not in {found:?}");
        }
        assert!(usual_loaders().any(|loader| found.contains(&loader)), "{found:?}");
    }

    #[test]
    fn an_interpreter_that_is_not_executable_is_not_granted() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let key = directory.path().join("id_rsa");
        std::fs::write(&key, "secret").expect("writable");
        let start = script(directory.path(), "start", &format!("#!{}\n", key.display()));
        assert_eq!(chain(&start, &[]), BTreeSet::from([start]));
    }

    #[test]
    fn a_script_that_names_itself_ends() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("loop");
        let start = script(directory.path(), "loop", &format!("#!{}\n", path.display()));
        assert_eq!(chain(&start, &[]).len(), 1);
    }
}

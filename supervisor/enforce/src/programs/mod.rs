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

/// What the kernel executes along with programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chain {
    /// The programs and their interpreters, which are started.
    pub(crate) programs: BTreeSet<PathBuf>,
    /// Their dynamic loaders, which the kernel only loads.
    pub(crate) loaders: BTreeSet<PathBuf>,
}

impl Chain {
    /// Everything that the kernel opens for execution.
    pub(crate) fn all(&self) -> BTreeSet<PathBuf> {
        self.programs.union(&self.loaders).cloned().collect()
    }
}

/// Adds a program and what it needs. What is missing or not executable is left out, because then the kernel will
/// refuse to execute it anyway.
pub(crate) fn follow(chain: &mut Chain, program: &Path, search_path: &[PathBuf]) {
    let mut left = vec![program.to_owned()];
    for _ in 0..MAX_DEPTH {
        let Some(next) = left.pop() else { return };
        if is_program(&next) && chain.programs.insert(next.clone()) {
            let Needs { programs, loader } = needs(&next, search_path);
            left.extend(programs);
            chain.loaders.extend(loader.filter(|loader| is_program(loader)));
        }
    }
}

/// What one program needs.
#[derive(Default)]
struct Needs {
    programs: Vec<PathBuf>,
    loader: Option<PathBuf>,
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

fn needs(program: &Path, search_path: &[PathBuf]) -> Needs {
    let Ok(head) = head_of(program) else {
        return Needs::default();
    };
    match script::interpreter_line(&head) {
        Some(line) => Needs { programs: script::programs(line, search_path), loader: None },
        None => Needs { programs: Vec::new(), loader: elf::loader(&head) },
    }
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

    fn chain(program: &Path, search_path: &[PathBuf]) -> Chain {
        let mut chain = Chain::default();
        follow(&mut chain, program, search_path);
        chain
    }

    #[test]
    fn the_chain_of_a_script_leads_through_env_to_the_interpreter_and_its_loader() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let tool = script(directory.path(), "tool", "#!/bin/sh\n");
        let start = script(directory.path(), "start", "#!/usr/bin/env -S tool --flag\n");
        let found = chain(&start, &[directory.path().to_owned()]);
        for expected in [start, tool, "/usr/bin/env".into(), "/bin/sh".into()] {
            assert!(found.programs.contains(&expected), "{expected:?} is not in {found:?}");
        }
        assert!(usual_loaders().any(|loader| found.loaders.contains(&loader)), "{found:?}");
        assert!(found.programs.is_disjoint(&found.loaders), "{found:?}");
    }

    #[test]
    fn an_interpreter_that_is_not_executable_is_not_granted() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let key = directory.path().join("id_rsa");
        std::fs::write(&key, "secret").expect("writable");
        let start = script(directory.path(), "start", &format!("#!{}\n", key.display()));
        assert_eq!(chain(&start, &[]).all(), BTreeSet::from([start]));
    }

    #[test]
    fn a_script_that_names_itself_ends() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("loop");
        let start = script(directory.path(), "loop", &format!("#!{}\n", path.display()));
        assert_eq!(chain(&start, &[]).all().len(), 1);
    }
}

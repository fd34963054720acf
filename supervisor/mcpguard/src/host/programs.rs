//! Programs by name: looked up in the `PATH` that the server will see, once, at start.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};
use policy::Programs;
use policy::plan::AbsolutePath;

use crate::cli::Failure;

/// What `execvp` uses when there is no `PATH` (confstr `_CS_PATH`, glibc).
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// The directories of a `PATH`; relative ones are left out, since they would change with the directory.
#[derive(Clone)]
pub(crate) struct SearchPath(Vec<PathBuf>);

impl SearchPath {
    /// The `PATH` of an environment.
    pub(crate) fn from_environment(environment: &BTreeMap<String, String>) -> Self {
        let path = environment.get("PATH").map_or(DEFAULT_PATH, String::as_str);
        Self(path.split(':').filter(|part| part.starts_with('/')).map(PathBuf::from).collect())
    }

    /// The first executable of this name.
    fn search(&self, name: &str) -> Found {
        let mut unusable = None;
        for candidate in self.0.iter().map(|directory| directory.join(name)) {
            if is_program(&candidate) {
                return Found::Program(candidate);
            }
            if candidate.is_file() {
                unusable.get_or_insert(candidate);
            }
        }
        unusable.map_or(Found::Nothing, Found::NotExecutable)
    }
}

/// What a search found.
enum Found {
    Program(PathBuf),
    NotExecutable(PathBuf),
    Nothing,
}

impl Programs for SearchPath {
    fn find(&self, name: &str) -> Result<AbsolutePath, String> {
        match self.search(name) {
            Found::Program(path) => resolved(&path),
            Found::NotExecutable(path) => Err(format!("{} is not executable", path.display())),
            Found::Nothing => Err(format!("`{name}` is not in PATH; install it or name its absolute path")),
        }
    }

    /// The interpreter of a script, and `env` where the script asks that for it. The dynamic loader of each of them
    /// is the business of whoever engages the rules: it is a fact of the file, not of the policy.
    fn companions(&self, program: &AbsolutePath) -> Vec<AbsolutePath> {
        let chain = super::shebang::interpreters(program.as_path());
        chain.iter().filter_map(|file| resolved(file).ok()).collect()
    }
}

/// The file behind a path, symlinks resolved.
fn resolved(path: &Path) -> Result<AbsolutePath, String> {
    let real = path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?;
    AbsolutePath::new(real).ok_or_else(|| format!("{} is not absolute", path.display()))
}

/// Whether the path is a file that this user may execute.
fn is_program(path: &Path) -> bool {
    path.is_file() && access(path, AccessFlags::X_OK).is_ok()
}

/// The command that the user typed, looked up.
#[derive(Clone)]
pub(crate) struct Lookup {
    /// The program as it is started: absolute, symlinks kept, since venvs and busybox look at their own name.
    pub(crate) program: PathBuf,
    /// The command line, `argv[0]` as it was typed.
    pub(crate) argv: Vec<OsString>,
}

impl Lookup {
    /// Looks the command up as a shell would.
    ///
    /// # Errors
    /// 127 when there is no such program, 126 when it is not executable.
    pub(crate) fn new(argv: &[OsString]) -> Result<Self, Failure> {
        let name = argv.first().ok_or_else(|| failure(125, "no command is given after `--`".to_owned()))?;
        let program = match name.to_str() {
            Some(bare) if !bare.contains('/') => in_path(bare)?,
            _ => absolute(Path::new(name))?,
        };
        Ok(Self { program, argv: argv.to_vec() })
    }
}

/// A bare name.
fn in_path(name: &str) -> Result<PathBuf, Failure> {
    let environment = std::env::var("PATH").map(|path| ("PATH".to_owned(), path)).into_iter().collect();
    match SearchPath::from_environment(&environment).search(name) {
        Found::Program(path) => Ok(path),
        Found::NotExecutable(path) => Err(not_executable(&path)),
        Found::Nothing => Err(failure(127, format!("the command `{name}` is not in PATH"))),
    }
}

/// A name with a slash.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    let absolute =
        std::path::absolute(path).map_err(|error| failure(127, format!("{}: {error}", path.display())))?;
    match (absolute.exists(), is_program(&absolute)) {
        (false, _) => Err(failure(127, format!("there is no command {}", absolute.display()))),
        (true, false) => Err(not_executable(&absolute)),
        (true, true) => Ok(absolute),
    }
}

fn not_executable(path: &Path) -> Failure {
    failure(126, format!("{} is not an executable file", path.display()))
}

fn failure(status: u8, message: String) -> Failure {
    Failure { status, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(argv: &[&str]) -> u8 {
        let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
        Lookup::new(&argv).err().unwrap().status
    }

    #[test]
    fn a_command_that_is_not_there_is_127_and_a_plain_file_is_126() {
        assert_eq!(status(&["no-such-program-anywhere"]), 127);
        assert_eq!(status(&["/no/such/program"]), 127);
        assert_eq!(status(&["/etc/passwd"]), 126);
        assert_eq!(status(&[]), 125);
    }

    #[test]
    fn relative_parts_of_path_are_not_searched() {
        let environment = BTreeMap::from([("PATH".to_owned(), ".:bin:/usr/bin".to_owned())]);
        assert_eq!(SearchPath::from_environment(&environment).0, [PathBuf::from("/usr/bin")]);
    }
}

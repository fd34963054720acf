//! What a client told about its host: directories, variables, programs, where paths really are. None of it is believed;
//! it can only make the client's own plan another one.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use control::PathBytes;
use control::message::{Code, Companions, Place, Program, RealPath, Refusal, Variable};
use policy::Programs;
use policy::plan::AbsolutePath;

use super::refusal::refusal;

/// A path as the policy compiler takes it.
///
/// # Errors
/// It holds `..`.
pub(super) fn path(bytes: &PathBytes) -> Result<AbsolutePath, Refusal> {
    AbsolutePath::new(OsStr::from_bytes(bytes.as_bytes())).ok_or_else(|| {
        refusal(Code::Policy, format!("{bytes:?} holds `..`; send the path that it leads to instead"))
    })
}

/// The same for each.
pub(super) fn paths(all: &[PathBytes]) -> Result<Vec<AbsolutePath>, Refusal> {
    all.iter().map(path).collect()
}

/// What the variables of a policy mean.
pub(super) struct Places {
    place: Place,
    environment: BTreeMap<String, String>,
}

impl Places {
    /// Takes what was told.
    ///
    /// # Errors
    /// A variable stands there twice.
    pub(super) fn new(place: Place, variables: Vec<Variable>) -> Result<Self, Refusal> {
        let mut environment = BTreeMap::new();
        for Variable { name, value } in variables {
            if let Some(name) = environment.insert(name.clone(), value).map(|_| name) {
                return Err(refusal(Code::Policy, format!("the variable `{name}` was sent twice")));
            }
        }
        Ok(Self { place, environment })
    }

    /// The directory of the call.
    pub(super) fn workspace(&self) -> Result<AbsolutePath, Refusal> {
        path(&self.place.workspace)
    }

    /// What the compiler sees.
    pub(super) fn context<'a>(&'a self, programs: &'a Told) -> Result<policy::Context<'a>, Refusal> {
        let Place { workspace, home, config_home, cache_home, runtime_dir, server, current_directory } =
            &self.place;
        // Nothing is started here.
        let _ = current_directory;
        Ok(policy::Context {
            workspace: path(workspace)?,
            home: path(home)?,
            config_home: path(config_home)?,
            cache_home: path(cache_home)?,
            runtime_dir: runtime_dir.as_ref().map(path).transpose()?,
            server: paths(server)?,
            environment: &self.environment,
            programs,
        })
    }
}

/// Programs by name, and what the kernel executes in their place.
#[derive(Debug, Default)]
pub(super) struct Told {
    programs: BTreeMap<String, AbsolutePath>,
    companions: BTreeMap<AbsolutePath, Vec<AbsolutePath>>,
}

impl Told {
    /// Takes what was told.
    ///
    /// # Errors
    /// A path holds `..`, or something stands there twice.
    pub(super) fn new(programs: &[Program], companions: &[Companions]) -> Result<Self, Refusal> {
        let mut told = Self::default();
        for Program { name, path } in programs {
            if told.programs.insert(name.clone(), self::path(path)?).is_some() {
                return Err(refusal(Code::Policy, format!("the program `{name}` was sent twice")));
            }
        }
        for Companions { program, are } in companions {
            if told.companions.insert(path(program)?, paths(are)?).is_some() {
                return Err(refusal(
                    Code::Policy,
                    format!("the interpreters of {program:?} were sent twice"),
                ));
            }
        }
        Ok(told)
    }
}

impl Programs for Told {
    fn find(&self, name: &str) -> Result<AbsolutePath, String> {
        let found = self.programs.get(name).cloned();
        found.ok_or_else(|| format!("`{name}` is not in PATH; install it or name its absolute path"))
    }

    fn companions(&self, program: &AbsolutePath) -> Vec<AbsolutePath> {
        self.companions.get(program).cloned().unwrap_or_default()
    }
}

/// Where paths really are. What is not in it is where it says.
#[derive(Debug, Default)]
pub(super) struct Real(BTreeMap<AbsolutePath, AbsolutePath>);

impl Real {
    /// Takes what was told.
    ///
    /// # Errors
    /// A path holds `..`, or stands there twice.
    pub(super) fn new(told: &[RealPath]) -> Result<Self, Refusal> {
        let mut real = BTreeMap::new();
        for RealPath { path, real: place } in told {
            if real.insert(self::path(path)?, self::path(place)?).is_some() {
                return Err(refusal(Code::Policy, format!("where {path:?} really is was sent twice")));
            }
        }
        Ok(Self(real))
    }

    pub(super) fn of(&self, path: &AbsolutePath) -> AbsolutePath {
        self.0.get(path).unwrap_or(path).clone()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&AbsolutePath, &AbsolutePath)> {
        self.0.iter()
    }
}

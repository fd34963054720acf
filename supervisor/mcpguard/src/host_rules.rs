//! The host's rules: `/etc/mcpguard/host.yaml` and `/etc/mcpguard/host.d/*.yaml`, which no policy may exceed.
//!
//! No file: no host rules. A file that cannot be read, that others than root could have written, or that has a mistake
//! refuses every start. The place is fixed when mcpguard is built: whoever could name another one could go around it.

use std::fs::symlink_metadata;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use policy::host::{Caller, Narrowing};
use policy::plan::{AbsolutePath, Origin, RuleId};
use policy::{HostRules, Narrowed, Plan, Policy, Source};

use crate::host::{Host, Lookup, real};
use crate::trust::{self, Keepers};

/// Where the host's rules are.
pub(crate) const DIRECTORY: &str = "/etc/mcpguard";

/// Whose they are.
const KEEPER: Keepers = Keepers::Only(0);

/// The rules of this host, if it has any.
///
/// # Errors
/// They cannot be read, or could have been written by others than root, or have mistakes: nothing may be started.
pub(crate) fn of_this_host() -> anyhow::Result<Option<HostRules>> {
    read(Path::new(DIRECTORY), &KEEPER)
}

/// Whether a rule that was written in this file is one of the host's.
pub(crate) fn holds(source: &str) -> bool {
    Path::new(source).starts_with(DIRECTORY)
}

/// What the rules of this host do to one plan.
pub(crate) struct UnderRules {
    /// The rules.
    pub(crate) rules: HostRules,
    /// What they changed.
    pub(crate) narrowed: Vec<Narrowing>,
    /// Rules of the plan that are never left out.
    pub(crate) firm: std::collections::BTreeSet<RuleId>,
    /// The directory in which the audit log must lie.
    pub(crate) audit_directory: Option<AbsolutePath>,
}

/// Brings a plan within the rules.
///
/// # Errors
/// [`policy::Problems`]: each grant that is more than the host allows.
pub(crate) fn narrow(
    rules: HostRules,
    policy: &Policy,
    plan: Plan,
    host: &Host,
    command: Option<&Lookup>,
) -> anyhow::Result<(Plan, UnderRules)> {
    let caller = caller(host, command.map(|command| programs(command, host)).unwrap_or_default());
    let Narrowed { plan, narrowed, firm, audit_directory } = rules.narrow(policy, plan, &caller)?;
    Ok((plan, UnderRules { rules, narrowed, firm, audit_directory }))
}

/// This user, who starts these programs.
fn caller(host: &Host, command: Vec<AbsolutePath>) -> Caller<'static> {
    Caller {
        home: home(nix::unistd::geteuid()),
        workspace: host.context().workspace,
        command,
        real: &resolved,
        host_real: &resolved,
        workspace_real: &resolved,
    }
}

/// A path with its symlinks resolved, as far as it is there and this process can see it.
pub(crate) fn resolved(path: &AbsolutePath) -> AbsolutePath {
    AbsolutePath::new(real(path.as_path())).unwrap_or_else(|| path.clone())
}

/// The home directory that the host knows of a user; `$HOME` is whatever the user says.
pub(crate) fn home(user: nix::unistd::Uid) -> Option<AbsolutePath> {
    let user = nix::unistd::User::from_uid(user).ok().flatten()?;
    AbsolutePath::new(user.dir)
}

/// The program of a command and its interpreters.
fn programs(command: &Lookup, host: &Host) -> Vec<AbsolutePath> {
    let own = AbsolutePath::new(&command.program);
    own.into_iter()
        .flat_map(|own| host.context().programs.companions(&own).into_iter().chain([own]))
        .collect()
}

/// Reads the rules in a directory that these keepers keep.
///
/// # Errors
/// They cannot be read, or could have been written by others, or have mistakes: nothing may be started.
pub(crate) fn read(directory: &Path, keepers: &Keepers) -> anyhow::Result<Option<HostRules>> {
    if !kept(directory, keepers)? {
        return Ok(None);
    }
    let files = files(directory, keepers)?;
    if files.is_empty() {
        return Ok(None);
    }
    let sources: Vec<Source> =
        files.iter().map(|file| source(file, keepers)).collect::<anyhow::Result<_>>()?;
    Ok(Some(policy::host::load(&sources)?))
}

fn source(file: &Path, keepers: &Keepers) -> anyhow::Result<Source> {
    let what = format!("the host rules in `{}`", file.display());
    let open =
        trust::open(file).with_context(|| format!("cannot read {what}; nothing is started without them"))?;
    Ok(Source::from_bytes(file.display().to_string(), trust::read(&what, open, keepers)?)?)
}

/// The files in the order in which they narrow: `host.yaml`, then those of `host.d` by name.
fn files(directory: &Path, keepers: &Keepers) -> anyhow::Result<Vec<PathBuf>> {
    let main = directory.join("host.yaml");
    let mut files: Vec<PathBuf> = is_there(&main)?.then_some(main).into_iter().collect();
    let more = directory.join("host.d");
    if !kept(&more, keepers)? {
        return Ok(files);
    }
    let unreadable =
        || format!("cannot list the host rules in `{}`; nothing is started without them", more.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&more).with_context(unreadable)? {
        names.push(entry.with_context(unreadable)?.path());
    }
    names.sort();
    for name in names {
        match name.extension().and_then(|ending| ending.to_str()) {
            Some("yaml") => files.push(name),
            Some("yml") => {
                bail!(
                    "`{}` would not be read, because it does not end in `.yaml`; rename or remove it",
                    name.display()
                )
            }
            _ => {}
        }
    }
    Ok(files)
}

/// Whether the directory is there. One that others could put files into is refused.
fn kept(directory: &Path, keepers: &Keepers) -> anyhow::Result<bool> {
    if !is_there(directory)? {
        return Ok(false);
    }
    let what = format!("the directory of host rules `{}`", directory.display());
    let facts = directory.metadata().with_context(|| format!("cannot examine {what}"))?;
    ensure!(facts.is_dir(), "{what} is not a directory");
    keepers.check(&what, &facts)?;
    Ok(true)
}

/// Whether something has this name, be it a link that leads nowhere. What cannot be found out refuses.
fn is_there(path: &Path) -> anyhow::Result<bool> {
    match symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| {
            format!(
                "whether there are host rules cannot be found out at `{}`; nothing is started without them",
                path.display()
            )
        }),
    }
}

impl UnderRules {
    /// Where it stands that nothing may be started with a rule that is not enforced.
    pub(crate) fn forbids_degraded(&self) -> Option<&Origin> {
        self.rules.forbids_degraded()
    }

    /// Whether everything may be started that the kernel starts for the command, now that the server's `PATH` is known.
    ///
    /// # Errors
    /// [`policy::Problems`]: each program that the host does not allow.
    pub(crate) fn admit(&self, host: &Host, programs: Vec<AbsolutePath>) -> anyhow::Result<()> {
        Ok(self.rules.admit_programs(&caller(host, programs))?)
    }
}

#[cfg(test)]
mod tests;

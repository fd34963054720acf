//! Debian packages without installing them: apt with a state of its own, signatures checked as ever.
//!
//! The mirror is the one that this machine is configured for; no host name is written here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};

use super::cache::Cache;
use crate::step;

/// The keys of every suite (package debian-archive-keyring).
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// How old package lists may be before the mirror is asked again.
const FRESH: Duration = Duration::from_secs(20 * 3600);

/// One suite with a private state of apt.
pub(crate) struct Suite {
    name: String,
    state: PathBuf,
}

impl Suite {
    /// Opens a suite; asks the mirror for its lists where ours are old.
    pub(crate) fn open(name: &str, cache: &Cache) -> Result<Self> {
        let suite = Self { name: name.to_owned(), state: cache.directory(format!("apt/{name}"))? };
        if !suite.is_fresh() {
            suite.update()?;
        }
        Ok(suite)
    }

    fn stamp(&self) -> PathBuf {
        self.state.join("updated")
    }

    fn is_fresh(&self) -> bool {
        let modified = fs::metadata(self.stamp()).and_then(|facts| facts.modified());
        modified.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age < FRESH))
    }

    fn update(&self) -> Result<()> {
        fs::create_dir_all(self.state.join("state/lists/partial"))?;
        fs::create_dir_all(self.state.join("cache/archives/partial"))?;
        // An empty list of installed packages: what is resolved is then the same on every machine.
        fs::write(self.state.join("status"), "")?;
        let line = format!("deb [arch=amd64 signed-by={KEYRING}] {} {} main\n", mirror()?, self.name);
        fs::write(self.state.join("sources.list"), line)?;
        step::read(&format!("package lists of {}", self.name), self.apt("apt-get").args(["-q", "update"]))?;
        fs::write(self.stamp(), "")?;
        Ok(())
    }

    /// An apt command that neither reads nor changes this machine's own state.
    fn apt(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let place = |name: &str| self.state.join(name).display().to_string();
        for option in [
            format!("Dir::Etc::sourcelist={}", place("sources.list")),
            "Dir::Etc::sourceparts=/dev/null".to_owned(),
            "Dir::Etc::preferencesparts=/dev/null".to_owned(),
            format!("Dir::State={}", place("state")),
            format!("Dir::State::status={}", place("status")),
            format!("Dir::Cache={}", place("cache")),
            "Acquire::Languages=none".to_owned(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
            "APT::Architecture=amd64".to_owned(),
            "APT::Architectures=amd64".to_owned(),
            "APT::Sandbox::User=root".to_owned(),
            "Debug::NoLocking=true".to_owned(),
        ] {
            command.args(["-o", &option]);
        }
        command.env("LC_ALL", "C").env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    /// The newest package whose name matches a pattern with `*`.
    pub(super) fn newest(&self, pattern: &str) -> Result<Option<String>> {
        let prefix = pattern.split('*').next().unwrap_or_default();
        let names = step::read("names of packages", self.apt("apt-cache").args(["pkgnames", prefix]))?;
        Ok(newest(names.lines().filter(|name| matches(pattern, name))).map(str::to_owned))
    }

    /// Whether there is a package of exactly this name.
    pub(super) fn has(&self, package: &str) -> Result<bool> {
        Ok(self.newest(package)?.is_some())
    }

    /// Unpacks packages into a directory, without what they depend on.
    pub(super) fn unpack(&self, packages: &[String], into: &Path) -> Result<()> {
        let archives = tempfile::tempdir_in(&self.state).context("no place for archives")?;
        let what = format!("{} of {}", packages.join(", "), self.name);
        let mut command = self.apt("apt-get");
        command.args(["-q", "download"]).args(packages).current_dir(archives.path());
        step::read(&format!("download of {what}"), &mut command)?;
        extract_all(archives.path(), into)
    }

    /// Unpacks packages and everything that they depend on.
    pub(crate) fn unpack_closure(&self, packages: &[String], into: &Path) -> Result<()> {
        let archives = tempfile::tempdir_in(&self.state).context("no place for archives")?;
        self.download_closure(packages, archives.path())?;
        extract_all(archives.path(), into)
    }

    /// Fetches the archives of packages and of everything that they depend on into a directory.
    pub(super) fn download_closure(&self, packages: &[String], into: &Path) -> Result<()> {
        fs::create_dir_all(into.join("partial"))?;
        let mut command = self.apt("apt-get");
        command.arg("-o").arg(format!("Dir::Cache::archives={}", into.display()));
        command.args(["-q", "install", "-y", "--no-install-recommends", "--download-only"]).args(packages);
        step::read(&format!("download of {} with all it needs", packages.join(", ")), &mut command)?;
        Ok(())
    }
}

/// Debian's main archive, as this machine reaches it.
fn mirror() -> Result<String> {
    let mut command = Command::new("apt-get");
    command.args(["indextargets", "Created-By: Packages", "--format", "$(REPO_URI)"]);
    let told = step::read("vm-test needs apt of a Debian", &mut command)?;
    let mut archives: Vec<&str> =
        told.lines().filter(|uri| uri.trim_end_matches('/').ends_with("/debian")).collect();
    archives.sort_unstable();
    match archives.first() {
        Some(archive) => Ok((*archive).to_owned()),
        None => bail!(
            "apt of this machine knows no Debian archive; run `apt-get update`, or use --offline with a filled cache"
        ),
    }
}

fn extract_all(archives: &Path, into: &Path) -> Result<()> {
    fs::create_dir_all(into)?;
    for entry in fs::read_dir(archives)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            step::read("unpacking", Command::new("dpkg-deb").arg("-x").arg(&path).arg(into))?;
        }
    }
    Ok(())
}

/// Whether a name matches a pattern with `*`.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, rest)) => name.strip_prefix(before).is_some_and(|tail| {
            (0..=tail.len()).filter(|at| tail.is_char_boundary(*at)).any(|at| matches(rest, &tail[at..]))
        }),
    }
}

/// The newest of names that differ in numbers.
pub(super) fn newest<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names.max_by_key(|name| numbers(name))
}

fn numbers(name: &str) -> Vec<u64> {
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        let pattern = "linux-image-6.1.*-cloud-amd64";
        assert!(matches(pattern, "linux-image-6.1.0-50-cloud-amd64"));
        assert!(!matches(pattern, "linux-image-6.12.107+deb13-cloud-amd64"));
        assert!(!matches(pattern, "linux-image-6.1.0-50-cloud-amd64-dbg"));
        assert!(!matches("linux-binary-7.2.*-cloud-amd64", "linux-binary-unsigned-7.2.1+deb14-cloud-amd64"));
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        let names = ["linux-image-6.12.94+deb13-cloud-amd64", "linux-image-6.12.107+deb13-cloud-amd64"];
        assert_eq!(newest(names.into_iter()), Some(names[1]));
        assert_eq!(newest(std::iter::empty()), None);
    }
}

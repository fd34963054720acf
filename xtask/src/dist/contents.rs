//! What is in the packages: exactly these files, with these modes, owned by root.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::step;

/// A file, and its mode as `ls -l` shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    path: String,
    mode: String,
}

const PROGRAM: &str = "-rwxr-xr-x";
const FILE: &str = "-rw-r--r--";
/// In both packages.
const COMMON: &[(&str, &str)] = &[
    ("/usr/bin/mcpguard", PROGRAM),
    ("/usr/lib/systemd/system/mcpguard.service", FILE),
    ("/usr/lib/systemd/system/mcpguard.socket", FILE),
    ("/usr/lib/sysusers.d/mcpguard.conf", FILE),
    ("/usr/lib/tmpfiles.d/mcpguard.conf", FILE),
    ("/etc/mcpguard/daemon.yaml", FILE),
    ("/usr/share/bash-completion/completions/mcpguard", FILE),
    ("/usr/share/fish/vendor_completions.d/mcpguard.fish", FILE),
    ("/usr/share/doc/mcpguard/CHANGELOG.md", FILE),
    ("/usr/share/mcpguard/alerts.yml", FILE),
    ("/usr/share/mcpguard/mcpguard.json", FILE),
];
const DEBIAN: &[(&str, &str)] = &[
    ("/usr/share/zsh/vendor-completions/_mcpguard", FILE),
    ("/usr/share/doc/mcpguard/copyright", FILE),
    ("/usr/share/doc/mcpguard/LICENSE-APACHE", FILE),
];
const FEDORA: &[(&str, &str)] = &[
    ("/usr/share/zsh/site-functions/_mcpguard", FILE),
    ("/usr/share/licenses/mcpguard/LICENSE-MIT", FILE),
    ("/usr/share/licenses/mcpguard/LICENSE-APACHE", FILE),
];
/// One page for each subcommand: they are not counted here, but these must be among them.
const PAGES: &str = "/usr/share/man/man1/mcpguard";
const SOME_PAGES: &[&str] = &["", "-exec", "-check", "-doctor", "-log-verify"];
/// Names that maintainer scripts must act on; the files are worth nothing without.
const ACTS: &[(&str, &[&str])] = &[
    ("postinst", &["systemd-sysusers", "systemd-tmpfiles", "deb-systemd-helper enable mcpguard.service"]),
    ("prerm", &["deb-systemd-invoke stop"]),
    ("postrm", &["deb-systemd-helper purge", "rm -rf /var/lib/mcpguard"]),
];

/// Fails if the package has another file, lacks one, or if one has another mode.
pub(super) fn check_deb(deb: &Path) -> Result<()> {
    let told = step::read("contents of the .deb", Command::new("dpkg-deb").arg("-c").arg(deb))?;
    compare(told.lines().filter_map(tar_line), DEBIAN, ".1.gz")?;
    for (script, words) in ACTS {
        let mut command = Command::new("dpkg-deb");
        let text = step::read("a maintainer script", command.arg("-I").arg(deb).arg(script))?;
        for word in *words {
            ensure!(text.contains(word), "{script} of the .deb does not say `{word}`:\n{text}");
        }
    }
    Ok(())
}

/// The same for the other package.
pub(super) fn check_rpm(rpm: &Path, reader: &impl Fn() -> Command) -> Result<()> {
    let format = "[%{FILEMODES:perms} %{FILEUSERNAME}/%{FILEGROUPNAME} %{FILENAMES}\n]";
    let mut command = reader();
    command.args(["--query", "--package", "--nosignature", "--queryformat", format]).arg(rpm);
    let told = step::read("contents of the .rpm", &mut command)?;
    compare(told.lines().filter_map(rpm_line), FEDORA, ".1")?;
    let mut command = reader();
    command.args(["--query", "--package", "--nosignature", "--configfiles"]).arg(rpm);
    let configured = step::read("configuration of the .rpm", &mut command)?;
    ensure!(
        configured.trim() == "/etc/mcpguard/daemon.yaml",
        "the .rpm's configuration files are {configured:?}"
    );
    Ok(())
}

/// `-rw-r--r-- 0/0 295 2026-11-27 00:00 ./usr/lib/x`; directories are nothing.
fn tar_line(line: &str) -> Option<Result<Entry>> {
    let mut words = line.split_whitespace();
    let (mode, owner, path) = (words.next()?, words.next()?, words.nth(3)?);
    (!mode.starts_with('d'))
        .then(|| entry(mode, owner == "0/0" || owner == "root/root", path.trim_start_matches('.')))
}

/// `-rw-r--r-- root/root /usr/lib/x`.
fn rpm_line(line: &str) -> Option<Result<Entry>> {
    let mut words = line.split_whitespace();
    let (mode, owner, path) = (words.next()?, words.next()?, words.next()?);
    (!mode.starts_with('d')).then(|| entry(mode, owner == "root/root", path))
}

fn entry(mode: &str, is_of_root: bool, path: &str) -> Result<Entry> {
    ensure!(is_of_root, "{path} of the package is not root's");
    Ok(Entry { path: path.to_owned(), mode: mode.to_owned() })
}

fn compare(found: impl Iterator<Item = Result<Entry>>, own: &[(&str, &str)], page: &str) -> Result<()> {
    let found: BTreeSet<Entry> = found.collect::<Result<_>>()?;
    let (pages, found): (BTreeSet<_>, BTreeSet<_>) =
        found.into_iter().partition(|entry| entry.path.starts_with(PAGES) && entry.path.ends_with(page));
    for command in SOME_PAGES {
        let wanted = Entry { path: format!("{PAGES}{command}{page}"), mode: FILE.to_owned() };
        ensure!(pages.contains(&wanted), "the package lacks {wanted:?}");
    }
    let wanted = COMMON.iter().chain(own);
    let wanted = wanted.map(|(path, mode)| Entry { path: (*path).to_owned(), mode: (*mode).to_owned() });
    let wanted: BTreeSet<Entry> = wanted.collect();
    let (more, less): (Vec<_>, Vec<_>) =
        (found.difference(&wanted).collect(), wanted.difference(&found).collect());
    ensure!(more.is_empty() && less.is_empty(), "the package has {more:?} and lacks {less:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(own: &[(&str, &str)], page: &str) -> Vec<String> {
        let line = |path: &str, mode: &str| format!("{mode} 0/0 12 2026-11-27 00:00 .{path}");
        let mut lines: Vec<String> = COMMON.iter().chain(own).map(|(path, mode)| line(path, mode)).collect();
        lines.extend(SOME_PAGES.iter().map(|command| line(&format!("{PAGES}{command}{page}"), FILE)));
        lines.push("drwxr-xr-x 0/0 0 2026-11-27 00:00 ./usr/".to_owned());
        lines
    }

    fn judged(lines: &[String]) -> Result<()> {
        compare(lines.iter().filter_map(|line| tar_line(line)), DEBIAN, ".1.gz")
    }

    #[test]
    fn exactly_what_is_listed_is_right() {
        judged(&lines(DEBIAN, ".1.gz")).unwrap();
        let whole = lines(DEBIAN, ".1.gz");
        for missing in 0..whole.len() - 1 {
            let less: Vec<String> = whole
                .iter()
                .enumerate()
                .filter(|(at, _)| *at != missing)
                .map(|(_, line)| line.clone())
                .collect();
            assert!(judged(&less).is_err(), "{} was not missed", whole[missing]);
        }
        let more =
            [whole.clone(), vec!["-rw-r--r-- 0/0 1 2026-11-27 00:00 ./etc/cron.d/x".to_owned()]].concat();
        assert!(judged(&more).is_err());
    }

    #[test]
    fn modes_and_owners_count() {
        for (from, to) in [("-rwxr-xr-x", "-rwsr-xr-x"), ("-rw-r--r--", "-rw-rw-r--"), ("0/0", "1000/1000")] {
            let wrong: Vec<String> =
                lines(DEBIAN, ".1.gz").iter().map(|line| line.replacen(from, to, 1)).collect();
            assert!(judged(&wrong).is_err(), "{to}");
        }
    }

    #[test]
    fn rpm_tells_the_same() {
        let told = rpm_line("-rwxr-xr-x root/root /usr/bin/mcpguard").unwrap().unwrap();
        assert_eq!((told.path.as_str(), told.mode.as_str()), ("/usr/bin/mcpguard", PROGRAM));
        assert!(rpm_line("-rwxr-xr-x ada/root /usr/bin/mcpguard").unwrap().is_err());
    }
}

//! A Debian 12 without a root user to make it: every archive is unpacked, and dpkg's own records of it are written as dpkg would.
//!
//! No maintainer script of Debian's packages runs: what they would do is done in `tree.rs`, as far as anything here needs it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::super::apt::Suite;
use super::super::cache::Cache;
use crate::step;

/// The oldest Debian that the packages are for.
const SUITE: &str = "bookworm";
/// Raised when the tree is made in another way.
const FORMAT: &str = "1";
/// Each with the reason why it is there. What they depend on comes with them.
const PACKAGES: &[(&str, &str)] = &[
    ("base-files", "directories, /etc/debian_version"),
    ("base-passwd", "root and the other users that every Debian has"),
    ("bash", "the steps are written for it"),
    ("coreutils", "the tools of the steps and of maintainer scripts"),
    ("dash", "/bin/sh of maintainer scripts"),
    ("debianutils", "tools of maintainer scripts"),
    ("diffutils", "dpkg compares configuration files with it"),
    ("dpkg", "installs the package"),
    ("findutils", "the tools of the steps"),
    ("grep", "the tools of the steps"),
    ("gzip", "the package's man pages"),
    ("hostname", "systemd names the machine"),
    ("init-system-helpers", "deb-systemd-helper, deb-systemd-invoke"),
    ("libc-bin", "ldconfig, getent"),
    ("libpam-modules", "runuser opens a session by them"),
    ("libpam-runtime", "their configuration"),
    ("login", "/etc/login.defs, su"),
    ("mawk", "the tools of the steps"),
    ("mount", "systemd mounts by it"),
    ("nodejs", "the real server"),
    ("passwd", "useradd"),
    ("perl-base", "deb-systemd-helper is written in it"),
    ("procps", "ps, pgrep"),
    ("sed", "the tools of the steps"),
    ("systemd", "what this is about"),
    ("tar", "dpkg unpacks with it"),
    ("util-linux", "runuser, unshare, nsenter"),
    ("util-linux-extra", "the rest of it"),
];
/// Left out: nobody reads them in the machine, and they are a third of its files.
const UNREAD: &[&str] =
    &["./usr/share/doc/*", "./usr/share/man/*", "./usr/share/locale/*", "./usr/share/info/*"];
/// Directories that are links since the merge of /usr; bookworm's packages still name them.
const MERGED: &[&str] = &["bin", "lib", "lib64", "sbin"];

/// The tree, from the cache or made. Its files are root's in the disk, whoever owns them here.
pub(super) fn base(cache: &Cache) -> Result<PathBuf> {
    let place = cache.place(format!("debian/{SUITE}-{}", made_from()));
    if place.is_dir() {
        return Ok(place);
    }
    ensure!(!cache.is_offline(), "the tree of Debian is not in the cache, and --offline forbids to fetch it");
    eprintln!("fetching a {SUITE} with systemd and node …");
    let temporary = cache.temporary()?;
    let (archives, tree) = (temporary.path().join("archives"), temporary.path().join("tree"));
    let packages: Vec<String> = PACKAGES.iter().map(|(name, _)| (*name).to_owned()).collect();
    Suite::open(SUITE, cache)?.download_closure(&packages, &archives)?;
    make(&archives, &tree)?;
    cache.keep(&tree, place.strip_prefix(cache.place(""))?)
}

/// Names the way it is made, as a few letters.
fn made_from() -> String {
    let names: Vec<&str> = PACKAGES.iter().map(|(name, _)| *name).collect();
    // FNV-1a (Fowler, Noll, Vo): any change of the list is another name; nothing depends on more.
    let text = format!("{FORMAT} {}", names.join(" "));
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

fn make(archives: &Path, tree: &Path) -> Result<()> {
    for name in MERGED {
        fs::create_dir_all(tree.join("usr").join(name))?;
        std::os::unix::fs::symlink(format!("usr/{name}"), tree.join(name))?;
    }
    let info = tree.join("var/lib/dpkg/info");
    fs::create_dir_all(&info)?;
    for directory in ["updates", "parts", "alternatives", "triggers"] {
        fs::create_dir_all(tree.join("var/lib/dpkg").join(directory))?;
    }
    // Version 1 has the architecture in names of files (dpkg, lib/dpkg/infodb-format.c).
    fs::write(info.join("format"), "1\n")?;
    let mut status = String::new();
    let mut debs: Vec<PathBuf> =
        fs::read_dir(archives)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    debs.retain(|path| path.extension().is_some_and(|extension| extension == "deb"));
    debs.sort();
    for deb in &debs {
        status += &one(deb, tree, &info)?;
    }
    fs::write(tree.join("var/lib/dpkg/status"), status)?;
    fs::write(tree.join("var/lib/dpkg/available"), "")?;
    Ok(())
}

/// Unpacks an archive, and returns what dpkg's status says of it.
fn one(deb: &Path, tree: &Path, info: &Path) -> Result<String> {
    let control = step::read("control fields", Command::new("dpkg-deb").arg("-f").arg(deb))?;
    let files = unpack(deb, tree)?;
    let name = recorded_as(&control)?;
    fs::write(info.join(format!("{name}.list")), files)?;
    for part in ["conffiles", "md5sums", "triggers"] {
        // Not every package has each of them.
        if let Ok(text) = step::read(part, Command::new("dpkg-deb").arg("-I").arg(deb).arg(part)) {
            fs::write(info.join(format!("{name}.{part}")), text)?;
        }
    }
    Ok(installed(&control))
}

/// Two processes with a pipe: the archive's own tar file, and tar. Tells the files as dpkg records them.
fn unpack(deb: &Path, tree: &Path) -> Result<String> {
    let mut from = Command::new("dpkg-deb").arg("--fsys-tarfile").arg(deb).stdout(Stdio::piped()).spawn()?;
    let mut tar = Command::new("tar");
    tar.args([
        "--extract",
        "--verbose",
        "--preserve-permissions",
        "--no-same-owner",
        "--keep-directory-symlink",
    ]);
    tar.args(UNREAD.iter().map(|pattern| format!("--exclude={pattern}"))).arg("--directory").arg(tree);
    tar.stdin(from.stdout.take().context("dpkg-deb has no output")?);
    let told = tar.output().context("tar cannot be started")?;
    ensure!(
        told.status.success() && from.wait()?.success(),
        "cannot unpack {}: {}",
        deb.display(),
        String::from_utf8_lossy(&told.stderr)
    );
    let names = String::from_utf8_lossy(&told.stdout).into_owned();
    // `./usr/bin/` is `/usr/bin`, and the top is `/.`.
    let name = |line: &str| match line.trim_start_matches('.').trim_end_matches('/') {
        "" => "/.".to_owned(),
        name => name.to_owned(),
    };
    Ok(names.lines().map(|line| name(line) + "\n").collect())
}

/// `NAME`, or `NAME:ARCHITECTURE` where several architectures of it can be installed at once.
fn recorded_as(control: &str) -> Result<String> {
    let fields = fields(control);
    let name = fields.get("Package").context("a package without a name")?;
    let architecture = fields.get("Architecture").context("a package without an architecture")?;
    let several = fields.get("Multi-Arch").is_some_and(|kind| *kind == "same");
    Ok(if several { format!("{name}:{architecture}") } else { (*name).to_owned() })
}

/// A paragraph of dpkg's status file.
fn installed(control: &str) -> String {
    let mut text = String::new();
    for line in control.lines() {
        text += line;
        text += "\n";
        if line.starts_with("Package:") {
            text += "Status: install ok installed\n";
        }
    }
    text + "\n"
}

fn fields(control: &str) -> BTreeMap<&str, &str> {
    let own = control.lines().filter(|line| !line.starts_with(' '));
    own.filter_map(|line| line.split_once(": ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTROL: &str =
        "Package: libc6\nArchitecture: amd64\nMulti-Arch: same\nDescription: C library\n more: of it\n";

    #[test]
    fn a_package_is_recorded_as_installed() {
        assert_eq!(recorded_as(CONTROL).unwrap(), "libc6:amd64");
        assert_eq!(recorded_as(&CONTROL.replace("same", "foreign")).unwrap(), "libc6");
        assert!(recorded_as("Architecture: all\n").is_err());
        let status = installed(CONTROL);
        assert!(status.starts_with("Package: libc6\nStatus: install ok installed\nArchitecture: amd64\n"));
        assert!(status.ends_with(" more: of it\n\n"));
    }

    #[test]
    fn the_way_it_is_made_has_a_name() {
        assert_eq!(made_from().len(), 16);
        assert_eq!(made_from(), made_from());
    }
}

//! The disk of a machine: a Debian, what its maintainer scripts would have done, the package, the server, the steps.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::super::disk;
use super::super::servers::copy;
use super::steps;
use crate::checkout::Checkout;
use crate::step;

/// Room for the tree and for what a machine writes.
const MEBIBYTES: u64 = 1200;
/// Where everything of ours is, in the guest.
const OWN: &str = "opt/steps";
/// What maintainer scripts of Debian's packages would have written.
const FILES: &[(&str, &str)] = &[
    ("etc/hostname", "guest\n"),
    ("etc/hosts", "127.0.0.1 localhost guest\n::1 localhost\n"),
    ("etc/machine-id", "6d637067756172642d67756573740000\n"),
    ("etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files\n"),
    ("etc/fstab", ""),
    ("etc/shadow", "root:*:20000:0:99999:7:::\n"),
    ("etc/gshadow", "root:*::\n"),
    ("etc/pam.d/common-auth", "auth required pam_permit.so\n"),
    ("etc/pam.d/common-account", "account required pam_permit.so\n"),
    ("etc/pam.d/common-password", "password required pam_deny.so\n"),
    ("etc/pam.d/common-session", "session required pam_unix.so\n"),
    ("etc/systemd/journald.conf.d/guest.conf", "[Journal]\nStorage=volatile\nForwardToConsole=no\n"),
    ("etc/systemd/system/steps.service", UNIT),
];
/// The unit that runs the steps. `exec`, so that the machine counts as booted while it runs; it turns the machine off however it ends.
const UNIT: &str = "[Unit]\nDescription=steps\nAfter=multi-user.target\nSuccessAction=poweroff-force\nFailureAction=poweroff-force\n\
    [Service]\nType=exec\nExecStart=/usr/bin/bash /opt/steps/run\nStandardOutput=tty\nStandardError=tty\nTTYPath=/dev/ttyS0\n\
    [Install]\nWantedBy=multi-user.target\n";
/// Links that maintainer scripts would have made. Units are masked that wait for hardware, for a bus, or for the first boot's caches,
/// none of which is here.
const LINKS: &[(&str, &str)] = &[
    ("usr/bin/awk", "mawk"),
    ("etc/systemd/system/default.target", "/lib/systemd/system/multi-user.target"),
    ("etc/systemd/system/multi-user.target.wants/steps.service", "/etc/systemd/system/steps.service"),
    ("etc/systemd/system/getty.target", "/dev/null"),
    ("etc/systemd/system/systemd-logind.service", "/dev/null"),
    ("etc/systemd/system/systemd-hwdb-update.service", "/dev/null"),
    ("etc/systemd/system/systemd-journal-catalog-update.service", "/dev/null"),
    ("etc/systemd/system/ldconfig.service", "/dev/null"),
    ("etc/systemd/system/systemd-pcrphase.service", "/dev/null"),
    ("etc/systemd/system/systemd-pcrphase-sysinit.service", "/dev/null"),
    ("etc/systemd/system/proc-sys-fs-binfmt_misc.automount", "/dev/null"),
    ("etc/systemd/system/dev-hugepages.mount", "/dev/null"),
];
/// Users and groups that every Debian has (base-passwd's maintainer script).
const USERS: &[(&str, &str)] = &[
    ("usr/share/base-passwd/passwd.master", "etc/passwd"),
    ("usr/share/base-passwd/group.master", "etc/group"),
];
/// The server that attacks, and its helper for what node cannot do.
const PUPPET: &str = "tests/puppet/puppet.mjs";
const HELPER: &str = "tests/puppet/attack.c";

/// Makes the disk in a directory.
pub(super) fn disk(checkout: &Checkout, debian: &Path, package: &Path, place: &Path) -> Result<PathBuf> {
    eprintln!("building the disk …");
    let tree = place.join("tree");
    copy(debian, &tree)?;
    fill(checkout, package, &tree)?;
    let image = place.join("systemd.ext4");
    disk::make_for_root(&image, MEBIBYTES, &tree)?;
    fs::remove_dir_all(&tree).context("cannot remove the tree")?;
    Ok(image)
}

fn fill(checkout: &Checkout, package: &Path, tree: &Path) -> Result<()> {
    for (from, to) in USERS {
        fs::copy(tree.join(from), tree.join(to)).with_context(|| format!("cannot make {to}"))?;
    }
    for (path, text) in FILES {
        let path = parented(&tree.join(path))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    fs::set_permissions(tree.join("etc/shadow"), fs::Permissions::from_mode(0o640))?;
    for (path, target) in LINKS {
        let path = parented(&tree.join(path))?;
        symlink(target, &path).with_context(|| format!("cannot link {}", path.display()))?;
    }
    if !tree.join("usr/bin/sh").exists() {
        symlink("dash", tree.join("usr/bin/sh"))?;
    }
    own(checkout, package, &tree.join(OWN))
}

/// What is ours: the package, the steps, the server, the attacks.
fn own(checkout: &Checkout, package: &Path, place: &Path) -> Result<()> {
    copy(&steps::directory(checkout), place)?;
    fs::copy(package, place.join("mcpguard.deb")).context("cannot copy the package")?;
    copy(&checkout.servers().join("npm"), &place.join("npm"))?;
    let source = |path: &str| checkout.root().join(path);
    fs::copy(source(PUPPET), place.join("puppet.mjs")).context("cannot copy the puppet")?;
    let mut cc = Command::new("cc");
    cc.args(["-std=gnu11", "-O1", "-static", "-o"]).arg(place.join("attack")).arg(source(HELPER));
    step::read("the attack helper needs a C compiler, as Rust does", &mut cc)?;
    Ok(())
}

fn parented(path: &Path) -> Result<PathBuf> {
    fs::create_dir_all(path.parent().context("a file has a directory")?)?;
    Ok(path.to_path_buf())
}

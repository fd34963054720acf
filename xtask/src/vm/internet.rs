//! What the disk has of the test internet: Debian's programs as `setup` unpacked them, our own scripts, and the host's tools
//! by which namespaces are made. They stand where a checkout has them, beneath one directory.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::kernels::files_beneath;
use super::servers::copy;
use crate::checkout::Checkout;
use crate::step;

/// The checkout in the guest.
const CHECKOUT: &str = "opt/checkout";
/// Our own scripts.
const SCRIPTS: [&str; 2] = ["tests/internet", "tests/puppet"];
/// Programs of the host (util-linux, dash, coreutils), by which the test internet is raised and entered.
const TOOLS: [&str; 7] = ["unshare", "nsenter", "setpriv", "prlimit", "mount", "sh", "env"];
/// Manuals, translations and the like; no program of the test internet reads them.
const UNUSED: &str = "debian/usr/share";
/// Files and directories that the test internet puts its own over.
const FILES: [(&str, &str); 2] = [("etc/resolv.conf", ""), ("etc/ssl/certs/none", "")];

/// What it is made from: the packages, the names of the tools, and every line of the scripts.
pub(super) fn made_from(checkout: &Checkout) -> Result<String> {
    let stamp = checkout.root().join("target/internet/stamp");
    let mut text = fs::read_to_string(&stamp)
        .with_context(|| format!("{} is missing; run `cargo xtask setup`", stamp.display()))?;
    text += &TOOLS.join(" ");
    for place in SCRIPTS {
        let mut files = files_beneath(&checkout.root().join(place))?;
        files.retain(|path| !path.to_string_lossy().contains("__pycache__"));
        files.sort();
        for path in files {
            text += &fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        }
    }
    Ok(text)
}

/// Copies the host's tools, and tells where they come from.
pub(super) fn tools(tree: &Path) -> Result<Vec<PathBuf>> {
    TOOLS
        .iter()
        .map(|name| {
            let path = found(name)?;
            fs::copy(&path, tree.join("usr/bin").join(name))
                .with_context(|| format!("cannot copy {name}"))?;
            Ok(path)
        })
        .collect()
}

fn found(name: &str) -> Result<PathBuf> {
    let places = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(|place| Path::new(place).join(name));
    match places.into_iter().find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => bail!(
            "there is no `{name}`, by which the test internet is raised; on Debian it is in util-linux, dash or coreutils"
        ),
    }
}

/// Fills the part of a checkout that the table of tricks reads; `python` is the guest's.
pub(super) fn fill(tree: &Path, checkout: &Checkout, servers: &Path, python: &Path) -> Result<()> {
    let place = tree.join(CHECKOUT);
    for script in SCRIPTS {
        copy(&checkout.root().join(script), &place.join(script))?;
    }
    copy(&checkout.root().join("target/internet"), &place.join("target/internet"))?;
    fs::remove_dir_all(place.join("target/internet").join(UNUSED))
        .context("cannot thin out the test internet")?;
    symlink(Path::new("/").join(servers.strip_prefix(tree)?), place.join("target/servers"))?;
    for (path, text) in FILES {
        let path = tree.join(path);
        fs::create_dir_all(path.parent().context("a file has a directory")?)?;
        fs::write(path, text)?;
    }
    // Every trick is a process of its own, which would compile them anew; nobody may write there in the guest.
    let compile = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"];
    let scripts = place.join(SCRIPTS[0]).join("attacks");
    step::read("compiled scripts", Command::new(python).args(compile).arg(scripts)).map(drop)
}

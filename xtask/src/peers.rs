//! The programs that peers of the bench need, of a Debian, unpacked into `target/peers` and nowhere else.
//!
//! They are started by scripts in `target/peers/bin`, with the loader and the libraries that they were packed with.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::checkout::Checkout;
use crate::vm::apt::Suite;
use crate::vm::cache::Cache;

const SUITE: &str = "bookworm";
/// Package and program.
const PROGRAMS: &[(&str, &str)] = &[("bubblewrap", "bwrap"), ("socat", "socat"), ("ripgrep", "rg")];

/// Where the scripts are.
pub(crate) fn directory(checkout: &Checkout) -> PathBuf {
    place(checkout).join("bin")
}

fn place(checkout: &Checkout) -> PathBuf {
    checkout.root().join("target/peers")
}

/// Unpacks what is missing; quick when it is there.
pub(crate) fn setup(checkout: &Checkout) -> Result<()> {
    let place = place(checkout);
    let stamp = place.join("stamp");
    // A moved checkout needs other scripts.
    let made_from = format!("1 {SUITE} {}", place.display());
    if fs::read_to_string(&stamp).is_ok_and(|found| found == made_from) {
        return Ok(());
    }
    let cache = Cache::open(checkout, false)?;
    let _filling = cache.lock()?;
    eprintln!("setup: Debian's programs for the peers of the bench …");
    if place.exists() {
        fs::remove_dir_all(&place).context("cannot remove the old peers")?;
    }
    fs::create_dir_all(place.join("bin"))?;
    let packages: Vec<String> = PROGRAMS.iter().map(|(package, _)| (*package).to_owned()).collect();
    Suite::open(SUITE, &cache)?.unpack_closure(&packages, &place.join("debian"))?;
    PROGRAMS.iter().try_for_each(|(_, program)| script(&place, program))?;
    fs::write(stamp, made_from).context("cannot write the stamp of the peers")
}

fn script(place: &Path, program: &str) -> Result<()> {
    let root = place.join("debian");
    let within = |path: &str| root.join(path).display().to_string();
    let (loader, own) = (within("lib64/ld-linux-x86-64.so.2"), within(&format!("usr/bin/{program}")));
    let libraries = [within("lib/x86_64-linux-gnu"), within("usr/lib/x86_64-linux-gnu")].join(":");
    let path = place.join("bin").join(program);
    fs::write(&path, format!("#!/bin/sh\nexec '{loader}' --library-path '{libraries}' '{own}' \"$@\"\n"))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot make {} executable", path.display()))
}

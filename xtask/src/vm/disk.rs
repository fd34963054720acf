//! Disks: ext4 images, made without root and without mounting anything.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use nix::unistd::geteuid;

use super::cache::Cache;
use crate::step;

/// Makes an image of so many mebibytes, with the tree if there is one.
pub(super) fn make(image: &Path, mebibytes: u64, tree: Option<&Path>) -> Result<()> {
    made_by(Command::new("mke2fs"), image, mebibytes, tree)
}

/// The same, and everything in it is root's: an ordinary user is root in a namespace of their own, where their files are root's.
pub(super) fn make_for_root(image: &Path, mebibytes: u64, tree: &Path) -> Result<()> {
    if geteuid().is_root() {
        return make(image, mebibytes, Some(tree));
    }
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "mke2fs"]);
    made_by(command, image, mebibytes, Some(tree)).context("an image for root needs root or user namespaces")
}

fn made_by(mut command: Command, image: &Path, mebibytes: u64, tree: Option<&Path>) -> Result<()> {
    File::create(image)?.set_len(mebibytes << 20).context("cannot make the image")?;
    // Often only in the PATH of root.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    // Neither a journal nor checksums: the image is thrown away after each machine.
    command.args(["-q", "-F", "-t", "ext4", "-O", "^has_journal,^metadata_csum", "-m", "0", "-i", "8192"]);
    if let Some(tree) = tree {
        command.arg("-d").arg(tree);
    }
    step::read("an ext4 image (package e2fsprogs)", command.arg(image))?;
    Ok(())
}

/// An empty disk, made once. Every machine writes into a copy of its own.
pub(super) fn scratch(cache: &Cache) -> Result<PathBuf> {
    let place = cache.place("scratch.ext4");
    if !place.is_file() {
        let temporary = cache.temporary()?;
        let fresh = temporary.path().join("scratch.ext4");
        make(&fresh, 256, None)?;
        fs::rename(&fresh, &place)?;
    }
    Ok(place)
}

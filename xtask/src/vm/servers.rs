//! Disks: ext4 images, made without root and without mounting anything.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::cache::Cache;
use crate::checkout::Checkout;
use crate::step;

/// Makes an image of so many mebibytes, with the tree if there is one.
pub(super) fn make_disk(image: &Path, mebibytes: u64, tree: Option<&Path>) -> Result<()> {
    File::create(image)?.set_len(mebibytes << 20).context("cannot make the image")?;
    // Often only in the PATH of root.
    let mut command = Command::new("mke2fs");
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

/// The disk with the real servers.
pub(super) fn root(_checkout: &Checkout, _cache: &Cache) -> Result<PathBuf> {
    bail!("not built yet")
}

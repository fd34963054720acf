//! The disk with the real servers: node and Python of this host with what they load, and what `setup` has installed.
//!
//! ```text
//! /usr/bin/node, /usr/bin/python3, its library ─┐  ldd finds what they load
//! target/servers/npm, target/servers/venv ──────┼─ cp ─► a tree ─ mke2fs -d ─► rootfs/servers.ext4
//! the guest's own small files ──────────────────┤
//! the test internet (internet.rs) ──────────────┘
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::cache::Cache;
use super::{disk, guest, internet, kernels};
use crate::checkout::Checkout;
use crate::{setup, step};

/// Raised when a tree is made in another way.
const FORMAT: &str = "3";
/// Room for the tree and for what a machine writes.
const MEBIBYTES: u64 = 1800;
/// Where the servers stand in the guest.
const SERVERS: &str = "opt/servers";
/// Directories that are links since the merge of /usr.
const MERGED: &[&str] = &["bin", "lib", "lib64", "sbin"];
/// Loaded by name at run time, or by programs of the test internet, so that `ldd` does not know of them.
const BY_NAME: &[&str] = &[
    "libanl.so.1",
    "libdl.so.2",
    "libm.so.6",
    "libnss_files.so.2",
    "libnss_dns.so.2",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libutil.so.1",
];
/// Parts of Python's library that no server imports.
const UNUSED: &[&str] = &["test", "idlelib", "tkinter", "turtledemo", "lib2to3", "ensurepip"];

/// The disk, made anew where anything that it is made from has changed.
pub(super) fn root(checkout: &Checkout, cache: &Cache) -> Result<PathBuf> {
    if !cache.is_offline() {
        setup::run(checkout, setup::Scope::Tests)?;
    }
    let _filling = cache.lock()?;
    let python = Python::of_this_host()?;
    let node = step::read("path of node", Command::new("node").args(["-p", "process.execPath"]))?;
    let place = cache.directory("rootfs")?;
    let (image, stamp) = (place.join("servers.ext4"), place.join("servers.stamp"));
    let made_from = made_from(checkout, &node, &python)?;
    if image.is_file() && fs::read_to_string(&stamp).is_ok_and(|found| found == made_from) {
        return Ok(image);
    }
    eprintln!("building the disk with the real servers …");
    let temporary = cache.temporary()?;
    let tree = temporary.path().join("tree");
    fill(&tree, checkout, Path::new(node.trim()), &python)?;
    let fresh = temporary.path().join("servers.ext4");
    disk::make(&fresh, MEBIBYTES, Some(&tree))?;
    fs::rename(fresh, &image)?;
    fs::write(stamp, made_from)?;
    Ok(image)
}

/// The interpreter that `setup` makes its environments with.
struct Python {
    program: PathBuf,
    library: PathBuf,
}

impl Python {
    fn of_this_host() -> Result<Self> {
        let python = setup::python()?;
        let ask = "import os, sys, sysconfig; print(os.path.realpath(sys.executable)); print(sysconfig.get_path('stdlib'))";
        let told = step::read("paths of python", Command::new(python).args(["-c", ask]))?;
        let mut lines = told.lines().map(PathBuf::from);
        let (program, library) = lines.next().zip(lines.next()).context("python names no paths")?;
        Ok(Self { program, library })
    }
}

fn made_from(checkout: &Checkout, node: &str, python: &Python) -> Result<String> {
    let stamp = |tree: &str| {
        let path = checkout.servers().join(tree).join(".stamp");
        fs::read_to_string(&path)
            .with_context(|| format!("{} is missing; run `cargo xtask setup`", path.display()))
    };
    let node = step::read("version of node", Command::new(node.trim()).arg("--version"))?;
    let version = step::read("version of python", Command::new(&python.program).arg("--version"))?;
    let internet = internet::made_from(checkout)?;
    Ok([FORMAT, &node, &version, &stamp("npm")?, &stamp("venv")?, &internet].join("\n"))
}

fn fill(tree: &Path, checkout: &Checkout, node: &Path, python: &Python) -> Result<()> {
    skeleton(tree)?;
    let mut programs = BTreeSet::from([node.to_path_buf(), python.program.clone()]);
    copy(&python.library, &beneath(tree, &python.library))?;
    UNUSED.iter().map(|part| beneath(tree, &python.library).join(part)).try_for_each(remove)?;
    for server in ["npm", "venv"] {
        copy(&checkout.servers().join(server), &tree.join(SERVERS).join(server))?;
    }
    fs::copy(node, tree.join("usr/bin/node")).context("cannot copy node")?;
    fs::copy(&python.program, beneath(tree, &python.program)).context("cannot copy python")?;
    let name = python.program.file_name().context("python has no name")?;
    if name != "python3" {
        symlink(name, tree.join("usr/bin/python3"))?;
    }
    programs.extend(kernels::files_beneath(tree)?.into_iter().filter(|path| is_library(path)));
    programs.extend(internet::tools(tree)?);
    libraries(tree, &programs)?;
    // Its own libraries are not asked what they load: they were packed together.
    internet::fill(tree, checkout, &tree.join(SERVERS), &python.program)
}

/// The directories and small files of every guest, and the links of a merged /usr.
fn skeleton(tree: &Path) -> Result<()> {
    fs::create_dir_all(tree)?;
    for name in MERGED {
        fs::create_dir_all(tree.join("usr").join(name))?;
        symlink(format!("usr/{name}"), tree.join(name))?;
    }
    guest::DIRECTORIES.iter().try_for_each(|path| fs::create_dir_all(tree.join(path)))?;
    fs::create_dir_all(tree.join(SERVERS))?;
    guest::FILES
        .iter()
        .try_for_each(|(path, text)| fs::write(tree.join(path), text))
        .context("cannot fill the tree")
}

/// What the dynamic loader would load for any of the files.
fn libraries(tree: &Path, files: &BTreeSet<PathBuf>) -> Result<()> {
    let mut wanted = BTreeSet::new();
    for file in files {
        let told =
            Command::new("ldd").arg(file).output().context("ldd (package libc-bin) cannot be started")?;
        // `libm.so.6 => /lib/…/libm.so.6 (0x…)`, or the loader alone. A file that is no program names nothing.
        let text = String::from_utf8_lossy(&told.stdout).into_owned();
        let paths = text.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from);
        wanted.extend(paths.filter(|path| !path.starts_with(tree)));
    }
    let first = wanted.iter().find(|path| path.ends_with("libc.so.6")).cloned();
    let beside = first.as_deref().and_then(Path::parent).context("no program loads a C library")?;
    wanted.extend(BY_NAME.iter().map(|name| beside.join(name)).filter(|path| path.exists()));
    for library in wanted {
        let target = beneath(tree, &library);
        fs::create_dir_all(target.parent().context("a library has a directory")?)?;
        fs::copy(&library, &target).with_context(|| format!("cannot copy {}", library.display()))?;
    }
    Ok(())
}

fn is_library(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.ends_with(".so") || name.contains(".so.") || name.ends_with(".node")
}

pub(super) fn beneath(tree: &Path, path: &Path) -> PathBuf {
    tree.join(path.strip_prefix("/").unwrap_or(path))
}

/// Copies a tree with its links as they are.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to.parent().context("the target has a directory")?)?;
    step::read("copy", Command::new("cp").args(["-a", "--no-preserve=ownership", "-T"]).arg(from).arg(to))?;
    Ok(())
}

fn remove(path: PathBuf) -> Result<()> {
    if path.is_dir() { fs::remove_dir_all(&path).context("cannot thin out a tree") } else { Ok(()) }
}

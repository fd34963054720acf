//! `cargo xtask dist`: what is given out, in `target/dist/`.
//!
//! ```text
//! cargo build --release, musl ─► mcpguard ─► man/*.1, completions/*       (by the binary itself)
//! dist ──────────┴────► cargo-deb, cargo-generate-rpm ─► *.deb, *.rpm ─► contents.rs
//! ```
//!
//! The binary is linked statically, with musl: it starts sooner than with a loader, and runs on hosts with any C library or none. Not
//! with glibc: its static form loads the host's name service modules at run time, which are made for another version of it.

#[cfg(test)]
mod cluster;
mod contents;
mod tools;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::checkout::Checkout;
use crate::{step, test};

/// What the binary is built for.
pub(crate) const TARGET: &str = "x86_64-unknown-linux-musl";
/// Shells, and where the file of each lies beneath `target/dist`.
const COMPLETIONS: &[(&str, &str)] = &[("bash", "mcpguard"), ("zsh", "_mcpguard"), ("fish", "mcpguard.fish")];

/// Options of `cargo xtask dist`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only the binary, its man pages and completions: no packages, and no tools that make them
    #[arg(long)]
    binary_only: bool,
}

/// The standard library for [`TARGET`], where the tool chain lacks it.
pub(crate) fn standard_library() -> Result<()> {
    tools::target(TARGET)
}

/// Builds everything and says where it is.
pub(crate) fn run(checkout: &Checkout, options: &Options) -> Result<()> {
    println!("{}", build(checkout)?.display());
    texts(checkout)?;
    if options.binary_only {
        return Ok(());
    }
    let (deb, rpm) = (deb(checkout)?, rpm(checkout)?);
    contents::check_deb(&deb)?;
    contents::check_rpm(&rpm, &tools::rpm(checkout)?)?;
    println!("{}\n{}", deb.display(), rpm.display());
    Ok(())
}

/// Builds the binary and copies it to its place.
pub(crate) fn build(checkout: &Checkout) -> Result<PathBuf> {
    standard_library()?;
    eprintln!("building the static binary …");
    let built = test::build(checkout, &["--release", "--target", TARGET])?;
    let place = place(checkout)?;
    let binary = place.join("mcpguard");
    // Renamed into place: a binary that runs cannot be written to.
    let fresh = place.join("mcpguard.new");
    fs::copy(&built, &fresh).with_context(|| format!("cannot copy {}", built.display()))?;
    fs::rename(&fresh, &binary).with_context(|| format!("cannot write {}", binary.display()))?;
    Ok(binary)
}

/// Builds the Debian package with all that is in it.
pub(crate) fn debian_package(checkout: &Checkout) -> Result<PathBuf> {
    build(checkout)?;
    texts(checkout)?;
    let deb = deb(checkout)?;
    contents::check_deb(&deb)?;
    Ok(deb)
}

/// The Debian package that is there.
pub(crate) fn built(checkout: &Checkout) -> Result<PathBuf> {
    packages(&place(checkout)?, "deb")?
        .pop()
        .context("there is no package in target/dist; run `cargo xtask dist`")
}

/// The triple of this machine.
pub(crate) fn host() -> Result<String> {
    let told = step::read("version of rustc", Command::new("rustc").arg("-vV"))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc does not name its host")
}

fn place(checkout: &Checkout) -> Result<PathBuf> {
    let place = checkout.root().join("target/dist");
    fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    Ok(place)
}

/// Man pages and completions, anew: a page of a subcommand that is gone must not stay.
fn texts(checkout: &Checkout) -> Result<()> {
    let place = place(checkout)?;
    let (binary, man, completions) = (place.join("mcpguard"), place.join("man"), place.join("completions"));
    for directory in [&man, &completions] {
        if directory.is_dir() {
            fs::remove_dir_all(directory).context("cannot remove old texts")?;
        }
        fs::create_dir(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    }
    step::read("man pages", Command::new(&binary).args(["man", "--dir"]).arg(&man))?;
    for (shell, file) in COMPLETIONS {
        let text = step::read("completions", Command::new(&binary).args(["completions", shell]))?;
        fs::write(completions.join(file), text).context("cannot write completions")?;
    }
    Ok(())
}

fn deb(checkout: &Checkout) -> Result<PathBuf> {
    let mut command = Command::new(tools::cargo_deb(checkout)?);
    command.args(["deb", "--quiet", "--no-build", "--no-strip", "--package", "mcpguard"]);
    package(checkout, "deb", command)
}

fn rpm(checkout: &Checkout) -> Result<PathBuf> {
    let mut command = Command::new(tools::cargo_generate_rpm(checkout)?);
    command.args(["generate-rpm", "--package", "supervisor/mcpguard"]);
    package(checkout, "rpm", command)
}

/// Runs one of the packagers and tells which package it made.
fn package(checkout: &Checkout, extension: &str, mut command: Command) -> Result<PathBuf> {
    let place = place(checkout)?;
    packages(&place, extension)?
        .iter()
        .try_for_each(fs::remove_file)
        .context("cannot remove an old package")?;
    command.args(["--target", TARGET, "--output"]).arg(&place).current_dir(checkout.root());
    step::shown(&format!("the .{extension}"), &mut command)?;
    let mut made = packages(&place, extension)?;
    ensure!(made.len() == 1, "{} .{extension} files in {}; one was due", made.len(), place.display());
    made.pop().context("no package")
}

fn packages(place: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(place)?.map(|entry| Ok(entry?.path()));
    let fits = |path: &PathBuf| path.extension().is_some_and(|found| found == extension);
    entries.filter(|path: &Result<PathBuf>| path.as_ref().is_ok_and(fits) || path.is_err()).collect()
}

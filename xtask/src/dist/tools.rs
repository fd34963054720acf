//! What makes packages: installed into `target/tools` when packages are asked for, and never before.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::checkout::Checkout;
use crate::step;
use crate::vm::apt::Suite;
use crate::vm::cache::Cache;

/// A cargo subcommand with its one version.
struct Tool {
    name: &'static str,
    version: &'static str,
    /// Without what needs a C library at build time.
    options: &'static [&'static str],
}

const DEB: Tool = Tool { name: "cargo-deb", version: "3.8.0", options: &["--no-default-features"] };
const RPM: Tool = Tool { name: "cargo-generate-rpm", version: "0.21.1", options: &[] };
/// Where the reader of RPM packages comes from, if this host has none.
const SUITE: &str = "bookworm";

/// The path of cargo-deb.
pub(super) fn cargo_deb(checkout: &Checkout) -> Result<PathBuf> {
    installed(checkout, &DEB)
}

/// The path of cargo-generate-rpm.
pub(super) fn cargo_generate_rpm(checkout: &Checkout) -> Result<PathBuf> {
    installed(checkout, &RPM)
}

fn installed(checkout: &Checkout, tool: &Tool) -> Result<PathBuf> {
    let tools = checkout.root().join("target/tools");
    let program = tools.join("bin").join(tool.name);
    // What cargo wrote down about it: not every tool tells its version.
    let known = std::fs::read_to_string(tools.join(".crates.toml")).unwrap_or_default();
    if program.is_file() && known.contains(&format!("\"{} {} (", tool.name, tool.version)) {
        return Ok(program);
    }
    let mut command = checkout.cargo();
    command.args(["install", tool.name, "--version", tool.version, "--locked", "--root"]).arg(&tools);
    command.args(tool.options).env("CARGO_TARGET_DIR", tools.join("target"));
    step::shown(&format!("{} {}, two minutes", tool.name, tool.version), &mut command)?;
    ensure!(program.is_file(), "{} was installed, but not as {}", tool.name, program.display());
    Ok(program)
}

/// The standard library for a target, where the tool chain lacks it.
pub(super) fn target(triple: &str) -> Result<()> {
    let sysroot = step::read("tool chain", Command::new("rustc").args(["--print", "sysroot"]))?;
    if Path::new(sysroot.trim()).join("lib/rustlib").join(triple).is_dir() {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    step::shown("standard library for musl", rustup.args(["target", "add", triple]))
}

/// A command that runs `rpm`: the host's own, else Debian's, unpacked and run by its own loader.
pub(super) fn rpm(checkout: &Checkout) -> Result<impl Fn() -> Command + use<>> {
    let own = Command::new("rpm").arg("--version").output().is_ok_and(|told| told.status.success());
    let root = checkout.root().join("target/tools/rpm");
    if !own && !root.is_dir() {
        let cache = Cache::open(checkout, false)?;
        let _filling = cache.lock()?;
        eprintln!("fetching Debian's rpm, which reads the package …");
        let temporary =
            tempfile::tempdir_in(checkout.root().join("target/tools")).context("no place for rpm")?;
        let fresh = temporary.path().join("rpm");
        Suite::open(SUITE, &cache)?.unpack_closure(&["rpm".to_owned()], &fresh)?;
        std::fs::rename(&fresh, &root).context("cannot move rpm into its place")?;
    }
    Ok(move || if own { Command::new("rpm") } else { unpacked(&root) })
}

fn unpacked(root: &Path) -> Command {
    let within = |path: &str| root.join(path).display().to_string();
    let mut command = Command::new(root.join("lib64/ld-linux-x86-64.so.2"));
    let libraries = [within("lib/x86_64-linux-gnu"), within("usr/lib/x86_64-linux-gnu")].join(":");
    command.args(["--library-path", &libraries, &within("usr/bin/rpm")]);
    command.env("RPM_CONFIGDIR", within("usr/lib/rpm"));
    command
}

//! The binaries under test. Never a stale one: each is brought up to date before its first use.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;

use crate::servers::checkout;

/// The `mcpguard` under test: `MCPGUARD_BIN` (set by `cargo xtask test`, which has just built it), else built now.
pub fn mcpguard() -> Result<PathBuf> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    once(&FOUND, || match env::var_os("MCPGUARD_BIN") {
        Some(path) => {
            let path = PathBuf::from(path);
            ensure!(
                path.is_absolute() && path.is_file(),
                "MCPGUARD_BIN={} is no absolute path of a file",
                path.display()
            );
            Ok(path)
        }
        None => build(),
    })
}

/// The attack helper of the Node puppet, built from `tests/puppet/attack.c`.
pub fn attack_helper() -> Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    once(&BUILT, compile)
}

fn once(cell: &OnceLock<Result<PathBuf, String>>, make: impl FnOnce() -> Result<PathBuf>) -> Result<PathBuf> {
    cell.get_or_init(|| make().map_err(|error| format!("{error:#}"))).clone().map_err(|text| anyhow!(text))
}

fn build() -> Result<PathBuf> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--quiet", "--package", "mcpguard", "--message-format", "json"])
        .current_dir(checkout());
    let output = cargo.output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("mcpguard does not build:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout)?
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "mcpguard")
        .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
        .context("cargo named no executable for mcpguard")
}

fn compile() -> Result<PathBuf> {
    let source = checkout().join("tests/puppet/attack.c");
    let directory = checkout().join("target/servers/attack");
    std::fs::create_dir_all(&directory)?;
    // Renamed into place: tests of other processes may be running the one that is there.
    let fresh = directory.join(format!("attack.{}", std::process::id()));
    // Static, so that the policy needs to grant the helper and nothing else.
    let flags = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-static", "-o"];
    let output = Command::new("cc").args(flags).arg(&fresh).arg(source).output();
    let output = output.context("the attack helper needs a C compiler `cc`, as Rust does for linking")?;
    ensure!(output.status.success(), "attack.c does not build:\n{}", String::from_utf8_lossy(&output.stderr));
    let helper = directory.join("attack");
    std::fs::rename(&fresh, &helper)?;
    Ok(helper)
}

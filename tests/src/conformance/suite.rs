//! Runs the official conformance suite, and reads what it has seen.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::client::Client;
use crate::patience::patience;
use crate::scene::Scene;
use crate::servers::{checkout, conformance_suite, node};
use crate::start::path;

/// A run starts up to 40 servers, each of which takes seconds of a busy processor.
const PATIENCE: Duration = Duration::from_secs(600);

/// Characters of `-2026-11-27T22-14-01-950Z`.
const TIME: usize = 25;

/// The id and the status of every check, by scenario, in order.
pub type Checks = BTreeMap<String, Vec<(String, String)>>;

/// What the suite says, asked with these arguments.
pub fn run_suite(scene: &Scene, arguments: &[&str]) -> Result<Checks> {
    let results = scene.root().join("results");
    let mut command = Command::new(node()?);
    command.arg("--import").arg(checkout().join("tests/clients/glob.mjs")).arg(conformance_suite()?);
    command.args(arguments).arg("--output-dir").arg(&results).current_dir(scene.root());
    command.env_clear().env("HOME", scene.home()).env("XDG_STATE_HOME", scene.root().join("state"));
    command.env("PATH", path());
    // It ends with 1 where a check fails: those of HTTP itself do.
    let status = Client::spawn(command)?.wait(patience(PATIENCE))?;
    ensure!(status.code().is_some(), "the suite ended with {status}");
    checks(&results)
}

/// `results/[server-]SCENARIO-TIME/checks.json`.
fn checks(results: &Path) -> Result<Checks> {
    let mut all = Checks::new();
    for entry in std::fs::read_dir(results).context("no results")? {
        let directory = entry?.path();
        let name = directory.file_name().context("a name")?.to_string_lossy().into_owned();
        let scenario = name.strip_prefix("server-").unwrap_or(&name);
        let scenario = scenario.get(..scenario.len().saturating_sub(TIME)).context("a time")?;
        let list: Vec<Value> = serde_json::from_slice(&std::fs::read(directory.join("checks.json"))?)?;
        all.insert(scenario.to_owned(), list.iter().filter_map(check).collect());
    }
    Ok(all)
}

/// A check that can fail; others only tell what was sent when.
fn check(check: &Value) -> Option<(String, String)> {
    let text = |key: &str| check[key].as_str().unwrap_or("").to_owned();
    (check["status"] != "INFO").then(|| (text("id"), text("status")))
}

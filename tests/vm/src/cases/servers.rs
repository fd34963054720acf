//! Real servers of npm and PyPI on a real kernel: their presets hold and let them work. Only on the machine with their disk.

use std::os::unix::fs::symlink;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::case::{Case, On};
use crate::client::Client;
use crate::ground::Ground;
use crate::job::Machine;

pub(super) const CASES: &[Case] = &[
    Case::new("servers/filesystem_works", filesystem_works).on(On::Only(Machine::Servers)).seconds(20),
    Case::new("servers/filesystem_of_2025_leads_nowhere", leads_nowhere)
        .on(On::Only(Machine::Servers))
        .seconds(30),
    Case::new("servers/time_works", time_works).on(On::Only(Machine::Servers)).seconds(30),
];

/// Where npm's packages stand in the guest.
const PACKAGES: &str = "/opt/servers/npm/node_modules";
/// The Python of the environment with the servers.
const PYTHON: &str = "/opt/servers/venv/bin/python";
/// An ordinary user: as root some limits would need a control group.
const USER: u32 = 1000;

/// A session with a real server under its preset.
fn session(ground: &Ground, preset: &str, server: &[&str]) -> Result<Client> {
    let policy = format!("version: 1\nname: {preset}\nextends: [{preset}]\n");
    Client::start(ground.guarded(&policy)?.user(USER).command(server)?, ground)
}

fn text(answer: &Value) -> Result<&str> {
    answer["result"]["content"][0]["text"].as_str().with_context(|| format!("no text in {answer}"))
}

fn filesystem_works(ground: &Ground) -> Result<()> {
    let inside = ground.file("workspace/inside.txt", "inside")?;
    let script = format!("{PACKAGES}/@modelcontextprotocol/server-filesystem/dist/index.js");
    let workspace = ground.workspace();
    let mut client = session(ground, "filesystem", &["node", &script, &workspace.to_string_lossy()])?;
    let tools = client.request("tools/list", json!({}))?;
    ensure!(tools["result"]["tools"].as_array().is_some_and(|tools| tools.len() > 5), "few tools: {tools}");
    let answer = client.call("read_text_file", json!({ "path": inside }))?;
    ensure!(text(&answer)?.contains("inside"), "{answer}");
    let fresh = workspace.join("fresh.txt");
    client.call("write_file", json!({ "path": fresh, "content": "fresh" }))?;
    ensure!(std::fs::read_to_string(&fresh).is_ok_and(|text| text == "fresh"), "nothing was written");
    Ok(())
}

/// The old server follows a link whose target shares the workspace's prefix as text (CVE-2025-53109, CVE-2025-53110).
fn leads_nowhere(ground: &Ground) -> Result<()> {
    let secret = ground.file("workspace-evil/secret.txt", "secret")?;
    symlink(secret.parent().context("no directory")?, ground.workspace().join("link"))?;
    let path = ground.workspace().join("link/secret.txt");
    let script = format!("{PACKAGES}/server-filesystem-2025-3-28/dist/index.js");
    let workspace = ground.workspace().to_string_lossy().into_owned();

    let mut bare = std::process::Command::new("node");
    bare.args([&script, &workspace]);
    let answer = Client::start(bare, ground)?.call("read_file", json!({ "path": path }))?;
    ensure!(text(&answer)?.contains("secret"), "the hole is gone, the test proves nothing: {answer}");

    let mut client = session(ground, "filesystem", &["node", &script, &workspace])?;
    let answer = client.call("read_file", json!({ "path": path }))?;
    ensure!(!answer.to_string().contains("secret\""), "the secret was read: {answer}");
    ensure!(answer["result"]["isError"] == true || answer.get("error").is_some(), "no refusal: {answer}");
    Ok(())
}

fn time_works(ground: &Ground) -> Result<()> {
    let mut client = session(ground, "time", &[PYTHON, "-m", "mcp_server_time", "--local-timezone", "UTC"])?;
    let answer = client.call("get_current_time", json!({ "timezone": "UTC" }))?;
    ensure!(text(&answer)?.contains("UTC"), "{answer}");
    Ok(())
}

//! `mcpguard reload` while names are allowed: what a name stands for goes over to the new policy or ends with the old one.

use std::os::unix::fs::MetadataExt;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::internet::{Internet, Who};
use harness::{Client, HostDaemon, Scene, Start, checkout, mcpguard, records, run, skip, verify};
use serde_json::{Value, json};

const TOOL: &str = "tool.shop.example";
const API: &str = "api.shop.example";

fn policy(domains: &str, tools: &str) -> String {
    let puppet = checkout().join("tests/puppet");
    format!(
        "version: 1\nname: renamer\nextends: [runtime/python, runtime/network]\nfilesystem:\n  read: [\"{}\"]\n\
         network:\n  allowed_ports: [80]\n  allowed_domains: [{domains}]\n{tools}",
        puppet.display()
    )
}

/// Whether the page of a domain is seen: after a look-up, or at the address that is known from before.
fn sees(client: &mut Client, internet: &Internet, tool: &str, name: &str, known: bool) -> Result<bool> {
    let told = client.call(tool, json!({ "url": format!("http://{name}/"), "known": known }))?.puppet()?;
    Ok(told["text"].as_str().is_some_and(|text| text.contains(&internet.secret(name))))
}

fn edit(scene: &Scene, text: &str) -> Result<Value> {
    scene.policy("renamer", text)?;
    let told = run(Command::new(mcpguard()?).args(["reload", "--json", "renamer"]))?;
    let reply: Value = serde_json::from_str(&told.stdout).with_context(|| format!("{told:?}"))?;
    ensure!(reply["refused"] == json!([]), "{reply}");
    Ok(reply)
}

#[test]
fn names_follow_the_policy_of_roots_own_session() -> Result<()> {
    follow(None)
}

#[test]
fn names_follow_the_policy_of_the_daemons_session() -> Result<()> {
    match HostDaemon::start()? {
        Some(daemon) => follow(Some(&daemon)),
        None => Ok(()),
    }
}

fn follow(daemon: Option<&HostDaemon>) -> Result<()> {
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        skip("root, who can make network namespaces");
        return Ok(());
    }
    let (internet, scene) = (Internet::raise()?, Scene::new()?);
    let server = vec!["/usr/bin/python3".into(), checkout().join("tests/puppet/requester.py").into()];
    let file = scene.policy("renamer", &policy(TOOL, ""))?;
    let mut start = Start::guarded(&scene, file, server);
    if let Some(daemon) = daemon {
        start = start.option("--daemon").option("--daemon-socket").option(daemon.socket());
    }
    let mut client = match internet.session(Who::Root, &scene, start) {
        Ok(client) => client,
        Err(error) => {
            ensure!(format!("{error:#}").contains("cannot be enforced on this host"), "{error:#}");
            skip("eBPF programs on the network");
            return Ok(());
        }
    };
    let mut is = |name: &str, known: bool, must: bool| -> Result<()> {
        let seen = sees(&mut client, &internet, "http_request", name, known)?;
        ensure!(seen == must, "{name}, known: {known}: seen: {seen}");
        Ok(())
    };
    is(TOOL, false, true)?;
    is(TOOL, true, true)?;
    is(API, false, false)?;
    // The other name: the address of the first is closed as well, although nobody looks it up again.
    edit(&scene, &policy(API, ""))?;
    is(TOOL, true, false)?;
    is(TOOL, false, false)?;
    is(API, false, true)?;
    // Both: what was known goes on being known.
    edit(&scene, &policy(&format!("{API}, {TOOL}"), ""))?;
    is(API, true, true)?;
    is(TOOL, false, true)?;
    // One of them is a tool's from now on.
    let tools = format!("tools: {{ search: {{ allowed_domains: [{TOOL}] }} }}\n");
    edit(&scene, &policy(API, &tools))?;
    is(TOOL, true, false)?;
    is(TOOL, false, false)?;
    is(API, true, true)?;
    for known in [false, true] {
        ensure!(sees(&mut client, &internet, "search", TOOL, known)?, "the tool does not reach its domain");
    }
    ensure!(!sees(&mut client, &internet, "http_request", TOOL, true)?, "another tool reaches it");
    client.finish()?;
    let log = records(&scene.audit())?;
    ensure!(log.iter().filter(|it| it.event() == "policy_changed").count() == 3, "{log:?}");
    let refused = |it: &&harness::Record| it.0["layer"] == "resolver" && it.mentions(TOOL);
    ensure!(log.iter().filter(refused).count() >= 2, "no refused look-up is on record: {log:?}");
    ensure!(verify(&scene.audit())?.status == Some(0), "the log is not as it was written");
    Ok(())
}

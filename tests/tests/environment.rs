//! The server sees the variables that the policy names and no other: asked by server-everything's own `get-env`.

use std::os::unix::fs::MetadataExt;

use anyhow::{Context, Result, ensure};
use harness::{Runtime, Scene, Server, Start};
use serde_json::{Value, json};

/// What a tester's shell may hold and a server must not inherit.
const UNWANTED: [&str; 12] = [
    "AWS_SECRET_ACCESS_KEY",
    "GITHUB_TOKEN",
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "LD_AUDIT",
    "NODE_OPTIONS",
    "NODE_PATH",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "GIT_SSH_COMMAND",
    "BASH_ENV",
    "SSH_AUTH_SOCK",
];

fn variables(start: &Start<'_>) -> Result<Value> {
    let mut client = start.session()?;
    let answer = client.call("get-env", json!({}))?;
    serde_json::from_str(answer.text()?).with_context(|| answer.0.to_string())
}

#[test]
fn nothing_is_inherited_but_what_is_named() -> Result<()> {
    let scene = Scene::new()?;
    let text = "version: 1\nname: p\nextends: [everything]\nenvironment:\n  pass: [WANTED]\n  set: { COLOUR: blue }\n";
    let policy = scene.policy("p", text)?;
    let mut start = Start::guarded(&scene, &policy, Server::Everything.command()?).variable("WANTED", "yes");
    for name in UNWANTED {
        // Values that harm nobody when mcpguard itself sees them: the loader only warns about an absent library.
        start = start.variable(name, "");
    }
    let seen = variables(&start)?;
    ensure!(seen["WANTED"] == "yes" && seen["COLOUR"] == "blue", "{seen}");
    for name in UNWANTED {
        ensure!(seen.get(name).is_none(), "{name} reached the server: {seen}");
    }
    Ok(())
}

#[test]
fn without_the_guard_everything_is_inherited() -> Result<()> {
    let scene = Scene::new()?;
    let start = Start::bare(&scene, Server::Everything.command()?).variable("GITHUB_TOKEN", "ghp_bare");
    ensure!(variables(&start)?["GITHUB_TOKEN"] == "ghp_bare");
    Ok(())
}

#[test]
fn descriptors_are_not_inherited() -> Result<()> {
    let scene = Scene::new()?;
    let inode = std::fs::metadata(scene.ssh_key())?.ino();
    for runtime in Runtime::ALL {
        let policy = scene.policy("puppet", &runtime.policy("")?)?;
        for (start, inherited) in [
            (Start::bare(&scene, runtime.puppet()?), true),
            (Start::guarded(&scene, &policy, runtime.puppet()?), false),
        ] {
            // A shell hands descriptor 7 down, which Rust's own spawn would close.
            let quoted: Vec<String> =
                start.argv()?.iter().map(|word| format!("'{}'", word.to_string_lossy())).collect();
            let script = format!("exec 7<'{}'; exec {}", scene.ssh_key().display(), quoted.join(" "));
            let mut client =
                Start::bare(&scene, vec!["/bin/sh".into(), "-c".into(), script.into()]).session()?;
            let open = client.call("descriptors", json!({}))?.puppet()?;
            let has = open["open"]
                .as_array()
                .context("open")?
                .iter()
                .any(|descriptor| descriptor["inode"] == inode);
            ensure!(has == inherited, "{runtime:?}, guarded: {}: {open}", !inherited);
        }
    }
    Ok(())
}

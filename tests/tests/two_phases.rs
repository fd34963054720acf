//! `--install-policy`: what `npx` or `uvx` names is installed under one policy and run under another.

use anyhow::{Result, ensure};
use harness::{Runtime, Scene, Start, run};

/// The installer asks the registry of the tester's own configuration, so it needs the tester's own home directory.
fn start<'a>(scene: &'a Scene, install: &str, policy: &str, command: &[&str]) -> Start<'a> {
    // Where the tester reaches the registry through certificates of their own, the installer needs them as well.
    let certificates = std::env::var_os("NODE_EXTRA_CA_CERTS");
    let start = Start::guarded(scene, policy, command.iter().map(Into::into).collect());
    let start =
        certificates.into_iter().fold(start, |start, file| start.variable("NODE_EXTRA_CA_CERTS", file));
    start
        .option("--allow-degraded")
        .option("--install-policy")
        .option(install)
        .variable("HOME", std::env::var_os("HOME").unwrap_or_default())
        .variable("XDG_CACHE_HOME", scene.root().join("cache"))
}

fn installs_then_runs(install: &str, policy: &str, command: &[&str]) -> Result<()> {
    let scene = Scene::new()?;
    let first = run(&mut start(&scene, install, policy, command).command()?)?;
    ensure!(first.status == Some(0) && first.stderr.contains("installing"), "{first:?}");
    // It is installed now: the server starts at once, and without its launcher.
    let mut client = start(&scene, install, policy, command).session()?;
    ensure!(
        !client.tool_names()?.is_empty() && !client.stderr().contains("installing"),
        "{}",
        client.stderr()
    );
    client.finish()?;
    Ok(())
}

#[test]
fn npx_installs_then_runs() -> Result<()> {
    let package = "@modelcontextprotocol/server-sequential-thinking@2026.8.31";
    installs_then_runs("install/npm", "sequential-thinking", &["npx", "-y", package])
}

#[test]
fn uvx_installs_then_runs() -> Result<()> {
    installs_then_runs("install/pip", "time", &["uvx", "mcp-server-time@2026.10.19"])
}

#[test]
fn a_failed_installation_starts_nothing() -> Result<()> {
    let scene = Scene::new()?;
    let command = ["npx", "-y", "@modelcontextprotocol/no-such-package-of-mcpguard@0.0.1"];
    let finished = run(&mut start(&scene, "install/npm", "sequential-thinking", &command).command()?)?;
    ensure!(finished.status == Some(125) && finished.stderr.contains("nothing was started"), "{finished:?}");
    Ok(())
}

#[test]
fn a_command_without_an_install_phase_is_refused() -> Result<()> {
    let scene = Scene::new()?;
    let start = Start::guarded(&scene, "filesystem", Runtime::Node.puppet()?)
        .option("--install-policy")
        .option("install/npm");
    let finished = run(&mut start.command()?)?;
    ensure!(finished.status == Some(125) && finished.stderr.contains("npx"), "{finished:?}");
    Ok(())
}

//! What the server must not be given by accident: the user's whole home directory, and its own audit log.

use std::process::Command;

use anyhow::{Result, ensure};
use harness::{Runtime, Scene, Start, mcpguard, run};

#[test]
fn the_home_directory_is_no_workspace_unless_it_is_named() -> Result<()> {
    let scene = Scene::new()?;
    // A client that starts its servers in the home directory, without --workspace.
    let mut command = Command::new(mcpguard()?);
    command.args(["exec", "--policy", "filesystem", "--", "/bin/true"]).current_dir(scene.home());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let finished = run(command.env_clear().env("HOME", scene.home()).env("PATH", path))?;
    ensure!(finished.status == Some(125) && finished.stderr.contains("--workspace"), "{finished:?}");
    Ok(())
}

#[test]
fn a_log_that_the_server_could_rewrite_is_refused() -> Result<()> {
    let scene = Scene::new()?;
    let log = scene.workspace().join("audit.jsonl");
    let start = Start::guarded(&scene, "filesystem", Runtime::Node.puppet()?).audit(&log);
    let finished = run(&mut start.command()?)?;
    ensure!(finished.status == Some(125) && finished.stderr.contains("audit log"), "{finished:?}");
    ensure!(!log.exists(), "the refused log was made");
    Ok(())
}

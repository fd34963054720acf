//! The official conformance suite, with mcpguard before the server and without: every check must come to the same.
//!
//! The suite speaks HTTP only, so that a bridge stands between it and stdio (`tests/clients/bridge.mjs`):
//!
//! ```text
//! suite ──HTTP──► bridge ──stdio──► [mcpguard exec] ──stdio──► the Python SDK's own everything-server
//! ```

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Write;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::conformance::{Checks, Page, run_suite};
use harness::{Record, Scene, Start, checkout, mcpguard, node, python, records};

const PATIENCE: Duration = Duration::from_secs(60);

fn everything() -> Result<Vec<OsString>> {
    let script = checkout().join("tests/servers/everything/stdio.py");
    Ok(vec![python("venv")?.into(), script.into()])
}

/// The policy: what the server reads, and every request that it may send.
fn policy(scene: &Scene) -> Result<OsString> {
    let text = format!(
        "version: 1\nname: suite\nextends: [runtime/python]\nfilesystem:\n  read: [\"{}\"]\n\
         server_requests: {{ sampling: allow, elicitation: allow, roots: allow }}\n",
        checkout().join("tests/servers/everything").display()
    );
    Ok(scene.policy("suite", &text)?.into())
}

/// The command line through mcpguard; each session has a log of its own in the scene's home.
fn guarded(scene: &Scene) -> Result<Vec<OsString>> {
    let mut argv = vec![mcpguard()?.into(), "exec".into(), "--policy".into(), policy(scene)?, "--".into()];
    argv.extend(everything()?);
    Ok(argv)
}

/// What the suite says of a server.
fn suite(scene: &Scene, server: Vec<OsString>, revision: &str) -> Result<Checks> {
    let mut bridge = vec![node()?.into(), checkout().join("tests/clients/bridge.mjs").into()];
    bridge.extend(server);
    let mut bridge = Start::bare(scene, bridge).client()?;
    let url = bridge.next(PATIENCE)?.context("the bridge says no URL")?;
    let url = url.as_str().context("a URL")?;
    run_suite(scene, &["server", "--requirements", revision, "--url", url])
}

/// Sessions that were guarded, and the causes of what mcpguard has refused in them.
fn logged(scene: &Scene) -> Result<(usize, BTreeSet<String>)> {
    let logs =
        std::fs::read_dir(scene.root().join("state/mcpguard/audit")).context("no session was guarded")?;
    let (mut sessions, mut causes) = (0, BTreeSet::new());
    for log in logs {
        sessions += 1;
        let all = records(&log?.path())?;
        causes.extend(all.iter().filter_map(|Record(record)| record["cause"].as_str().map(str::to_owned)));
    }
    Ok((sessions, causes))
}

/// Runs the suite both ways; the page tells what it said.
fn compare(revision: &str) -> Result<()> {
    let (bare, scene) = (Scene::new()?, Scene::new()?);
    let bare = suite(&bare, everything()?, revision)?;
    let guarded = suite(&scene, guarded(&scene)?, revision)?;
    let (sessions, causes) = logged(&scene)?;
    // The suite asks for `unknown/method` and wants exactly the error that mcpguard answers with.
    ensure!(sessions > 1 && causes.iter().all(|cause| cause == "unknown_method"), "{sessions}: {causes:?}");
    ensure!(bare.len() > 30, "too few scenarios: {bare:?}");
    ensure!(bare == guarded, "without the guard:\n{bare:#?}\nwith it:\n{guarded:#?}");
    Page(&format!("official {revision}")).must_be(&told(&guarded))
}

/// A line a scenario: how many checks have passed.
fn told(checks: &Checks) -> String {
    let mut page = "\n| scenario | passed | failed |\n|---|---|---|\n".to_owned();
    let mut totals = (0, 0);
    for (scenario, list) in checks {
        let count = |wanted| list.iter().filter(|(_, status)| status == wanted).count();
        let (passed, failed) = (count("SUCCESS"), count("FAILURE"));
        totals = (totals.0 + passed, totals.1 + failed);
        let _ = writeln!(page, "| {scenario} | {passed} | {failed} |");
    }
    let _ = writeln!(page, "| **all** | {} | {} |\n", totals.0, totals.1);
    page
}

#[test]
fn handshake_sessions_pass_the_suite_unchanged() -> Result<()> {
    compare("2025-11-25")
}

#[test]
fn stateless_requests_pass_the_suite_unchanged() -> Result<()> {
    compare("2026-07-28")
}

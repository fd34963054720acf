//! Who may call what: `require_scope`, `roles`, and where a caller's scopes come from.

use anyhow::{Context, Result, ensure};
use harness::{Client, Runtime, Scene, Server, Start, mcpguard, records, run};
use serde_json::json;

const POLICY: &str = "version: 1\nname: p\nextends: [filesystem]\ntools:\n  \"write_*\": { require_scope: write, reason: only what ops has seen }\n";

fn writes(client: &mut Client, scene: &Scene) -> Result<bool> {
    let target = scene.workspace().join("new.txt");
    let answer = client.call("write_file", json!({ "path": target, "content": "x" }))?;
    ensure!(answer.is_refusal() != target.exists(), "{}", answer.0);
    if answer.is_refusal() {
        let said = answer.text()?.to_owned();
        ensure!(said.contains("does not hold") && said.contains("only what ops has seen"), "{said}");
    }
    Ok(target.exists())
}

#[test]
fn a_tool_that_wants_a_scope_is_for_who_holds_it() -> Result<()> {
    let scene = Scene::new()?;
    let policy = scene.policy("p", POLICY)?;
    let server = Server::Filesystem.with(&[&scene.workspace()])?;
    let mut without = Start::guarded(&scene, &policy, server.clone()).session()?;
    ensure!(!without.tool_names()?.contains(&"write_file".to_owned()), "it is shown");
    ensure!(!writes(&mut without, &scene)?);
    without.finish()?;
    let all = records(&scene.audit())?;
    let refused = all.iter().find(|record| record.event() == "tool_call").context("no record of the call")?;
    ensure!(refused.0["verdict"] == "refused" && refused.0["cause"] == "scope", "{}", refused.0);
    ensure!(refused.mentions("tools.write_*.require_scope: write"), "{}", refused.0);

    let mut with =
        Start::guarded(&scene, &policy, server).option("--scopes").option("read,write").session()?;
    ensure!(with.tool_names()?.contains(&"write_file".to_owned()), "it is hidden");
    ensure!(writes(&mut with, &scene)?);
    with.finish()?;
    let all = records(&scene.audit())?;
    let start = all.iter().rfind(|record| record.event() == "session_start").context("no start")?;
    ensure!(start.0["scopes"] == json!(["read", "write"]), "{}", start.0);
    Ok(())
}

#[test]
fn scopes_come_from_the_environment_and_from_a_file_that_others_cannot_write() -> Result<()> {
    let scene = Scene::new()?;
    let text = Runtime::Python.policy("roles: { writer: [\"*\"], reader: [pids] }\n")?;
    let policy = scene.policy("p", &text)?;
    let echo = |start: Start<'_>| -> Result<bool> {
        let mut client = start.session()?;
        ensure!(!client.call("pids", json!({}))?.is_refusal(), "a reader's tool");
        let echoed = !client.call("echo", json!({ "text": "x" }))?.is_refusal();
        // What mcpguard knows of its caller is not the server's.
        let environment = client.call("env", json!({}))?;
        ensure!(!environment.0.to_string().contains("MCPGUARD_SCOPES"), "{}", environment.0);
        client.finish()?;
        Ok(echoed)
    };
    let start = || -> Result<Start<'_>> { Ok(Start::guarded(&scene, &policy, Runtime::Python.puppet()?)) };
    ensure!(!echo(start()?.variable("MCPGUARD_SCOPES", "reader"))?);
    ensure!(echo(start()?.variable("MCPGUARD_SCOPES", "writer"))?);
    let file = scene.root().join("scopes");
    std::fs::write(&file, "# of the nightly job\nreader\nwriter\n")?;
    ensure!(echo(start()?.option("--scopes-from").option(&file))?);

    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666))?;
    let mut command = start()?.option("--scopes-from").option(&file).command()?;
    let told = run(&mut command)?;
    ensure!(told.status == Some(125) && told.stderr.contains("everyone may write"), "{told:?}");
    Ok(())
}

#[test]
fn check_tells_scopes_and_roles_and_their_mistakes() -> Result<()> {
    let scene = Scene::new()?;
    let check = |text: &str| -> Result<harness::Finished> {
        let policy = scene.policy("p", text)?;
        run(std::process::Command::new(mcpguard()?).arg("check").arg(policy))
    };
    let told = check("version: 1\nroles: { reader: [\"get_*\"] }\ntools: { x: { require_scope: s } }\n")?;
    ensure!(told.status == Some(0), "{told:?}");
    for rule in ["roles.reader: get_*", "tools.x.require_scope: s"] {
        ensure!(told.stdout.contains(rule), "{rule} is not in\n{}", told.stdout);
    }
    let told = check("version: 1\nroles: { \"a b\": [x] }\n")?;
    ensure!(
        told.status == Some(125) && format!("{}{}", told.stdout, told.stderr).contains("2:10"),
        "{told:?}"
    );
    Ok(())
}

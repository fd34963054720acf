//! A user without privileges gets every layer: what succeeds bare is denied by the programs on the hooks, and grants
//! follow the call.

use std::net::TcpListener;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::USER;
use super::host::Host;
use crate::actor::{self, Outcome};
use crate::ground::Ground;

/// Landlock can say none of it: denied inside a grant, a program in a directory of programs, an address, a tool's path.
const POLICY: &str = "\
version: 1
name: layers
extends: [runtime/native]
filesystem:
  read: [\"${home}/bin\"]
  write: [\"${workspace}\"]
  deny: [\"${workspace}/secret\", \"${home}/bin/denied\"]
network:
  allowed_cidrs: [127.0.0.1/32]
  allowed_ports: [4000]
execution:
  allowed_programs: [\"${home}/bin\", /opt/vm/init]
tools:
  read_file: { allowed_paths: [\"${home}/tool.txt\"], read_only: true }
";

/// Another address than the granted one.
const ELSEWHERE: &str = "127.0.0.2:4000";

pub(super) fn all_layers(ground: &Ground) -> Result<()> {
    let paths = scene(ground)?;
    let attacks: [(&[&str], &str); 3] = [
        (&["read", &paths.secret], "/secret/file"),
        (&["connect", ELSEWHERE], ELSEWHERE),
        (&["spawn", &paths.program], "/bin/denied"),
    ];
    let _listens = TcpListener::bind(ELSEWHERE).context("cannot listen")?;
    for (words, _) in attacks {
        actor::bare_as(USER, words[0], &words[1..])?.succeeded()?;
    }
    let _host = Host::start(ground)?;
    let guarded = ground.guarded(POLICY)?.user(USER).option("--daemon");
    let mut client = guarded.session()?;
    client.act("act", "read", &[&paths.open])?.succeeded()?;
    for (words, _) in attacks {
        denied(&client.act("act", words[0], &words[1..])?)?;
    }
    denied(&client.act("act", "read", &[&paths.of_the_tool])?)?;
    client.act("read_file", "read", &[&paths.of_the_tool])?.succeeded()?;
    denied(&client.act("act", "read", &[&paths.of_the_tool])?)?;
    ensure!(client.finish()?.success(), "the session failed");
    let records = guarded.records()?;
    let by_programs = |record: &&Value| record["event"] == "denial" && record["layer"] == "ebpf";
    let told: Vec<&Value> = records.iter().filter(by_programs).collect();
    for what in attacks.map(|(_, what)| what).into_iter().chain(["/tool.txt"]) {
        let is_there = told.iter().any(|it| it["what"].as_str().is_some_and(|it| it.ends_with(what)));
        ensure!(is_there, "no record of {what}: {told:#?}");
    }
    // Bare once more, so that it was the guard.
    actor::bare_as(USER, "read", &[&paths.secret])?.succeeded()
}

struct Paths {
    secret: String,
    open: String,
    program: String,
    of_the_tool: String,
}

fn scene(ground: &Ground) -> Result<Paths> {
    let text = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
    let bin = ground.directory().join("bin");
    std::fs::create_dir_all(&bin)?;
    let program = text(bin.join("denied"));
    actor::perform("program", &[&program, "0"]).succeeded()?;
    Ok(Paths {
        secret: text(ground.file("workspace/secret/file", "secret")?),
        open: text(ground.file("workspace/open", "open")?),
        program,
        of_the_tool: text(ground.file("tool.txt", "only during a call")?),
    })
}

fn denied(outcome: &Outcome) -> Result<()> {
    ensure!(outcome.errno() == Some("EPERM"), "it was not denied by the programs: {outcome:?}");
    Ok(())
}

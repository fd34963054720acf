//! The clients that people use complete handshake, `tools/list` and a call through `mcpguard exec`, in every
//! revision that they and the servers speak; and they see exactly what they see without the guard.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::{
    INITIALIZE_REVISIONS, Scene, Server, Start, checkout, inspector, node, node_modules, python, records, run,
};
use serde_json::{Value, json};

/// Tools that the presets switch off; every other one must be listed, in the server's own order.
const HIDDEN: [&str; 1] = ["gzip-file-as-resource"];

/// A server, its arguments' place, and the one call that each client makes.
struct Subject {
    server: Server,
    tool: &'static str,
    arguments: Value,
    text: &'static str,
    scene: Scene,
}

impl Subject {
    fn everything() -> Result<Self> {
        let arguments = json!({ "message": "héllo" });
        Ok(Self {
            server: Server::Everything,
            tool: "echo",
            arguments,
            text: "Echo: héllo",
            scene: Scene::new()?,
        })
    }

    fn filesystem() -> Result<Self> {
        let scene = Scene::new()?;
        let arguments = json!({ "path": scene.workspace().join("inside.txt") });
        Ok(Self { server: Server::Filesystem, tool: "read_text_file", arguments, text: "inside", scene })
    }

    /// Speaks the modern era.
    fn time() -> Result<Self> {
        let arguments = json!({ "timezone": "UTC" });
        Ok(Self {
            server: Server::Time,
            tool: "get_current_time",
            arguments,
            text: "UTC",
            scene: Scene::new()?,
        })
    }

    fn bare(&self) -> Result<Start<'_>> {
        let workspace = self.scene.workspace();
        let arguments = if self.server == Server::Filesystem { vec![workspace.as_path()] } else { vec![] };
        Ok(Start::bare(&self.scene, self.server.with(&arguments)?))
    }

    fn guarded(&self) -> Result<Start<'_>> {
        Ok(Start::guarded(&self.scene, self.server.preset(), self.bare()?.argv()?))
    }

    /// Runs a client's script with and without the guard and compares what it prints.
    fn through(&self, client: &[OsString]) -> Result<Value> {
        let [bare, guarded] = [self.bare()?, self.guarded()?].map(|start| self.told(client, &start));
        let (bare, guarded) = (bare?, guarded?);
        let names = |told: &Value| told["tools"].as_array().cloned().unwrap_or_default();
        let mut left = names(&bare);
        left.retain(|name| !HIDDEN.iter().any(|hidden| name == hidden));
        ensure!(!left.is_empty() && names(&guarded) == left, "{guarded}\n{bare}");
        ensure!(guarded["protocol"] == bare["protocol"], "{guarded}\n{bare}");
        ensure!(guarded["text"].as_str().is_some_and(|text| text.contains(self.text)), "{guarded}");
        let calls =
            records(&self.scene.audit())?.into_iter().filter(|record| record.event() == "tool_call").count();
        ensure!(calls >= 1, "the call is not in the audit log");
        Ok(guarded)
    }

    fn told(&self, client: &[OsString], start: &Start<'_>) -> Result<Value> {
        // The environment of a start is the environment of the client: SDKs hand it down.
        let mut command = start.command()?;
        let mut argv = client.to_vec();
        argv.extend([self.tool.into(), self.arguments.to_string().into()]);
        argv.extend(start.argv()?);
        command = like(&command, &argv);
        let finished = run(&mut command)?;
        ensure!(finished.status == Some(0), "{client:?}: {finished:?}");
        serde_json::from_str(finished.stdout.trim()).with_context(|| format!("{finished:?}"))
    }
}

/// The same environment and directory, another command line.
fn like(model: &Command, argv: &[OsString]) -> Command {
    let mut command = Command::new(&argv[0]);
    command.args(&argv[1..]).env_clear();
    command.envs(model.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(directory) = model.get_current_dir() {
        command.current_dir(directory);
    }
    command
}

fn script(name: &str) -> PathBuf {
    checkout().join("tests/clients").join(name)
}

fn typescript(name: &str, revision: &str) -> Result<Vec<OsString>> {
    Ok(vec![node()?.into(), script(name).into(), node_modules()?.into(), revision.into()])
}

#[test]
fn typescript_sdk_1_speaks_every_revision() -> Result<()> {
    for subject in [Subject::everything()?, Subject::filesystem()?] {
        for revision in INITIALIZE_REVISIONS {
            ensure!(subject.through(&typescript("sdk-v1.mjs", revision)?)?["protocol"] == revision);
        }
    }
    Ok(())
}

#[test]
fn typescript_sdk_2_speaks_every_revision() -> Result<()> {
    for subject in [Subject::everything()?, Subject::filesystem()?] {
        for revision in INITIALIZE_REVISIONS {
            ensure!(subject.through(&typescript("sdk-v2.mjs", revision)?)?["protocol"] == revision);
        }
        ensure!(subject.through(&typescript("sdk-v2.mjs", "auto")?)?["protocol"] == "2025-11-25");
    }
    Ok(())
}

#[test]
fn typescript_sdk_2_speaks_the_modern_era() -> Result<()> {
    ensure!(Subject::time()?.through(&typescript("sdk-v2.mjs", "auto")?)?["protocol"] == "2026-07-28");
    Ok(())
}

#[test]
fn python_sdk_2_probes_and_shakes_hands() -> Result<()> {
    for (mode, subject, revision) in [
        ("auto", Subject::everything()?, "2025-11-25"),
        ("legacy", Subject::everything()?, "2025-11-25"),
        ("auto", Subject::filesystem()?, "2025-11-25"),
        ("legacy", Subject::filesystem()?, "2025-11-25"),
        ("auto", Subject::time()?, "2026-07-28"),
        ("legacy", Subject::time()?, "2025-11-25"),
    ] {
        let client = [python("venv")?.into(), script("sdk2.py").into(), mode.into()];
        ensure!(subject.through(&client)?["protocol"] == revision, "{mode} {:?}", subject.server);
    }
    Ok(())
}

#[test]
fn python_sdk_1_shakes_hands() -> Result<()> {
    for subject in [Subject::everything()?, Subject::filesystem()?] {
        subject.through(&[python("venv-mcp-1")?.into(), script("sdk1.py").into()])?;
    }
    Ok(())
}

#[test]
fn the_inspector_lists_and_calls() -> Result<()> {
    for subject in [Subject::everything()?, Subject::filesystem()?] {
        let (name, value) =
            subject.arguments.as_object().and_then(|all| all.iter().next()).context("one argument")?;
        let argument = format!("{name}={}", value.as_str().unwrap_or(""));
        let listed = inspected(&subject, &["--method", "tools/list"])?;
        ensure!(listed.contains(subject.tool), "{listed}");
        let call = ["--method", "tools/call", "--tool-name", subject.tool, "--tool-arg", &argument];
        let called = inspected(&subject, &call)?;
        ensure!(called.contains(subject.text), "{called}");
    }
    Ok(())
}

/// What the Inspector prints through the guard, having made sure that it prints the same without: of a list, all
/// tools but the hidden ones.
fn inspected(subject: &Subject, request: &[&str]) -> Result<String> {
    let mut told = Vec::new();
    for start in [subject.bare()?, subject.guarded()?] {
        let argv: Vec<String> =
            start.argv()?.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let model = start.command()?;
        let environment: Value = model
            .get_envs()
            .filter_map(|(name, value)| {
                Some((name.to_string_lossy().into_owned(), json!(value?.to_string_lossy())))
            })
            .collect::<serde_json::Map<_, _>>()
            .into();
        // The Inspector 0.x takes a `--` among the server's arguments for its own: a script stands before it.
        let quoted: Vec<String> = argv.iter().map(|word| format!("'{word}'")).collect();
        let script = subject.scene.root().join("server.sh");
        std::fs::write(&script, format!("exec {}\n", quoted.join(" ")))?;
        let server = json!({ "command": "/bin/sh", "args": [script], "env": environment });
        let config = subject.scene.root().join("mcp.json");
        std::fs::write(&config, json!({ "mcpServers": { "subject": server } }).to_string())?;
        let mut line: Vec<OsString> =
            vec![node()?.into(), inspector()?.into(), "--cli".into(), "--config".into()];
        line.extend([config.into(), "--server".into(), "subject".into()]);
        line.extend(request.iter().map(OsString::from));
        let finished = run(&mut like(&model, &line))?;
        ensure!(finished.status == Some(0), "{finished:?}");
        let mut answer: Value =
            serde_json::from_str(&finished.stdout).with_context(|| format!("{finished:?}"))?;
        // Taken out of the bare answer only: the guard has to hide them itself.
        if let (true, Some(tools)) = (told.is_empty(), answer.get_mut("tools").and_then(Value::as_array_mut))
        {
            tools.retain(|tool| !HIDDEN.iter().any(|hidden| tool["name"] == *hidden));
        }
        told.push(answer.to_string());
    }
    ensure!(told[0] == told[1], "without the guard:\n{}\nwith it:\n{}", told[0], told[1]);
    Ok(told.swap_remove(1))
}

#[test]
fn the_raw_handshake_works_in_every_revision() -> Result<()> {
    for subject in [Subject::everything()?, Subject::filesystem()?] {
        for revision in INITIALIZE_REVISIONS {
            let mut client = subject.guarded()?.client()?;
            ensure!(client.handshake(revision)?["protocolVersion"] == revision);
            let answer = client.call(subject.tool, subject.arguments.clone())?;
            ensure!(answer.text()?.contains(subject.text));
            ensure!(client.finish()?.code() == Some(0), "{}", client.stderr());
        }
    }
    Ok(())
}

//! Calls that somebody must approve: from another terminal, by the policy's program, and by the person at an official client.
//! Each time the effect is there without the rule, is not there while the call is held, and is there once it is approved.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::{
    Answer, Client, Finished, Runtime, Scene, Server, Start, checkout, eventually, mcpguard, node,
    node_modules, python, records, run,
};
use serde_json::{Value, json};

fn guard(arguments: &[&str]) -> Result<Finished> {
    run(Command::new(mcpguard()?).args(arguments))
}

/// The calls of this policy that wait.
fn waiting(policy: &str) -> Result<Vec<Value>> {
    let told = guard(&["approvals", "--json"])?;
    ensure!(told.status == Some(0), "{told:?}");
    let all: Vec<Value> = told.stdout.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    Ok(all.into_iter().filter(|call| call["policy"] == policy).collect())
}

/// The one call of this policy that waits, once it does.
fn held(policy: &str) -> Result<Value> {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        match waiting(policy)?.as_slice() {
            [call] => return Ok(call.clone()),
            [] if Instant::now() < until => std::thread::sleep(Duration::from_millis(50)),
            calls => anyhow::bail!("one call was to wait: {calls:?}"),
        }
    }
}

fn name(call: &Value) -> String {
    call["id"].as_str().unwrap_or_default().to_owned()
}

fn text(name: &str, more: &str) -> Result<String> {
    Ok(Runtime::Python.policy(more)?.replace("name: puppet", &format!("name: {name}")))
}

/// A session, and the file that its calls write.
fn session(scene: &Scene, policy: &str, more: &str) -> Result<(Client, PathBuf)> {
    let file = scene.policy(policy, &text(policy, more)?)?;
    let client = Start::guarded(scene, &file, Runtime::Python.puppet()?).session()?;
    Ok((client, scene.workspace().join("effect.txt")))
}

/// The call that writes the file; its answer comes later.
fn ask(client: &mut Client, file: &Path, text: &str) -> Result<Value> {
    client.send("tools/call", json!({ "name": "write", "arguments": { "path": file, "text": text } }))
}

fn states(scene: &Scene) -> Result<Vec<(String, String)>> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = records(&scene.audit())?.into_iter().filter(|record| record.event() == "approval");
    Ok(all.map(|record| (word(&record.0["state"]), word(&record.0["by"]))).collect())
}

#[test]
fn two_terminals() -> Result<()> {
    let scene = Scene::new()?;
    let (mut client, file) = session(&scene, "ap-without", "")?;
    let id = ask(&mut client, &file, "done")?;
    client.answer_to(&id)?.result()?;
    ensure!(std::fs::read_to_string(&file)? == "done", "the effect is not there without the rule");
    client.finish()?;
    std::fs::remove_file(&file)?;
    std::fs::remove_file(scene.audit())?;

    let more = "tools: { write: { require_approval: true, reason: it changes files } }\napprovals: { timeout_seconds: 60 }\n";
    let (mut client, file) = session(&scene, "ap-terminals", more)?;
    let id = ask(&mut client, &file, "done")?;
    let call = held("ap-terminals")?;
    ensure!(
        call["tool"] == "write" && call["arguments"].as_str().is_some_and(|it| it.contains("effect.txt")),
        "{call}"
    );
    ensure!(!file.exists(), "it was carried out without an approval");
    // Other calls go on meanwhile, and what was looked at must be what is approved.
    ensure!(client.call("echo", json!({ "text": "x" }))?.result().is_ok());
    let other = guard(&["approve", "--yes", "--digest", "0123456789", &name(&call)])?;
    ensure!(other.status == Some(125) && other.stderr.contains("digest is"), "{other:?}");
    let unasked = guard(&["approve", &name(&call)])?;
    ensure!(unasked.status == Some(125) && unasked.stderr.contains("--yes"), "{unasked:?}");
    ensure!(!file.exists(), "it was carried out without an approval");
    let approved = guard(&["approve", "--yes", &name(&call)])?;
    ensure!(approved.status == Some(0) && approved.stdout.contains("it is carried out"), "{approved:?}");
    client.answer_to(&id)?.result()?;
    ensure!(std::fs::read_to_string(&file)? == "done");
    std::fs::remove_file(&file)?;

    let id = ask(&mut client, &file, "again")?;
    let denied = guard(&["deny", "--yes", &name(&held("ap-terminals")?)])?;
    ensure!(denied.status == Some(0), "{denied:?}");
    let answer = client.answer_to(&id)?;
    ensure!(answer.is_refusal() && answer.text()?.contains("it was denied"), "{}", answer.0);
    ensure!(!file.exists(), "it was carried out although it was denied");
    let gone = guard(&["approve", "--yes", &name(&call)])?;
    ensure!(gone.status == Some(125) && gone.stderr.contains("no call"), "{gone:?}");
    client.finish()?;
    ensure!(client.stderr().contains("mcpguard approve "), "the user was not told: {}", client.stderr());
    let states = states(&scene)?;
    let words: Vec<&str> = states.iter().map(|(state, _)| state.as_str()).collect();
    ensure!(words == ["held", "approved", "held", "denied"], "{states:?}");
    ensure!(states[1].1.starts_with("user "), "{states:?}");
    Ok(())
}

#[test]
fn nobody_answers_or_one_is_not_enough() -> Result<()> {
    let scene = Scene::new()?;
    let more = "tools: { write: { sensitive: true } }\napprovals: { timeout_seconds: 4 }\n";
    let (mut client, file) = session(&scene, "ap-nobody", more)?;
    let id = ask(&mut client, &file, "done")?;
    let call = held("ap-nobody")?;
    let first = guard(&["approve", "--yes", &name(&call)])?;
    ensure!(first.stdout.contains("1 more must approve"), "{first:?}");
    let again = guard(&["approve", "--yes", &name(&call)])?;
    ensure!(again.status == Some(1) && again.stdout.contains("another one as well"), "{again:?}");
    let answer = client.answer_to(&id)?;
    ensure!(answer.is_refusal() && answer.text()?.contains("nobody has done so in time"), "{}", answer.0);
    ensure!(!file.exists(), "it was carried out with one approval of two");
    client.finish()?;
    let refused = records(&scene.audit())?;
    let refused =
        refused.iter().find(|it| it.0["verdict"] == "refused").context("no record of the refusal")?;
    ensure!(refused.0["cause"] == "approval", "{}", refused.0);
    Ok(())
}

/// A call under a policy whose program ends like this.
fn by_program(program: &str) -> Result<(Answer, bool, Scene)> {
    let scene = Scene::new()?;
    let seen = scene.root().join("seen.json");
    let script = format!("cat > {}; {program}", seen.display());
    let more = format!(
        "tools: {{ write: {{ require_approval: true }} }}\napprovals: {{ timeout_seconds: 5, command: [sh, -c, {}] }}\n",
        Value::from(script)
    );
    let (mut client, file) = session(&scene, "ap-program", &more)?;
    let id = ask(&mut client, &file, "done")?;
    let answer = client.answer_to(&id)?;
    client.finish()?;
    ensure!(eventually(Duration::from_secs(20), || seen.exists()), "the program was not asked");
    let told: Value = serde_json::from_str(&std::fs::read_to_string(seen)?)?;
    ensure!(
        told["tool"] == "write" && told["arguments"].as_str().is_some_and(|it| it.contains("effect.txt")),
        "{told}"
    );
    Ok((answer, file.exists(), scene))
}

#[test]
fn the_policy_s_program() -> Result<()> {
    let (answer, effect, scene) = by_program("exit 0")?;
    ensure!(answer.result().is_ok() && effect, "{}", answer.0);
    ensure!(states(&scene)? == [("held".into(), String::new()), ("approved".into(), "command".into())]);
    let (answer, effect, _) = by_program("exit 1")?;
    ensure!(answer.is_refusal() && answer.text()?.contains("it was denied") && !effect, "{}", answer.0);
    let (answer, effect, _) = by_program("exit 7")?;
    ensure!(answer.is_refusal() && answer.text()?.contains("nobody") && !effect, "{}", answer.0);
    Ok(())
}

/// A client, what its person answers, and the call that it makes of a server.
struct Asks {
    client: Vec<OsString>,
    server: Vec<OsString>,
    policy: String,
    tool: &'static str,
    arguments: Value,
}

impl Asks {
    /// What the person was asked, and what became of the call.
    fn told(self, scene: &Scene) -> Result<Value> {
        let policy = scene.policy("p", &self.policy)?;
        let start = Start::guarded(scene, &policy, self.server);
        let model = start.command()?;
        let [program, client @ ..] = &self.client[..] else { anyhow::bail!("no client") };
        let mut command = Command::new(program);
        command.args(client).args([self.tool, &self.arguments.to_string()]).args(start.argv()?).env_clear();
        command.envs(model.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(model.get_current_dir().unwrap_or(&scene.workspace()));
        let finished = run(&mut command)?;
        ensure!(finished.status == Some(0), "{finished:?}");
        Ok(serde_json::from_str(finished.stdout.trim())?)
    }
}

/// A policy under which the person at the client is asked about calls of this tool.
fn asking(name: &str, preset: &str, tool: &str) -> String {
    format!(
        "version: 1\nname: {name}\nextends: [{preset}]\ntools: {{ {tool}: {{ require_approval: true }} }}\n\
         approvals: {{ ask_client: true, timeout_seconds: 5 }}\n"
    )
}

/// What a person answers, whether the call is carried out then, and what is said.
const ANSWERS: [(&str, bool, &str); 4] = [
    ("approve", true, ""),
    ("refuse", false, "it was denied"),
    ("decline", false, "it was denied"),
    ("cancel", false, "nobody"),
];

fn script(name: &str) -> OsString {
    checkout().join("tests/clients").join(name).into()
}

fn has(told: &Value, key: &str, part: &str) -> bool {
    told[key].as_str().is_some_and(|text| text.contains(part))
}

#[test]
fn the_person_at_the_official_typescript_client() -> Result<()> {
    for (answer, effect, said) in ANSWERS {
        let scene = Scene::new()?;
        let file = scene.workspace().join("effect.txt");
        let asks = Asks {
            client: vec![node()?.into(), script("elicits.mjs"), node_modules()?.into(), answer.into()],
            server: Server::Filesystem.with(&[&scene.workspace()])?,
            policy: asking("ap-client", "filesystem", "write_file"),
            tool: "write_file",
            arguments: json!({ "path": file, "content": "done" }),
        };
        let told = asks.told(&scene)?;
        ensure!(has(&told, "asked", "write_file") && has(&told, "asked", "effect.txt"), "{told}");
        ensure!(file.exists() == effect && told["isError"] != effect, "{answer}: {told}");
        ensure!(has(&told, "text", said), "{answer}: {told}");
    }
    Ok(())
}

/// A repository with one commit.
fn repository(scene: &Scene) -> Result<PathBuf> {
    let directory = scene.workspace().join("repository");
    std::fs::create_dir(&directory)?;
    let who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"];
    for words in [&["init", "-q"][..], &["commit", "-q", "--allow-empty", "-m", "first"]] {
        let made = run(Command::new("git").current_dir(&directory).args(who).args(words))?;
        ensure!(made.status == Some(0), "{made:?}");
    }
    Ok(directory)
}

/// In revision 2026-07-28 the question is the answer to the call, and the client calls again with what its person says.
#[test]
fn the_person_at_official_clients_of_the_stateless_era() -> Result<()> {
    for typescript in [true, false] {
        for (answer, effect, said) in ANSWERS {
            let scene = Scene::new()?;
            let repository = repository(&scene)?;
            let client = match typescript {
                true => vec![node()?.into(), script("elicits-v2.mjs"), node_modules()?.into(), answer.into()],
                false => vec![python("venv")?.into(), script("elicits2.py"), answer.into()],
            };
            let asks = Asks {
                client,
                server: Server::Git.command()?,
                policy: asking("ap-rounds", "git", "git_create_branch"),
                tool: "git_create_branch",
                arguments: json!({ "repo_path": repository, "branch_name": "effect" }),
            };
            let told = asks.told(&scene)?;
            ensure!(told["protocol"] == "2026-07-28", "{told}");
            ensure!(has(&told, "asked", "git_create_branch") && has(&told, "asked", "effect"), "{told}");
            let there = repository.join(".git/refs/heads/effect").exists();
            ensure!(there == effect && told["isError"] != effect, "{answer}: {told}");
            ensure!(has(&told, "text", said), "{answer}: {told}");
            let states: Vec<String> = states(&scene)?.into_iter().map(|(state, _)| state).collect();
            let decided = match answer {
                "approve" => &["held", "approved"][..],
                "cancel" => &["held"],
                _ => &["held", "denied"],
            };
            ensure!(states == decided, "{answer}: {states:?}");
        }
    }
    Ok(())
}

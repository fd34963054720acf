//! Of what somebody is told, by real programs and a real HTTP server, and that nobody is waited for.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::internet::{Internet, Who};
use harness::{Client, Runtime, Scene, Start, eventually, mcpguard, records, run, skip};
use serde_json::{Value, json};

const LONG: Duration = Duration::from_secs(30);

/// A server that takes what is posted.
struct Hook {
    port: u16,
    posted: Receiver<String>,
}

impl Hook {
    fn open() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let (tell, posted) = channel();
        thread::spawn(move || listener.incoming().flatten().try_for_each(|stream| take(stream, &tell)));
        Ok(Self { port, posted })
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook?key=h00k-key", self.port)
    }

    /// The next thing that is posted.
    fn next(&self) -> Result<Value> {
        Ok(serde_json::from_str(&self.posted.recv_timeout(LONG).context("nothing was posted")?)?)
    }
}

/// One request; what is none is a mistake of the sender's, and seen as nothing posted.
fn take(stream: TcpStream, tell: &Sender<String>) -> Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let start = head.len();
        reader.read_line(&mut head)?;
        let line = head[start..].trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let sound = head.starts_with("POST /hook?key=h00k-key HTTP/1.1\r\n") && head.contains("application/json");
    ensure!(sound, "{head}");
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    (&stream).write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")?;
    Ok(tell.send(String::from_utf8(body)?)?)
}

/// A program's words in YAML: it appends what it reads to a file.
fn notes(scene: &Scene) -> (PathBuf, String) {
    let file = scene.root().join("told.jsonl");
    let script = format!("cat >> {}", file.display());
    (file, format!("[sh, -c, {}]", Value::from(script)))
}

/// What the program has read. The one that runs at the session's end is interrupted and started once more, so that it may
/// have read the same twice.
fn told(file: &PathBuf) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut all: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    all.dedup();
    all
}

fn session(scene: &Scene, more: &str) -> Result<Client> {
    let policy = scene.policy("p", &Runtime::Python.policy(more)?)?;
    Start::guarded(scene, &policy, Runtime::Python.puppet()?).session()
}

fn alerts(scene: &Scene) -> Result<Vec<Value>> {
    let all = records(&scene.audit())?.into_iter().map(|record| record.0);
    Ok(all.filter(|record| record["event"] == "alert").collect())
}

/// A refused call.
fn refused(client: &mut Client) -> Result<()> {
    let answer = client.call("write", json!({ "path": "x", "text": "x" }))?;
    ensure!(answer.is_refusal(), "{}", answer.0);
    Ok(())
}

const CLOSED: &str = "tools: { write: { enabled: false } }\n";

#[test]
fn a_burst_of_denials_is_one_alert_for_everybody_and_what_follows_is_counted() -> Result<()> {
    let scene = Scene::new()?;
    let hook = Hook::open()?;
    let (file, command) = notes(&scene);
    let more = format!(
        "{CLOSED}alerts:\n  packs: [baseline]\n  rules:\n    denials: {{ outcomes: [denied], more_than: 5, within_seconds: 60, quiet_seconds: 3, reason: doors are tried }}\n  \
         to: {{ stderr: true, command: {command}, webhook: \"{}\" }}\n",
        hook.url()
    );
    let mut client = session(&scene, &more)?;
    (0..9).try_for_each(|_| refused(&mut client))?;
    let first = hook.next()?;
    ensure!(first["name"] == "denials" && first["count"] == 6 && first["suppressed"] == 0, "{first}");
    ensure!(
        first["severity"] == "warning" && first["within_seconds"] == 60 && first["subject"] == "write",
        "{first}"
    );
    ensure!(first["rule"]["text"] == "alerts.rules.denials: more than 5 in 60 s", "{first}");
    thread::sleep(Duration::from_millis(3200));
    refused(&mut client)?;
    let second = hook.next()?;
    ensure!(second["name"] == "denials" && second["suppressed"] == 3, "{second}");
    refused(&mut client)?;
    let burst = hook.next()?;
    ensure!(
        burst["name"] == "denial-burst" && burst["severity"] == "critical" && burst["count"] == 11,
        "{burst}"
    );
    ensure!(hook.posted.try_recv().is_err(), "more was posted");
    ensure!(eventually(LONG, || told(&file).len() == 3), "the program was told {:?}", told(&file));
    ensure!(told(&file) == [first.clone(), second, burst], "the program was told something else");
    client.finish()?;
    let stderr = client.stderr();
    let lines: Vec<&str> = stderr.lines().filter(|line| line.starts_with("mcpguard: alert: ")).collect();
    ensure!(lines.len() == 3 && lines[0].contains("[warning] denials: 6 in 60 s, `write`"), "{stderr}");
    ensure!(lines[0].contains("(doors are tried)") && lines[1].contains("suppressed: 3"), "{stderr}");
    let log = alerts(&scene)?;
    ensure!(
        log.len() == 3 && log[0]["seq"] == first["seq"] && log[0]["records"] == first["records"],
        "{log:?}"
    );
    let text = std::fs::read_to_string(scene.audit())?;
    ensure!(!text.contains("h00k-key") && !stderr.contains("h00k-key"), "the webhook's key is told");
    ensure!(!text.contains("\"lost\""), "something was lost");
    Ok(())
}

#[test]
fn without_the_section_nobody_is_told() -> Result<()> {
    let scene = Scene::new()?;
    let mut client = session(&scene, CLOSED)?;
    (0..12).try_for_each(|_| refused(&mut client))?;
    client.finish()?;
    ensure!(alerts(&scene)?.is_empty() && !client.stderr().contains("alert"), "{}", client.stderr());
    Ok(())
}

#[test]
fn any_call_of_a_tool_and_the_end_of_a_session() -> Result<()> {
    let scene = Scene::new()?;
    let (file, command) = notes(&scene);
    let more = format!(
        "alerts:\n  rules:\n    echoes: {{ events: [tool_call], tools: [\"EC*\"], when: any, severity: critical, quiet_seconds: 0 }}\n    \
         new-tool: {{ events: [tool_call], first_seen: tool, severity: info }}\n    end: {{ events: [session_end], when: any }}\n  to: {{ command: {command} }}\n"
    );
    let mut client = session(&scene, &more)?;
    for tool in ["echo", "fail", "echo"] {
        client.call(tool, json!({ "text": "x" }))?;
    }
    ensure!(client.finish()?.success());
    let all = told(&file);
    let names: Vec<&str> = all.iter().filter_map(|alert| alert["name"].as_str()).collect();
    ensure!(names == ["echoes", "new-tool", "new-tool", "echoes", "end"], "{all:?}");
    let subjects: Vec<&str> = all.iter().filter_map(|alert| alert["subject"].as_str()).collect();
    ensure!(subjects == ["echo", "echo", "fail", "echo"], "{all:?}");
    let log: Vec<Value> = records(&scene.audit())?.into_iter().map(|record| record.0).collect();
    let first = log.iter().position(|record| record["event"] == "alert").context("no alert")?;
    ensure!(
        log[first - 1]["event"] == "tool_call" && log[first]["records"] == json!([log[first - 1]["seq"]])
    );
    let last: Vec<&Value> = log.iter().rev().take(2).map(|record| &record["event"]).collect();
    ensure!(last == ["session_end", "alert"], "{last:?}");
    Ok(())
}

#[test]
fn a_server_that_does_not_start_is_told_of() -> Result<()> {
    let scene = Scene::new()?;
    let more = "alerts: { rules: { end: { events: [session_end], outcomes: [failed], when: any } }, to: { stderr: true } }\n";
    let policy = scene.policy("p", &Runtime::Python.policy(more)?)?;
    let broken = scene.workspace().join("broken");
    std::fs::write(&broken, "\u{1}\u{2}")?;
    std::fs::set_permissions(&broken, std::fs::Permissions::from_mode(0o755))?;
    let mut client = Start::guarded(&scene, &policy, vec![broken.into()]).client()?;
    ensure!(!client.finish()?.success());
    let told = eventually(LONG, || client.stderr().contains("mcpguard: alert: [warning] end: once"));
    ensure!(told, "{}", client.stderr());
    Ok(())
}

#[test]
fn nobody_who_hangs_is_waited_for() -> Result<()> {
    let scene = Scene::new()?;
    // Takes connections and never answers; the kernel takes those that nobody accepts.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let [started, ended] = ["started", "ended"].map(|name| scene.root().join(name));
    let script = format!("echo $$ >> {}; sleep 600; touch {}", started.display(), ended.display());
    let more = format!(
        "alerts:\n  rules:\n    all: {{ events: [tool_call], when: any, quiet_seconds: 0 }}\n  \
         to: {{ stderr: true, command: [sh, -c, {}], webhook: \"http://{}/\" }}\n",
        Value::from(script),
        silent.local_addr()?
    );
    let mut client = session(&scene, &more)?;
    for _ in 0..100 {
        client.call("echo", json!({ "text": "x" }))?.result()?;
    }
    ensure!(eventually(LONG, || started.exists()), "the program was not started");
    client.call("echo", json!({ "text": "x" }))?.result()?;
    ensure!(!ended.exists(), "the program did not hang");
    let status = client.finish()?;
    ensure!(status.success(), "{status}");
    // None of them outlives the session: whoever reads its stderr to the end would wait.
    for pid in std::fs::read_to_string(&started)?.lines() {
        let command = || std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        ensure!(eventually(LONG, || !command().contains("sleep 600")), "{pid} still runs");
    }
    ensure!(alerts(&scene)?.len() == 101, "an alert is not in the log");
    let log = records(&scene.audit())?;
    let lost =
        log.iter().find(|record| record.event() == "lost").context("what was lost is not in the log")?;
    // Of 101, stderr took those of a minute, program and server none.
    ensure!(lost.0["kind"] == "alerts" && lost.0["count"] == 101 + 101 + (101 - 60), "{}", lost.0);
    ensure!(client.stderr().contains("101 alerts did not reach `alerts.to.command`"), "{}", client.stderr());
    Ok(())
}

const SECRET: &str = "s3cr3t/Value+With=Marks";
const HEARTS: [&str; 3] = ["Value+With", "czNjcjN0L1ZhbHVl", "Value%2BWith"];

#[test]
fn no_secret_is_told() -> Result<()> {
    let scene = Scene::new()?;
    let hook = Hook::open()?;
    let (file, command) = notes(&scene);
    let token = scene.root().join("token");
    std::fs::write(&token, SECRET)?;
    let more = format!(
        "environment: {{ secrets: {{ TOKEN: {{ from_file: \"{}\" }} }} }}\nalerts:\n  rules:\n    all: {{ when: any, quiet_seconds: 0, reason: \"it is {SECRET}\" }}\n    \
         tool: {{ events: [tool_call], when: any, by: tool, quiet_seconds: 0 }}\n  to: {{ stderr: true, command: {command}, webhook: \"{}\" }}\n",
        token.display(),
        hook.url()
    );
    let mut client = session(&scene, &more)?;
    ensure!(
        client.call("env", json!({}))?.puppet()?["env"]["TOKEN"] == SECRET,
        "the server does not have it"
    );
    for form in [
        SECRET,
        "eHMzY3IzdC9WYWx1ZStXaXRoPU1hcmtz",
        "s3cr3t%2FValue%2BWith%3DMarks",
        "czNjcjN0L1ZhbHVlK1dpdGg9TWFya3M=",
    ] {
        client.call(form, json!({ "text": form }))?;
        client.call("noise", json!({ "lines": [form] }))?;
        client.request(form, json!({}))?;
    }
    client.finish()?;
    let mut posted: Vec<String> = hook.posted.try_iter().collect();
    ensure!(posted.len() > 10, "{posted:?}");
    ensure!(posted.iter().any(|line| line.contains("[redacted:TOKEN]")), "{posted:?}");
    posted.extend([
        std::fs::read_to_string(&file)?,
        client.stderr(),
        std::fs::read_to_string(scene.audit())?,
    ]);
    for (heart, text) in HEARTS.iter().flat_map(|heart| posted.iter().map(move |text| (heart, text))) {
        ensure!(!text.contains(heart), "{heart} is told: {text}");
    }
    Ok(())
}

#[test]
fn another_policy_s_rules_hold_after_a_reload() -> Result<()> {
    let scene = Scene::new()?;
    let (file, command) = notes(&scene);
    let name = "name: al-reload";
    let text =
        |more: &str| Ok::<_, anyhow::Error>(Runtime::Python.policy(more)?.replace("name: puppet", name));
    let rule = |tool: &str, to: &str| {
        format!(
            "alerts: {{ rules: {{ r: {{ events: [tool_call], tools: [{tool}], when: any, quiet_seconds: 0 }} }}, to: {to} }}\n"
        )
    };
    let policy = scene.policy("p", &text(&rule("env", "{ stderr: true }"))?)?;
    let mut client = Start::guarded(&scene, &policy, Runtime::Python.puppet()?).session()?;
    client.call("env", json!({}))?.result()?;
    scene.policy("p", &text(&rule("echo", &format!("{{ command: {command} }}")))?)?;
    let reloaded = run(Command::new(mcpguard()?).args(["reload", "al-reload"]))?;
    ensure!(reloaded.status == Some(0), "{reloaded:?}");
    client.call("env", json!({}))?.result()?;
    client.call("echo", json!({ "text": "x" }))?.result()?;
    client.finish()?;
    let told = told(&file);
    ensure!(told.len() == 1 && told[0]["subject"] == "echo", "{told:?}");
    let stderr = client.stderr();
    ensure!(stderr.matches("mcpguard: alert: ").count() == 1, "{stderr}");
    Ok(())
}

#[test]
fn mistakes_stop_the_start_with_their_place() -> Result<()> {
    let scene = Scene::new()?;
    for (more, wanted) in [
        ("alerts: { packs: [baseline] }\n", "error: nobody is told of these alerts"),
        ("alerts: { packs: [baselin], to: { stderr: true } }\n", "did you mean `baseline`?"),
        (
            "alerts: { rules: { r: { more_than: 3 } }, to: { stderr: true } }\n",
            "`more_than` needs `within_seconds`",
        ),
        (
            "alerts: { rules: { r: { when: any, events: [authentication] } }, to: { stderr: true } }\n",
            "`authentication` is none of",
        ),
    ] {
        let policy = scene.policy("p", &format!("version: 1\nname: p\n{more}"))?;
        let checked = run(Command::new(mcpguard()?).arg("check").arg(&policy))?;
        let said = format!("{}{}", checked.stdout, checked.stderr);
        ensure!(checked.status == Some(1) || checked.status == Some(125), "{checked:?}");
        ensure!(said.contains("p.yaml:3:") && said.contains(wanted), "{said}");
        let mut client = Start::guarded(&scene, &policy, Runtime::Python.puppet()?).client()?;
        ensure!(!client.finish()?.success() && client.stderr().contains(wanted), "{}", client.stderr());
    }
    Ok(())
}

/// A host is reached by its name.
const REACH: &str = "import socket, ssl; bare = socket.create_connection(('api.shop.example', 443)); context = ssl.create_default_context(); \
    context.check_hostname = False; context.verify_mode = ssl.CERT_NONE; \
    print(context.wrap_socket(bare, server_hostname='api.shop.example').version())";

#[test]
fn a_host_that_is_reached_for_the_first_time() -> Result<()> {
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        skip("root, who can make network namespaces");
        return Ok(());
    }
    let internet = Internet::raise()?;
    let more = "network: { allowed_domains: [api.shop.example], allowed_ports: [443] }\nalerts:\n  packs: [baseline]\n  \
                rules: { host: { first_seen: host, outcomes: [allowed] } }\n  to: { stderr: true }\n";
    let text = Runtime::Python.policy(more)?.replace("runtime/python", "runtime/python, runtime/network");
    for who in [Who::User, Who::Root] {
        let scene = Scene::new()?;
        let start = Start::guarded(&scene, scene.policy("p", &text)?, Runtime::Python.puppet()?);
        let mut client = match internet.session(who, &scene, start) {
            Ok(client) => client,
            Err(error) => {
                ensure!(format!("{error:#}").contains("cannot be enforced on this host"), "{error:#}");
                skip(&format!("domains for {who:?}"));
                continue;
            }
        };
        for _ in 0..2 {
            let answer = client.call("spawn", json!({ "argv": ["/usr/bin/python3", "-c", REACH] }))?;
            ensure!(answer.puppet()?["status"] == 0, "{who:?}: {}{}", answer.0, client.stderr());
        }
        client.finish()?;
        let stderr = client.stderr();
        for rule in ["[warning] host: once, `api.shop.example`", "[info] new-host: once, `api.shop.example`"]
        {
            ensure!(stderr.matches(rule).count() == 1, "{who:?}: {rule}: {stderr}");
        }
    }
    Ok(())
}

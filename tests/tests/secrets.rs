//! Secrets that mcpguard gave to the server never stand in the audit log, nor on stderr: neither from arguments,
//! results, errors, stderr nor noise, plain or encoded.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::{Client, Runtime, Scene, Start, checkout, mcpguard, records, run};
use serde_json::{Value, json};

/// Long enough to be searched for in every form, with characters that JSON and URLs escape.
const SECRET: &str = "s3cr3t/\"Value+With=Marks&é";

/// How a server may give it away: as it is, JSON-escaped by the test itself, base64 (at each alignment, and for
/// URLs), percent-encoded, hex.
const FORMS: [&str; 8] = [
    SECRET,
    "czNjcjN0LyJWYWx1ZStXaXRoPU1hcmtzJsOp",
    "eHMzY3IzdC8iVmFsdWUrV2l0aD1NYXJrcybDqQ==",
    "eHhzM2NyM3QvIlZhbHVlK1dpdGg9TWFya3Mmw6k=",
    "s3cr3t%2F%22Value%2BWith%3DMarks%26%C3%A9",
    "s3cr3t%2f%22Value%2bWith%3dMarks%26%c3%a9",
    "7333637233742f2256616c75652b576974683d4d61726b7326c3a9",
    "7333637233742F2256616C75652B576974683D4D61726B7326C3A9",
];

/// What must stand nowhere: the heart of each form.
const HEARTS: [&str; 8] = [
    "Value+With=Marks",
    "czNjcjN0LyJWYWx1ZStXaXRo",
    "MzY3IzdC8iVmFsdWUrV2l0aD1N",
    "M2NyM3QvIlZhbHVlK1dpdGg9TWFy",
    "Value%2BWith",
    "Value%2bWith",
    "56616c75652b57697468",
    "56616C75652B57697468",
];

#[test]
fn secrets_are_never_written_down() -> Result<()> {
    for runtime in Runtime::ALL {
        let scene = Scene::new()?;
        let file = scene.root().join("token");
        std::fs::write(&file, format!("{SECRET}\n"))?;
        let more = format!("environment:\n  secrets:\n    TOKEN: {{ from_file: \"{}\" }}\n", file.display());
        let policy = scene.policy("puppet", &runtime.policy(&more)?)?;
        let mut client = Start::guarded(&scene, &policy, runtime.puppet()?).session()?;

        // The server has it …
        ensure!(
            client.call("env", json!({}))?.puppet()?["env"]["TOKEN"] == SECRET,
            "{runtime:?}: not delivered"
        );
        // … and gives it away in every way it can.
        for form in FORMS {
            client.call("echo", json!({ "text": form }))?;
            client.call("fail", json!({ "text": form }))?;
            client.call("stderr", json!({ "text": form }))?;
            client.call("noise", json!({ "lines": [form] }))?;
            client.call("read", json!({ "path": format!("/nowhere/{form}") }))?;
            client.call(form, json!({ form: form }))?;
            client.request(form, json!({ "x": form }))?;
        }
        ensure!(client.finish()?.code() == Some(0), "{runtime:?}: {}", client.stderr());

        let log = std::fs::read_to_string(scene.audit())?;
        let stderr = client.stderr();
        for heart in HEARTS {
            ensure!(!log.contains(heart), "{runtime:?}: the audit log holds {heart}");
            ensure!(!stderr.contains(heart), "{runtime:?}: stderr holds {heart}");
        }
        let told = records(&scene.audit())?;
        ensure!(
            told.iter().any(|record| record.mentions("[redacted:TOKEN]")),
            "{runtime:?}: nothing was redacted"
        );
        ensure!(
            told.iter().filter(|record| record.event() == "tool_call").count() > 30,
            "{runtime:?}: calls missing"
        );
    }
    Ok(())
}

/// Six values that the server is given.
const GIVEN: [&str; 6] = [
    "correct-horse-battery-staple-7",
    "p@ss/w0rd+of=the&database",
    "0123456789abcdef0123456789abcdef",
    "two words and a quote\" here",
    "Zürich-Straße-42-Schlüssel",
    "eyJub3QiOiJhIHRva2VuIn0-but-a-secret",
];

/// The first example of each rule for secrets: a text with one of that form, and the longest run of signs in it, which must
/// stand nowhere.
fn forms() -> Result<Vec<(String, String)>> {
    let pack = std::fs::read_to_string(checkout().join("supervisor/content/packs/secrets.toml"))?;
    let pack: toml::Table = pack.parse()?;
    let rules = pack["rule"].as_array().context("a pack without rules")?;
    let example = |rule: &toml::Value| -> Option<(String, String)> {
        let parts = rule["matches"].as_array()?.first()?.as_array()?;
        let text: String = parts.iter().filter_map(toml::Value::as_str).collect();
        let sign = |c: char| c.is_ascii_alphanumeric() || "_-+/=%".contains(c);
        let mixed = |run: &str| run.contains(|c: char| c.is_ascii_digit());
        let heart = text.split(|c| !sign(c)).max_by_key(|run| (mixed(run), run.len()))?.to_owned();
        Some((text, heart))
    };
    Ok(rules.iter().filter_map(example).collect())
}

/// Everything that the server can do with a text.
fn plant(client: &mut Client, text: &str) -> Result<()> {
    for (tool, arguments) in [
        ("echo", json!({ "text": text })),
        ("fail", json!({ "text": text })),
        ("stderr", json!({ "text": text })),
        // A line of a key by itself has no form that could be known.
        ("noise", json!({ "lines": [text.replace('\n', " ")] })),
        ("read", json!({ "path": format!("/nowhere/{text}") })),
        ("no-such-tool", json!({ "more": [{ "deep": text }] })),
        (text, json!({ "x": 1 })),
    ] {
        client.call(tool, arguments)?;
    }
    client.request("resources/read", json!({ "uri": format!("file:///{text}") }))?;
    Ok(())
}

/// What a person or a program could look at while the session runs and afterwards.
fn seen(scene: &Scene, client: &Client, session: &str) -> Result<Vec<(&'static str, String)>> {
    let told = |arguments: &[&str]| -> Result<String> {
        let told = run(Command::new(mcpguard()?).args(arguments).arg(scene.audit()))?;
        Ok(told.stdout + &told.stderr)
    };
    let listed = run(Command::new(mcpguard()?).args(["ps", "--json"]))?.stdout;
    ensure!(listed.contains(session), "the session is not listed: {listed}");
    let mut lines = String::new();
    for entry in std::fs::read_dir("/proc")? {
        // Processes come and go.
        let Ok(line) = std::fs::read_to_string(entry?.path().join("cmdline")) else { continue };
        lines += &line;
    }
    Ok(vec![
        ("the audit log", std::fs::read_to_string(scene.audit())?),
        ("stderr", client.stderr()),
        ("log show", told(&["log", "show", "--file"])?),
        ("log show --json", told(&["log", "show", "--json", "--file"])?),
        ("ps", listed),
        ("the command lines of all processes", lines),
    ])
}

#[test]
fn forty_planted_secrets_are_nowhere() -> Result<()> {
    let scene = Scene::new()?;
    let mut secrets = String::from("environment:\n  secrets:\n");
    for (number, value) in GIVEN.iter().enumerate() {
        let file = scene.root().join(format!("secret-{number}"));
        std::fs::write(&file, format!("{value}\n"))?;
        secrets += &format!("    GIVEN_{number}: {{ from_file: \"{}\" }}\n", file.display());
    }
    let forms = forms()?;
    ensure!(forms.len() + GIVEN.len() >= 40, "{} are planted", forms.len() + GIVEN.len());
    let more = format!("{secrets}responses: {{ redact: [secrets] }}\naudit: {{ arguments: redacted }}\n");
    let text = Runtime::Python.policy(&more)?.replace("name: puppet", "name: planted");
    let policy = scene.policy("planted", &text)?;
    let mut client = Start::guarded(&scene, &policy, Runtime::Python.puppet()?).session()?;
    ensure!(client.call("env", json!({}))?.0.to_string().contains("GIVEN_0"), "not delivered");
    let given = GIVEN.iter().map(|value| ((*value).to_owned(), (*value).to_owned()));
    let planted: Vec<(String, String)> = given.chain(forms).collect();
    for (text, _) in &planted {
        plant(&mut client, text)?;
    }
    let mut places = seen(&scene, &client, "planted")?;
    let answers: Vec<String> =
        client.seen().iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    places.push(("what the client received", answers.join("\n")));
    ensure!(client.finish()?.code() == Some(0), "{}", client.stderr());
    let mut left = Vec::new();
    for (place, text) in &places {
        ensure!(text.len() > 50, "{place}: {text}");
        // JSON writes some characters otherwise.
        let decoded = text.replace("\\\"", "\"").replace("\\u00fc", "ü");
        left.extend(
            planted
                .iter()
                .filter(|(_, heart)| decoded.contains(heart.as_str()))
                .map(|(_, heart)| format!("{place}: {heart}")),
        );
    }
    ensure!(left.is_empty(), "{} of {} times: {left:#?}", left.len(), planted.len() * places.len());
    let log: Vec<Value> = records(&scene.audit())?.into_iter().map(|record| record.0).collect();
    ensure!(log.iter().filter(|record| record["event"] == "tool_call").count() > 200, "calls are missing");
    Ok(())
}

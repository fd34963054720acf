//! What answers consist of: kinds of media, links to files and hosts, how many items and how deep.

use anyhow::{Result, ensure};
use harness::{Client, Runtime, Scene, Server, Start, records};
use serde_json::{Value, json};

const RULES: &str = "network: { allowed_domains: [docs.example.org] }\nresponses:\n  check_links: true\n  \
    allowed_media_types: [image/png, \"text/*\"]\n  max_items: 3\n  max_depth: 8\n";

/// What the puppet answers.
fn answer(client: &mut Client, items: &Value) -> Result<Value> {
    Ok(client.call("content", json!({ "items": items }))?.0)
}

fn link(uri: &str) -> Value {
    json!([{ "type": "resource_link", "name": "n", "uri": uri, "mimeType": "text/plain" }])
}

/// Answers that lead a client astray, and what the refusal says.
fn attacks() -> Vec<(Value, &'static str)> {
    let text = json!({ "type": "text", "text": "x" });
    let image = |kind: &str| json!([{ "type": "image", "data": "AA==", "mimeType": kind }]);
    let mut deep = json!(1);
    for _ in 0..10 {
        deep = json!([deep]);
    }
    vec![
        (link("file:///etc/passwd"), "is no file that the policy lets the server read"),
        (link("file:///proc/self/environ"), "is no file that the policy lets the server read"),
        (link("file:///etc/../etc/passwd"), "read in several ways"),
        (link("https://evil.example/?d=1"), "is for `evil.example`"),
        (link("http://169.254.169.254/latest/meta-data"), "begins with `http:`"),
        (link("javascript:fetch('//evil.example')"), "begins with `javascript:`"),
        (
            json!([{ "type": "resource", "resource": { "uri": "file:///etc/shadow", "text": "x" } }]),
            "a file for `file:///etc/shadow`",
        ),
        (image("image/svg+xml"), "an image of type `image/svg+xml`"),
        (json!([text, text, text, text]), "4 items"),
        (json!([{ "type": "text", "text": "x", "annotations": deep }]), "levels of nesting"),
    ]
}

#[test]
fn answers_lead_only_where_the_policy_lets_the_server_go() -> Result<()> {
    let runtime = Runtime::Python;
    let scene = Scene::new()?;
    let without = scene.policy("without", &runtime.policy("")?)?;
    let mut client = Start::guarded(&scene, &without, runtime.puppet()?).session()?;
    for (items, _) in attacks() {
        let answer = answer(&mut client, &items)?;
        ensure!(answer["result"]["content"] == items, "the attack does not work: {answer}");
    }
    client.finish()?;

    let scene = Scene::new()?;
    let policy = scene.policy("p", &runtime.policy(RULES)?)?;
    let mut client = Start::guarded(&scene, &policy, runtime.puppet()?).session()?;
    for (items, why) in attacks() {
        let told = answer(&mut client, &items)?.to_string();
        ensure!(told.contains(why) && told.contains("responses."), "{items}: {told}");
    }
    let own = format!("file://{}", scene.workspace().join("notes.txt").display());
    for items in [link(&own), link("https://docs.example.org/a"), link("note://1"), json!([])] {
        let told = answer(&mut client, &items)?;
        ensure!(told["result"]["content"] == items, "{items}: {told}");
    }
    client.finish()?;
    let log: Vec<Value> = records(&scene.audit())?.into_iter().map(|record| record.0).collect();
    let refused: Vec<_> = log.iter().filter(|record| record["cause"] == "content").collect();
    ensure!(refused.len() == attacks().len(), "{} of the attacks are in the log", refused.len());
    for (record, (_, why)) in refused.iter().zip(attacks()) {
        let reason = record["reason"].as_str().unwrap_or_default();
        let rule = record["rule"]["text"].as_str().unwrap_or_default();
        ensure!(reason.contains(why) && rule.starts_with("responses."), "{record}");
    }
    Ok(())
}

#[test]
fn media_of_a_real_server_are_what_the_policy_names() -> Result<()> {
    let scene = Scene::new()?;
    for name in ["a.png", "a.wav"] {
        std::fs::write(scene.workspace().join(name), b"not much")?;
    }
    let policy =
        "version: 1\nname: p\nextends: [filesystem]\nresponses: { allowed_media_types: [image/png] }\n";
    let policy = scene.policy("p", policy)?;
    let server = Server::Filesystem.with(&[&scene.workspace()])?;
    let read = |client: &mut Client, name: &str| -> Result<Value> {
        Ok(client.call("read_media_file", json!({ "path": scene.workspace().join(name) }))?.0)
    };
    let mut client = Start::bare(&scene, server.clone()).session()?;
    ensure!(read(&mut client, "a.wav")?["result"]["content"][0]["mimeType"] == "audio/wav");
    client.finish()?;
    let mut client = Start::guarded(&scene, &policy, server).session()?;
    ensure!(read(&mut client, "a.png")?["result"]["content"][0]["mimeType"] == "image/png");
    let sound = read(&mut client, "a.wav")?.to_string();
    ensure!(sound.contains("a sound of type `audio/wav`"), "{sound}");
    client.finish()?;
    Ok(())
}

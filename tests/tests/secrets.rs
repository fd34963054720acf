//! Secrets that mcpguard gave to the server never stand in the audit log, nor on stderr: neither from arguments,
//! results, errors, stderr nor noise, plain or encoded.

use anyhow::{Result, ensure};
use harness::{Runtime, Scene, Start, records};
use serde_json::json;

/// Long enough to be searched for in every form, with characters that JSON and URLs escape.
const SECRET: &str = "s3cr3t/\"Value+With=Marks&é";

/// How the secret may look after an encoder has seen it.
const FORMS: [&str; 6] = [
    "s3cr3t/",
    "s3cr3t\\/",
    "Value+With=Marks",
    // base64, percent, hex: the parts that do not depend on alignment
    "czNjcjN0LyJWYWx1ZStXaXRoPU1hcmtz",
    "s3cr3t%2F%22Value%2BWith%3DMarks",
    "7333637233742f2256616c75652b576974683d4d61726b73",
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
        for form in std::iter::once(SECRET).chain(FORMS) {
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
        for form in FORMS {
            ensure!(!log.contains(form), "{runtime:?}: the audit log holds {form}");
            ensure!(!stderr.contains(form), "{runtime:?}: stderr holds {form}");
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

//! Secrets that mcpguard gave to the server never stand in the audit log, nor on stderr: neither from arguments,
//! results, errors, stderr nor noise, plain or encoded.

use anyhow::{Result, ensure};
use harness::{Runtime, Scene, Start, records};
use serde_json::json;

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

//! `init --serve`: a small MCP server over stdio whose tools are the actions, so that an attack happens during a call.
//!
//! Any tool name is taken: the arguments `{"act": NAME, "arguments": [TEXT…]}` say what is done, so that a policy can
//! give different grants to tools that do the same.

use std::io::{BufRead, Write};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::actor;

/// The tools that are listed. Others work too.
const TOOLS: &[&str] = &["act", "read_file", "write_file", "fetch", "run"];

/// Serves until stdin ends.
pub(crate) fn run() -> Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line?).context("the client does not speak JSON")?;
        // Notifications have no id and get no answer.
        let Some(id) = message.get("id") else { continue };
        let result = answer(message["method"].as_str().unwrap_or_default(), &message["params"]);
        let answer = match result {
            Some(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            None => {
                json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32601, "message": "no such method" } })
            }
        };
        writeln!(out, "{answer}").and_then(|()| out.flush()).context("the client does not listen")?;
    }
    Ok(())
}

fn answer(method: &str, params: &Value) -> Option<Value> {
    match method {
        "initialize" => Some(json!({
            "protocolVersion": params["protocolVersion"], "capabilities": { "tools": {} },
            "serverInfo": { "name": "mcpguard-vm", "version": env!("CARGO_PKG_VERSION") },
        })),
        "ping" => Some(json!({})),
        "tools/list" => Some(json!({ "tools": TOOLS.iter().map(|name| tool(name)).collect::<Vec<_>>() })),
        "tools/call" => Some(call(&params["arguments"])),
        _ => None,
    }
}

fn tool(name: &str) -> Value {
    let properties = json!({
        "act": { "type": "string" }, "arguments": { "type": "array", "items": { "type": "string" } },
    });
    json!({ "name": name, "inputSchema": { "type": "object", "properties": properties } })
}

fn call(arguments: &Value) -> Value {
    let texts: Vec<&str> =
        arguments["arguments"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let outcome = actor::perform(arguments["act"].as_str().unwrap_or_default(), &texts);
    let told = serde_json::to_string(&outcome).unwrap_or_default();
    json!({ "content": [{ "type": "text", "text": told }], "isError": !outcome.is_ok() })
}

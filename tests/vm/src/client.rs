//! An MCP client: one request at a time, every wait bounded.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::actor::Outcome;
use crate::ground::Ground;

/// How long an answer may take on a fast machine; real servers load much before their first one.
const PATIENCE: Duration = Duration::from_secs(12);

/// A running server and our ends of its pipes.
pub(crate) struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    next: u64,
    patience: Duration,
}

#[allow(dead_code, reason = "a vocabulary for cases; not every word is used by every set of cases")]
impl Client {
    /// Starts the command and shakes hands. What it writes to stderr comes into the case's output.
    pub(crate) fn start(mut command: Command, ground: &Ground) -> Result<Self> {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot start")?;
        let stdout = BufReader::new(child.stdout.take().context("no stdout")?);
        let (tell, lines) = channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        let stdin = child.stdin.take();
        let mut client = Self { child, stdin, lines, next: 0, patience: ground.slow(PATIENCE) };
        let info = json!({ "name": "guest", "version": "1" });
        let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": info });
        let answer = client.request("initialize", params)?;
        ensure!(answer.get("result").is_some(), "the handshake failed: {answer}");
        client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))?;
        Ok(client)
    }

    /// Sends a request and waits for its answer; what else comes meanwhile is dropped.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Result<Value> {
        self.next += 1;
        let id = json!(self.next);
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        let until = Instant::now() + self.patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).with_context(|| format!("no answer to {method}"))?;
            let message: Value = serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))?;
            if message.get("method").is_none() && message["id"] == id {
                return Ok(message);
            }
        }
    }

    /// Calls a tool of any server; the whole answer.
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Result<Value> {
        self.request("tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// Lets the guest's own server act during a call of the tool.
    pub(crate) fn act(&mut self, tool: &str, act: &str, arguments: &[&str]) -> Result<Outcome> {
        let answer = self.call(tool, json!({ "act": act, "arguments": arguments }))?;
        let text = answer["result"]["content"][0]["text"].as_str();
        serde_json::from_str(text.with_context(|| format!("no outcome in {answer}"))?)
            .context("not an outcome")
    }

    /// The process that was started.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Closes stdin and waits for the end.
    pub(crate) fn finish(&mut self) -> Result<ExitStatus> {
        self.stdin = None;
        let until = Instant::now() + self.patience;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(Instant::now() < until, "still running after {:?}", self.patience);
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Sends any message.
    pub(crate) fn send(&mut self, message: &Value) -> Result<()> {
        let stdin = self.stdin.as_mut().context("stdin is closed")?;
        stdin.write_all(format!("{message}\n").as_bytes()).context("the server does not read")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

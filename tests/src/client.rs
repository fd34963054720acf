//! An MCP client for tests: raw lines out, raw lines in, every wait bounded.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::patience::patience;
use crate::planted;

/// The revisions that begin with `initialize`.
pub const INITIALIZE_REVISIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// Longer than any server takes on a busy machine with two processors.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came back for a request.
#[derive(Clone, Debug)]
pub struct Answer(pub Value);

impl Answer {
    /// The result, or an error that shows the whole answer.
    pub fn result(&self) -> Result<&Value> {
        self.0.get("result").with_context(|| format!("an error came back: {}", self.0))
    }

    /// The JSON-RPC error, or an error that shows the whole answer.
    pub fn error(&self) -> Result<&Value> {
        self.0.get("error").with_context(|| format!("a result came back: {}", self.0))
    }

    /// The text of the first content item.
    pub fn text(&self) -> Result<&str> {
        self.result()?["content"][0]["text"].as_str().with_context(|| format!("no text in {}", self.0))
    }

    /// Whether the call was refused or failed: a JSON-RPC error, or a result that says `isError`.
    pub fn is_refusal(&self) -> bool {
        self.0.get("error").is_some() || self.0["result"]["isError"] == true
    }

    /// What the puppet's tool answered.
    pub fn puppet(&self) -> Result<Value> {
        serde_json::from_str(self.text()?).with_context(|| format!("not the puppet's answer: {}", self.0))
    }

    /// `ok`, or the errno by name: what the puppet's attack came to.
    pub fn outcome(&self) -> Result<String> {
        let told = self.puppet()?;
        Ok(if told["ok"] == true { "ok" } else { told["errno"].as_str().unwrap_or("?") }.to_owned())
    }
}

/// A running server, guarded or bare, and our ends of its pipes.
pub struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Vec<u8>>,
    seen: Vec<Vec<u8>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    next_id: u64,
    /// Its environment holds what nobody may find.
    is_guarded: bool,
}

impl Client {
    /// Starts the command.
    pub fn spawn(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let is_guarded = planted::is_in(&command);
        let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let stdout = child.stdout.take().context("no stdout")?;
        let (tell, lines) = channel();
        thread::spawn(move || {
            let mut reader = BufReader::with_capacity(1 << 16, stdout);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                if tell.send(std::mem::take(&mut line)).is_err() {
                    break;
                }
            }
        });
        let stderr = Arc::new(Mutex::new(Vec::new()));
        collect(child.stderr.take().context("no stderr")?, Arc::clone(&stderr));
        let stdin = child.stdin.take();
        Ok(Self { child, stdin, lines, seen: Vec::new(), stderr, next_id: 0, is_guarded })
    }

    /// The process that was started.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes bytes as they are; no newline is added.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let stdin = self.stdin.as_mut().context("stdin is closed")?;
        stdin.write_all(bytes).and_then(|()| stdin.flush()).context("the other side does not read")
    }

    /// Writes one line.
    pub fn line(&mut self, line: &[u8]) -> Result<()> {
        self.write(&[line, b"\n"].concat())
    }

    /// The next line that comes, parsed; `None` at the end or when the time is over.
    pub fn next(&mut self, within: Duration) -> Result<Option<Value>> {
        match self.lines.recv_timeout(within) {
            Ok(line) => {
                let value = serde_json::from_slice(&line);
                let value =
                    value.with_context(|| format!("not JSON: {:?}", String::from_utf8_lossy(&line)))?;
                self.seen.push(line);
                Ok(Some(value))
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(None),
        }
    }

    /// Every line that was taken so far, as it came.
    pub fn seen(&self) -> &[Vec<u8>] {
        &self.seen
    }

    /// Sends a request and waits for its answer; what else comes meanwhile is dropped.
    pub fn request(&mut self, method: &str, params: Value) -> Result<Answer> {
        let id = self.send(method, params)?;
        self.answer_to(&id)
    }

    /// Sends a request and returns its id.
    pub fn send(&mut self, method: &str, params: Value) -> Result<Value> {
        self.next_id += 1;
        let id = json!(self.next_id);
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.line(message.to_string().as_bytes())?;
        Ok(id)
    }

    /// Waits for the answer to `id`.
    pub fn answer_to(&mut self, id: &Value) -> Result<Answer> {
        let until = Instant::now() + patience(PATIENCE);
        loop {
            match self.next(until.saturating_duration_since(Instant::now()))? {
                Some(message) if message.get("method").is_none() && message.get("id") == Some(id) => {
                    return Ok(Answer(message));
                }
                Some(_) => {}
                None => bail!("no answer to {id}; stderr:\n{}", self.stderr()),
            }
        }
    }

    /// Sends a notification.
    pub fn notify(&mut self, method: &str, params: Value) -> Result<()> {
        self.line(json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string().as_bytes())
    }

    /// `initialize` and `notifications/initialized`; returns the result.
    pub fn handshake(&mut self, revision: &str) -> Result<Value> {
        self.handshake_with(revision, json!({}))
    }

    /// The handshake with capabilities of the client.
    pub fn handshake_with(&mut self, revision: &str, capabilities: Value) -> Result<Value> {
        let info = json!({ "name": "harness", "version": "1" });
        let params = json!({ "protocolVersion": revision, "capabilities": capabilities, "clientInfo": info });
        let result = self.request("initialize", params)?.result()?.clone();
        self.notify("notifications/initialized", json!({}))?;
        Ok(result)
    }

    /// Calls a tool.
    pub fn call(&mut self, tool: &str, arguments: Value) -> Result<Answer> {
        self.request("tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// The names of all tools, over all pages.
    pub fn tool_names(&mut self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        let mut params = json!({});
        loop {
            let answer = self.request("tools/list", params)?;
            let result = answer.result()?;
            let tools = result["tools"].as_array().with_context(|| format!("no tools in {result}"))?;
            names.extend(tools.iter().filter_map(|tool| tool["name"].as_str().map(str::to_owned)));
            match result.get("nextCursor").filter(|cursor| !cursor.is_null()) {
                Some(cursor) => params = json!({ "cursor": cursor }),
                None => return Ok(names),
            }
        }
    }

    /// What came on stderr so far.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Closes stdin: the client goes.
    pub fn hang_up(&mut self) {
        self.stdin = None;
    }

    /// Waits for the process to end.
    pub fn wait(&mut self, within: Duration) -> Result<ExitStatus> {
        let until = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(Instant::now() < until, "still running after {within:?}; stderr:\n{}", self.stderr());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Closes stdin and waits for the end.
    pub fn finish(&mut self) -> Result<ExitStatus> {
        if self.is_guarded {
            planted::check_processes();
        }
        self.hang_up();
        self.wait(patience(PATIENCE))
    }

    /// `SIGKILL` to the process that was started, and to it alone.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().context("cannot kill")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stdin = None;
        // A guard that ends by itself takes its whole tree along; a killed one may not.
        if self.wait(Duration::from_secs(8)).is_err() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if self.is_guarded {
            planted::check("stderr", self.stderr().as_bytes());
            self.seen.iter().for_each(|line| planted::check("what the client received", line));
        }
    }
}

fn collect(mut from: impl Read + Send + 'static, into: Arc<Mutex<Vec<u8>>>) {
    thread::spawn(move || {
        let mut chunk = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut chunk) {
            into.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&chunk[..read]);
        }
    });
}

//! `cargo xtask demo`: a real npm server under its policy, step by step, and what the audit log says of it.
//!
//! Each step states what must happen; the demo fails if it does not.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::checkout::Checkout;
use crate::{setup, step, test};

/// The policy of the demo: the shipped preset, and one tool less.
const POLICY: &str = "\
version: 1
name: demo
description: The filesystem preset, without the tool that overwrites files.
extends: [filesystem]
tools:
  write_file: { enabled: false, reason: nothing is overwritten in a demo }
";

/// Runs the demo.
pub(crate) fn run(checkout: &Checkout) -> Result<()> {
    setup::run(checkout, setup::Scope::Demo)?;
    eprintln!("demo: building mcpguard (release) …");
    let mcpguard = test::build(checkout, &["--release"])?;
    let stage = Stage::new(checkout, mcpguard)?;
    stage.play()?;
    println!("\ndemo: every step went as it must");
    Ok(())
}

/// The directories of the demo, gone when it ends.
struct Stage {
    _directory: tempfile::TempDir,
    root: PathBuf,
    server: PathBuf,
    mcpguard: PathBuf,
}

impl Stage {
    fn new(checkout: &Checkout, mcpguard: PathBuf) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("mcpguard-demo-").tempdir()?;
        let root = directory.path().canonicalize()?;
        for place in ["notes", "private"] {
            fs::create_dir(root.join(place))?;
        }
        fs::write(root.join("notes/hello.txt"), "Hello from the workspace.")?;
        fs::write(root.join("private/key.txt"), "A key that is nobody's business.")?;
        fs::write(root.join("demo.yaml"), POLICY)?;
        let server = "npm/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js";
        Ok(Self { _directory: directory, root, server: checkout.servers().join(server), mcpguard })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The server is told that it may use both directories: only the policy stands between it and the private one.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.mcpguard);
        command.arg("exec").arg("--policy").arg(self.path("demo.yaml"));
        command.arg("--workspace").arg(self.path("notes")).arg("--audit").arg(self.path("audit.jsonl"));
        command.args(["--", "node"]).arg(&self.server).arg(self.path("notes")).arg(self.path("private"));
        command
    }

    fn play(&self) -> Result<()> {
        println!("\n$ cat demo.yaml\n{POLICY}");
        println!(
            "$ mcpguard exec --policy demo.yaml --workspace notes -- node server-filesystem notes private\n"
        );
        let mut talk = Talk::begin(self.command())?;
        self.handshake(&mut talk)?;
        self.allowed_call(&mut talk)?;
        self.denied_file(&mut talk)?;
        self.disabled_tool(&mut talk)?;
        talk.end()?;
        self.audit()
    }

    fn handshake(&self, talk: &mut Talk) -> Result<()> {
        let info = json!({ "name": "demo", "version": "1" });
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info });
        let answer = talk.ask("initialize", params)?;
        let server = &answer["result"]["serverInfo"];
        ensure!(server["name"].is_string(), "no handshake: {answer}");
        talk.tell("notifications/initialized")?;
        println!(
            "1. handshake       {} {}, protocol {}",
            server["name"], server["version"], answer["result"]["protocolVersion"]
        );
        Ok(())
    }

    fn allowed_call(&self, talk: &mut Talk) -> Result<()> {
        let answer = talk.call("read_text_file", json!({ "path": self.path("notes/hello.txt") }))?;
        ensure!(!is_refusal(&answer) && text(&answer).contains("Hello"), "the allowed call failed: {answer}");
        println!("2. allowed call    read_text_file notes/hello.txt → {:?}", text(&answer));
        Ok(())
    }

    fn denied_file(&self, talk: &mut Talk) -> Result<()> {
        let answer = talk.call("read_text_file", json!({ "path": self.path("private/key.txt") }))?;
        ensure!(is_refusal(&answer), "the file outside of the policy was read: {answer}");
        ensure!(
            text(&answer).contains("EACCES") || text(&answer).contains("denied"),
            "not by the kernel: {answer}"
        );
        println!("3. denied file     read_text_file private/key.txt → {:?}", text(&answer));
        println!("                   (the server would allow it: the kernel did not)");
        Ok(())
    }

    fn disabled_tool(&self, talk: &mut Talk) -> Result<()> {
        let listed = talk.ask("tools/list", json!({}))?;
        let tools = listed["result"]["tools"].as_array().with_context(|| format!("no tools: {listed}"))?;
        ensure!(!tools.iter().any(|tool| tool["name"] == "write_file"), "write_file is still listed");
        let target = self.path("notes/new.txt");
        let answer = talk.call("write_file", json!({ "path": target, "content": "x" }))?;
        ensure!(is_refusal(&answer) && !target.exists(), "the disabled tool ran: {answer}");
        println!(
            "4. disabled tool   write_file is not among the {} tools listed; called all the same:",
            tools.len()
        );
        println!("                   {:?}", said(&answer));
        Ok(())
    }

    fn audit(&self) -> Result<()> {
        let log = self.path("audit.jsonl");
        println!("\n$ mcpguard log show");
        let shown = self.log(&["show"], &log)?;
        print!("{shown}");
        for word in ["read_text_file", "write_file"] {
            ensure!(shown.contains(word), "`{word}` is not in the audit log");
        }
        println!("\n$ mcpguard log verify");
        print!("{}", self.log(&["verify"], &log)?);
        Ok(())
    }

    fn log(&self, words: &[&str], log: &Path) -> Result<String> {
        let mut command = Command::new(&self.mcpguard);
        step::read("mcpguard log", command.arg("log").args(words).arg(log))
    }
}

fn is_refusal(answer: &Value) -> bool {
    answer.get("error").is_some() || answer["result"]["isError"] == true
}

fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or("")
}

fn said(answer: &Value) -> &str {
    answer["error"]["message"].as_str().unwrap_or_else(|| text(answer))
}

/// Our end of the server's pipes.
struct Talk {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    id: u64,
}

impl Talk {
    fn begin(mut command: Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take().context("no stdin")?;
        let stdout = BufReader::new(child.stdout.take().context("no stdout")?);
        Ok(Self { child, stdin, stdout, id: 0 })
    }

    fn call(&mut self, tool: &str, arguments: Value) -> Result<Value> {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    fn ask(&mut self, method: &str, params: Value) -> Result<Value> {
        self.id += 1;
        writeln!(
            self.stdin,
            "{}",
            json!({ "jsonrpc": "2.0", "id": self.id, "method": method, "params": params })
        )?;
        let mut line = String::new();
        while self.stdout.read_line(&mut line)? > 0 {
            let answer: Value = serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))?;
            if answer["id"] == self.id && answer.get("method").is_none() {
                return Ok(answer);
            }
            line.clear();
        }
        bail!("the session ended while `{method}` was asked")
    }

    fn tell(&mut self, method: &str) -> Result<()> {
        Ok(writeln!(self.stdin, "{}", json!({ "jsonrpc": "2.0", "method": method }))?)
    }

    fn end(self) -> Result<()> {
        let Self { mut child, stdin, stdout, id: _ } = self;
        drop(stdin);
        let status = child.wait()?;
        drop(stdout);
        ensure!(status.success(), "the session ended with {status}");
        Ok(())
    }
}

//! Both ends of one pipe, with mcpguard in it or without.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use super::Side;
use crate::patience::patience;
use crate::run::run;
use crate::scene::Scene;
use crate::servers::checkout;
use crate::start::Start;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// What arrived where, in order; lines without their newline.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) by_client: Vec<Vec<u8>>,
    pub(super) by_server: Vec<Vec<u8>>,
}

/// A client's end and a server's end.
pub(super) struct Pipe {
    child: Child,
    to_server: Box<dyn Write>,
    to_client: File,
    heard: Receiver<(Side, Vec<u8>)>,
    fences: u32,
}

impl Pipe {
    /// `policy` is that of the guard; without one there is no guard.
    pub(super) fn open(scene: &Scene, policy: Option<&Path>) -> Result<Self> {
        let [said, heard] = ["said", "heard"].map(|name| scene.workspace().join(name));
        if !said.exists() {
            let made = run(Command::new("mkfifo").args([&said, &heard]))?;
            ensure!(made.status == Some(0), "mkfifo: {}", made.stderr);
        }
        let script = checkout().join("tests/puppet/relay.py");
        let server =
            ["/usr/bin/python3".into(), script.into(), said.clone().into(), heard.clone().into()].to_vec();
        let start = match policy {
            Some(policy) => Start::guarded(scene, policy, server),
            None => Start::bare(scene, server),
        };
        // Open for both, so that no open waits for the other side.
        let both = |path| File::options().read(true).write(true).open(path);
        let (to_client, from_relay) = (both(&said)?, both(&heard)?);
        let mut command = start.command()?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let (tell, heard) = channel();
        listen(Side::Server, from_relay, tell.clone());
        listen(Side::Client, child.stdout.take().context("no stdout")?, tell);
        let to_server = Box::new(child.stdin.take().context("no stdin")?);
        Ok(Self { child, to_server, to_client, heard, fences: 0 })
    }

    /// Writes one line, as this side.
    pub(super) fn say(&mut self, side: Side, line: &[u8]) -> Result<()> {
        let line = [line, b"\n"].concat();
        let sink: &mut dyn Write = match side {
            Side::Client => &mut self.to_server,
            Side::Server => &mut self.to_client,
        };
        sink.write_all(&line).and_then(|()| sink.flush()).context("the pipe is closed")
    }

    /// Waits for a line that the client hears although nobody has said it now.
    pub(super) fn wait(&mut self) -> Result<()> {
        loop {
            if self.one()?.0 == Side::Client {
                return Ok(());
            }
        }
    }

    /// Everything that has arrived of what was said so far, without waiting for what does not come: a ping there and
    /// back passes everything before it, and another one what the way back has caused.
    pub(super) fn settle(&mut self) -> Result<Heard> {
        let mut all = Heard::default();
        for _ in 0..2 {
            self.fences += 1;
            let id = format!("fence-{}", self.fences);
            let ping = json!({ "jsonrpc": "2.0", "id": id, "method": "ping" }).to_string();
            self.fence(Side::Client, ping.as_bytes(), &mut all)?;
            let answer = json!({ "jsonrpc": "2.0", "id": id, "result": {} }).to_string();
            self.fence(Side::Server, answer.as_bytes(), &mut all)?;
        }
        Ok(all)
    }

    /// Says the line and hears everything until it has arrived.
    fn fence(&mut self, from: Side, line: &[u8], all: &mut Heard) -> Result<()> {
        self.say(from, line)?;
        loop {
            let (side, heard) = self.one()?;
            if side == from.other() && heard == line {
                return Ok(());
            }
            match side {
                Side::Client => all.by_client.push(heard),
                Side::Server => all.by_server.push(heard),
            }
        }
    }

    fn one(&mut self) -> Result<(Side, Vec<u8>)> {
        let heard = self.heard.recv_timeout(patience(PATIENCE));
        heard.with_context(|| format!("nothing arrives any more; the guard: {:?}", self.child.try_wait()))
    }

    /// Closes the client's end; the session has to end well.
    pub(super) fn close(mut self) -> Result<()> {
        self.to_server = Box::new(std::io::sink());
        let until = std::time::Instant::now() + patience(PATIENCE);
        while std::time::Instant::now() < until {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "the session ended with {status}");
                return Ok(());
            }
            thread::sleep(Duration::from_millis(2));
        }
        bail!("the session does not end")
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(side: Side, from: impl Read + Send + 'static, tell: Sender<(Side, Vec<u8>)>) {
    thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            if tell.send((side, line)).is_err() {
                break;
            }
        }
    });
}

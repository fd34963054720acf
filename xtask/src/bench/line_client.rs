//! The measuring client: blocking pipes, reused buffers, no parsing beyond the end of a line.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

/// A running server and our ends of its pipes.
pub(super) struct LineClient {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    line: Vec<u8>,
    id: u64,
}

impl LineClient {
    /// Starts the command. The standard library uses `posix_spawn` here, as there is nothing to do between.
    pub(super) fn spawn(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let stdin = child.stdin.take();
        let stdout = BufReader::with_capacity(1 << 16, child.stdout.take().context("no stdout")?);
        Ok(Self { child, stdin, stdout, line: Vec::with_capacity(1 << 16), id: 0 })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Calls a tool and waits for the line that comes back.
    pub(super) fn call(&mut self, params: &str) -> Result<&[u8]> {
        let line = self.request(params);
        self.exchange(&line)
    }

    /// The same, timed from the first byte written to the last one read; microseconds.
    pub(super) fn timed(&mut self, params: &str) -> Result<f64> {
        let line = self.request(params);
        let begun = Instant::now();
        self.exchange(&line)?;
        Ok(begun.elapsed().as_nanos() as f64 / 1000.0)
    }

    /// Each request has an id of its own, as MCP demands.
    fn request(&mut self, params: &str) -> String {
        self.id += 1;
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"tools/call\",\"params\":{params}}}\n", self.id)
    }

    /// Sends the request and reads up to its own answer: servers send notifications in between, and a line that is
    /// taken for the answer of the next call would make every later figure wrong.
    fn exchange(&mut self, line: &str) -> Result<&[u8]> {
        self.tell(line)?;
        loop {
            self.line.clear();
            let read = self.stdout.read_until(b'\n', &mut self.line)?;
            ensure!(read > 0, "the session ended instead of answering {line}");
            if answers(&self.line, self.id) {
                return Ok(&self.line);
            }
        }
    }

    /// Sends a line that nothing answers.
    pub(super) fn tell(&mut self, line: &str) -> Result<()> {
        self.stdin
            .as_mut()
            .context("stdin is closed")?
            .write_all(line.as_bytes())
            .context("the session ended")
    }

    /// The handshake of 2025-11-25; nothing else may be on the line before.
    pub(super) fn handshake(&mut self) -> Result<()> {
        const HELLO: &str = concat!(
            r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","#,
            r#""capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#,
            "\n"
        );
        let answer = self.exchange(HELLO)?;
        ensure!(
            answer.windows(10).any(|part| part == b"serverInfo"),
            "no handshake: {}",
            String::from_utf8_lossy(answer)
        );
        self.tell("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n")
    }
}

/// Whether the line is the answer to `id`. Servers write it at the start or at the end of the object, and what lies
/// between may be many megabytes; a notification has none, and a request of the server's own has a `method`.
fn answers(line: &[u8], id: u64) -> bool {
    const EDGE: usize = 64;
    let own = format!("\"id\":{id}");
    let holds = |edge: &[u8], word: &str| edge.windows(word.len()).any(|part| part == word.as_bytes());
    let (head, tail) = (&line[..line.len().min(EDGE)], &line[line.len().saturating_sub(EDGE)..]);
    let ends = |edge: &[u8]| holds(edge, &format!("{own}}}")) || holds(edge, &format!("{own},"));
    (ends(head) || ends(tail)) && !holds(head, "\"method\":")
}

impl Drop for LineClient {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::answers;

    #[test]
    fn only_the_own_answer_counts() {
        assert!(answers(b"{\"result\":{},\"jsonrpc\":\"2.0\",\"id\":7}\n", 7));
        assert!(answers(b"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n", 7));
        for other in [
            "{\"result\":{},\"jsonrpc\":\"2.0\",\"id\":77}\n",
            "{\"result\":{},\"jsonrpc\":\"2.0\",\"id\":6}\n",
            "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n",
            "{\"method\":\"roots/list\",\"jsonrpc\":\"2.0\",\"id\":7}\n",
            "",
        ] {
            assert!(!answers(other.as_bytes(), 7), "{other}");
        }
    }
}

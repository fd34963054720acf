//! Namespaces that live as long as a pipe of ours is open.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::run;

/// The first process of a process namespace: it starts what it is told, one line each. When the pipe is closed it ends,
/// and the kernel ends everything else in the namespace.
const HOLDER: &str =
    "ulimit -S -n $(ulimit -H -n); echo ready; while read -r line; do sh -c \"$line\" & done";

/// A network namespace and a mount namespace, and the processes in them.
pub(super) struct Namespace {
    holder: Child,
    orders: ChildStdin,
}

impl Namespace {
    /// Makes one with a network of its own.
    pub(super) fn new() -> Result<Self> {
        Self::made(Command::new("unshare").arg("--net"))
    }

    /// Makes one within the network of another.
    pub(super) fn within(other: &Self) -> Result<Self> {
        let process = other.holder.id().to_string();
        Self::made(Command::new("nsenter").args(["--target", &process, "--net", "--", "unshare"]))
    }

    fn made(command: &mut Command) -> Result<Self> {
        command.args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=KILL", "--"]);
        command.args(["sh", "-c", HOLDER]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = command.spawn().context("unshare (util-linux) cannot be started")?;
        let orders = holder.stdin.take().context("no stdin")?;
        let mut line = String::new();
        BufReader::new(holder.stdout.take().context("no stdout")?).read_line(&mut line)?;
        ensure!(line == "ready\n", "no namespaces can be made; the test internet needs root");
        Ok(Self { holder, orders })
    }

    /// The words before a command that is to run in it.
    pub(super) fn enter(&self) -> Vec<OsString> {
        // `unshare` itself is in the new namespaces; only its child is in the one of processes.
        let target = self.holder.id().to_string();
        ["nsenter", "--target", &target, "--net", "--mount", "--"].map(OsString::from).to_vec()
    }

    /// The number by which others name its network.
    pub(super) fn process(&self) -> u32 {
        self.holder.id()
    }

    /// Runs a command in it that must succeed.
    pub(super) fn run(&self, words: &[OsString]) -> Result<String> {
        let all = [self.enter(), words.to_vec()].concat();
        let finished = run(Command::new(&all[0]).args(&all[1..]))?;
        ensure!(finished.status == Some(0), "{words:?}: {}{}", finished.stderr, finished.stdout);
        Ok(finished.stdout)
    }

    /// Runs a line of the shell in it that must succeed.
    pub(super) fn shell(&self, line: &str) -> Result<String> {
        self.run(&["sh", "-ec", line].map(OsString::from))
    }

    /// Starts a server that ends with the namespace; what it says goes into the file.
    pub(super) fn serve(&mut self, words: &[OsString], log: &Path) -> Result<()> {
        let mut line = b"exec".to_vec();
        for word in words {
            line.push(b' ');
            line.extend(quoted(word.as_bytes()));
        }
        line.extend([b" >>".as_slice(), &quoted(log.as_os_str().as_bytes()), b" 2>&1 </dev/null\n"].concat());
        self.orders.write_all(&line).and_then(|()| self.orders.flush()).context("the namespace has ended")
    }
}

/// A word as the shell takes it for one.
fn quoted(word: &[u8]) -> Vec<u8> {
    let mut text = vec![b'\''];
    for &byte in word {
        if byte == b'\'' { text.extend(b"'\\''") } else { text.push(byte) }
    }
    text.push(b'\'');
    text
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_stay_words() {
        assert_eq!(quoted(b"a b"), b"'a b'");
        assert_eq!(quoted(b"it's $x"), b"'it'\\''s $x'");
    }
}

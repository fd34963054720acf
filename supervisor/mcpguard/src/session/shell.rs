//! A program of the user's that reads one line on its stdin and answers by its exit status.
//!
//! The supervisor reaps every child, so that nobody else can wait for one: a shell around the program tells its exit status.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use anyhow::Context;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// A shell that was started around a program.
pub(super) struct Shell {
    id: u32,
    stdin: ChildStdin,
    told: ChildStdout,
}

/// Which process group a program is in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Group {
    /// Its shell's own, so that all of it can be ended.
    Own,
    /// This process's: it may ask at the terminal.
    Ours,
}

/// How a program ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Its exit status, in digits.
    Status(String),
    /// Something killed the shell around it.
    Killed,
    /// It still runs.
    Late,
}

impl Shell {
    /// Starts the program. What it prints goes to stderr.
    ///
    /// # Errors
    /// There is no shell.
    pub(super) fn start(argv: &[String], group: Group) -> anyhow::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", r#""$@" >&2; printf %s "$?""#, "mcpguard"]).args(argv);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        if let Group::Own = group {
            command.process_group(0);
        }
        let mut child = command.spawn().context("/bin/sh cannot be started")?;
        let (id, stdin, told) = (child.id(), child.stdin.take(), child.stdout.take());
        let (stdin, told) = stdin.zip(told).context("its shell has no pipes")?;
        Ok(Self { id, stdin, told })
    }

    /// The shell, which leads its process group, and the end of the pipe that hangs up when the shell ends.
    pub(super) fn leader(&self) -> (u32, BorrowedFd<'_>) {
        (self.id, self.told.as_fd())
    }

    /// Gives the program the line, and waits for its end, until then at most if a time is named. One that does not read
    /// answers all the same.
    ///
    /// # Errors
    /// A pipe of ours does not work.
    pub(super) fn ask(self, line: &[u8], until: Option<Instant>) -> anyhow::Result<Told> {
        let Self { stdin, mut told, .. } = self;
        give(stdin, &[line, b"\n"].concat(), &told, until)?;
        let mut status = String::new();
        while is_ready(&mut [reads(&told)], until)? {
            let mut piece = [0; 16];
            match told.read(&mut piece)? {
                0 if status.is_empty() => return Ok(Told::Killed),
                0 => return Ok(Told::Status(status)),
                count => status.push_str(&String::from_utf8_lossy(&piece[..count])),
            }
        }
        Ok(Told::Late)
    }
}

/// Writes as much as is read: a pipe has room for some, and nobody is waited for who has ended, or for longer than until then.
fn give(
    mut stdin: ChildStdin,
    mut line: &[u8],
    told: &ChildStdout,
    until: Option<Instant>,
) -> anyhow::Result<()> {
    fcntl(&stdin, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).context("its stdin is no pipe")?;
    while !line.is_empty() {
        match stdin.write(line) {
            Ok(count) => line = &line[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let mut waits = [PollFd::new(stdin.as_fd(), PollFlags::POLLOUT), reads(told)];
                // Its end is told behind its line.
                if !is_ready(&mut waits, until)? || waits[1].any().unwrap_or(true) {
                    return Ok(());
                }
            }
            // It does not read.
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}

fn reads(told: &ChildStdout) -> PollFd<'_> {
    PollFd::new(told.as_fd(), PollFlags::POLLIN)
}

/// Waits until one of them can be used, or its other end is gone; `false`: not until then.
fn is_ready(waits: &mut [PollFd<'_>], until: Option<Instant>) -> anyhow::Result<bool> {
    loop {
        let left = until.map_or(PollTimeout::NONE, |until| {
            let left = until.saturating_duration_since(Instant::now());
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        match poll(waits, left) {
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
            Ok(ready) => return Ok(ready > 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Group, Shell, Told};

    /// More than any pipe has room for.
    const LONG: usize = 4 << 20;

    fn asked(script: &str, line: &[u8], within: Duration) -> Told {
        let shell = Shell::start(&["sh", "-c", script].map(str::to_owned), Group::Own).unwrap();
        shell.ask(line, Some(Instant::now() + within)).unwrap()
    }

    #[test]
    fn a_line_of_any_length_is_read_or_left_and_nobody_is_waited_for_too_long() {
        let (soon, line) = (Duration::from_secs(20), vec![b'x'; LONG]);
        let status = |digits: &str| Told::Status(digits.to_owned());
        assert_eq!(asked(&format!("test $(wc -c) = {}", LONG + 1), &line, soon), status("0"));
        assert_eq!(asked("exit 3", &line, soon), status("3"));
        // What was closed is not read; and something else may hold the pipe when the program has ended.
        assert_eq!(asked("exec <&-; sleep 0.1; exit 4", &line, soon), status("4"));
        assert_eq!(asked("exec sh -c 'sleep 2 0<&3 & exit 5' 3<&0", &line, soon), status("5"));
        assert_eq!(asked("kill -9 $PPID; sleep 0.1", b"", soon), Told::Killed);
        assert_eq!(asked("sleep 5", &line, Duration::from_millis(100)), Told::Late);
        assert_eq!(asked("sleep 5", b"", Duration::from_millis(100)), Told::Late);
    }
}

//! Processes as `/proc` shows them: who is alive, who descends from whom, who is a zombie.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

/// The state letter and the parent of a process (proc_pid_stat(5)).
fn stat(pid: u32) -> Option<(char, u32)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; the fields follow the last one.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

fn all() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Whether the process runs: it is there and no zombie.
pub fn alive(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| !matches!(state, 'Z' | 'X'))
}

/// A number of kilobytes in `/proc/PID/status` (proc_pid_status(5)), such as `VmRSS` or `VmHWM`.
pub fn kilobytes(pid: u32, field: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The direct children of a process, zombies included.
pub fn children_of(parent: u32) -> Vec<u32> {
    all().filter(|&pid| stat(pid).is_some_and(|(_, its)| its == parent)).collect()
}

/// The parent of a zombie; `None` for what is no zombie.
pub fn parent_of_zombie(pid: u32) -> Option<u32> {
    stat(pid).filter(|(state, _)| *state == 'Z').map(|(_, parent)| parent)
}

/// The zombies among the children of a process.
pub fn zombies_of(parent: u32) -> Vec<u32> {
    children_of(parent).into_iter().filter(|&pid| stat(pid).is_some_and(|(state, _)| state == 'Z')).collect()
}

/// The living processes whose command line or environment holds the mark.
pub fn marked(mark: &str) -> Vec<u32> {
    let own = std::process::id();
    let holds = |pid: u32, file: &str| {
        fs::read(format!("/proc/{pid}/{file}"))
            .is_ok_and(|text| String::from_utf8_lossy(&text).contains(mark))
    };
    all()
        .filter(|&pid| pid != own && alive(pid) && (holds(pid, "cmdline") || holds(pid, "environ")))
        .collect()
}

/// Waits until the condition holds; false when the time is over.
pub fn eventually(within: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + within;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// A process of the same user that attacks are aimed at.
pub struct Victim(Child);

impl Victim {
    /// Starts it with a secret in its environment.
    pub fn start() -> Result<Self> {
        let mut command = Command::new("/bin/sleep");
        command.arg("600").env_clear().env("VICTIM_SECRET", "of-the-victim");
        Ok(Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

//! A daemon that is started, killed and started again, and what is seen of its two processes.

use std::fs::{self, OpenOptions};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::ground::Ground;

/// What outlives a daemon; no case may find another's.
const STATE: &str = "/var/lib/mcpguard";

/// Where it writes the host's log.
const LOG: &str = "/var/log/mcpguard";

/// The kernel's events of a session in the host's log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    /// The number of the last one.
    pub(super) last: u64,
    /// How many are not there.
    pub(super) missing: u64,
}

/// Whether a denied path is one that a program asks for before its first own instruction: the C library looks there for the
/// bounds of the main thread's stack, and goes on without them.
pub(super) fn is_of_a_runtime(path: &str) -> bool {
    path.starts_with("/proc/") && path.ends_with("/maps")
}

/// One daemon of the machine.
pub(super) struct Host<'a> {
    ground: &'a Ground,
    keeper: Child,
}

impl<'a> Host<'a> {
    /// Starts the machine's first daemon.
    pub(super) fn start(ground: &'a Ground) -> Result<Self> {
        for place in [STATE, LOG] {
            if Path::new(place).exists() {
                fs::remove_dir_all(place).context("the state of another case stays")?;
            }
        }
        Ok(Self { ground, keeper: spawn(ground)? })
    }

    /// Starts it again; the last one is gone.
    pub(super) fn again(&mut self) -> Result<()> {
        self.keeper = spawn(self.ground)?;
        Ok(())
    }

    /// The process with privileges.
    pub(super) fn keeper(&self) -> Pid {
        Pid::from_raw(self.keeper.id().cast_signed())
    }

    /// The other one, as soon as it is there.
    pub(super) fn front(&self) -> Result<Pid> {
        self.within(|| Ok(front_of(self.keeper())), "the keeper has no front")
    }

    /// Both are killed, the keeper first, and are gone.
    pub(super) fn kill(&mut self) -> Result<()> {
        self.end(Signal::SIGKILL)
    }

    /// It is told to stop, and has ended.
    pub(super) fn stop(&mut self) -> Result<()> {
        self.end(Signal::SIGTERM)
    }

    /// Its front is killed; the keeper starts another.
    pub(super) fn kill_front(&self) -> Result<()> {
        let front = self.front()?;
        kill(front, Signal::SIGKILL)?;
        let other = || Ok(front_of(self.keeper()).filter(|next| *next != front));
        self.within(other, "the front is not started again").map(drop)
    }

    /// The kernel's events of the one session of the case in the host's log, which is whole: `verify` finds what is missing
    /// from it, and what is there twice.
    pub(super) fn proved(&self) -> Result<Numbers> {
        let verify =
            self.ground.mcpguard(&["log", "verify", "--json", &format!("{LOG}/host.jsonl")]).output()?;
        let told = String::from_utf8_lossy(&verify.stdout);
        ensure!(verify.status.success(), "the host's log is not whole: {told}");
        let told: serde_json::Value = serde_json::from_str(&told).context("no JSON")?;
        let sessions = told["sessions"].as_array().context("no sessions")?.iter();
        let number = |session: &serde_json::Value, name: &str| session[name].as_u64().unwrap_or(0);
        let numbers = |session| Numbers {
            last: number(session, "kernel_last"),
            missing: number(session, "kernel_missing"),
        };
        let mut all = sessions.map(numbers).filter(|numbers| numbers.last > 0);
        match (all.next(), all.next()) {
            (Some(numbers), None) => Ok(numbers),
            _ => bail!("not one session has denials in the host's log: {told}"),
        }
    }

    /// Waits for something.
    pub(super) fn within<T>(&self, found: impl Fn() -> Result<Option<T>>, otherwise: &str) -> Result<T> {
        let until = Instant::now() + self.ground.slow(Duration::from_secs(5));
        loop {
            if let Some(found) = found()? {
                return Ok(found);
            }
            ensure!(Instant::now() < until, "{otherwise}; the daemon told:\n{}", in_short(self.ground));
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn end(&mut self, signal: Signal) -> Result<()> {
        let front = self.front()?;
        kill(self.keeper(), signal)?;
        self.keeper.wait()?;
        let gone = || Ok((!is_running(front)).then_some(()));
        self.within(gone, "the front outlives its keeper")
    }
}

impl Drop for Host<'_> {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

fn log(ground: &Ground) -> PathBuf {
    ground.directory().join("daemon.log")
}

/// What the daemon told, without denials.
fn in_short(ground: &Ground) -> String {
    let told = fs::read_to_string(log(ground)).unwrap_or_default();
    told.lines().filter(|line| !line.contains(": event ")).collect::<Vec<_>>().join("\n")
}

/// Until it says that it is ready, as systemd would wait.
fn spawn(ground: &Ground) -> Result<Child> {
    let place = ground.directory().join("notify");
    let _ = fs::remove_file(&place);
    let notified = UnixDatagram::bind(&place)?;
    notified.set_read_timeout(Some(Duration::from_millis(20)))?;
    let told = OpenOptions::new().create(true).append(true).open(log(ground))?;
    let mut command = ground.mcpguard(&["--log-level", "info", "daemon", "--user", "nobody"]);
    command.args(["--canary-seconds", "5"]).env("NOTIFY_SOCKET", &place);
    let mut keeper = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(told).spawn()?;
    let until = Instant::now() + ground.slow(Duration::from_secs(4));
    let mut words = [0; 256];
    loop {
        if let Ok(count) = notified.recv(&mut words)
            && words[..count].starts_with(b"READY=1")
        {
            // Nobody reads what is told from here on, so that nobody may wait for it either.
            return Ok(keeper);
        }
        let ended = keeper.try_wait()?;
        if ended.is_some() || Instant::now() > until {
            let _ = keeper.kill();
            let _ = keeper.wait();
            bail!("no daemon ({ended:?}):\n{}", in_short(ground));
        }
    }
}

/// The front of this keeper, whose other child forks the canaries.
fn front_of(keeper: Pid) -> Option<Pid> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_child = |number: &i32| {
        field(Pid::from_raw(*number), "PPid").is_some_and(|it| it == keeper.as_raw() as u64)
            && fs::read_to_string(format!("/proc/{number}/comm")).is_ok_and(|name| name == "mcpguard-front\n")
    };
    numbers.find(is_child).map(Pid::from_raw)
}

/// Not a process that has ended and waits for its parent to notice (`proc_pid_stat(5)`).
fn is_running(process: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// A number of `/proc/PID/status`.
pub(super) fn field(process: Pid, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

//! A host daemon of the test's own, and users whose sessions it guards. One at a time on a machine: it owns the kernel's part.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::binaries::mcpguard;
use crate::client::Client;
use crate::patience::patience;
use crate::processes::eventually;
use crate::puppet::Runtime;
use crate::run::{Finished, run};
use crate::scene::Scene;
use crate::skip::skip;
use crate::start::Start;

/// Operators beside root: members of a group that every distribution has.
const OPERATORS: &str = "games";

/// Where the network may be used: nothing listens there, and nothing is denied.
const POLICY: &str = "network: { allowed_cidrs: [127.0.0.1/32], allowed_ports: [9] }\n";

/// Who somebody is: a user's number, and a group's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// The number.
    pub uid: u32,
    group: u32,
}

impl User {
    /// Root.
    pub const ROOT: Self = Self { uid: 0, group: 0 };
    /// A user.
    pub const ADA: Self = Self { uid: 64_001, group: 64_001 };
    /// Another one.
    pub const BOB: Self = Self { uid: 64_002, group: 64_002 };

    /// One of many.
    pub fn number(number: u32) -> Self {
        Self { uid: 64_100 + number, group: 64_100 + number }
    }

    /// A user in the group of operators.
    pub fn operator() -> Result<Self> {
        let groups = fs::read_to_string("/etc/group")?;
        let line = groups.lines().find_map(|line| line.strip_prefix(&format!("{OPERATORS}:")));
        let number = line.and_then(|line| line.split(':').nth(1)).context("no group of operators")?;
        Ok(Self { uid: 64_003, group: number.parse()? })
    }
}

/// The daemon. It is stopped when this is dropped; sessions of the test are to be ended before.
pub struct HostDaemon {
    directory: TempDir,
    child: Option<Child>,
    _alone: File,
}

impl HostDaemon {
    /// Starts one, when no other one runs on this machine; `None`, and a skip, where this cannot be.
    pub fn start() -> Result<Option<Self>> {
        if fs::metadata("/proc/self")?.uid() != 0 {
            skip("root, who can have a host daemon");
            return Ok(None);
        }
        let alone = File::create(std::env::temp_dir().join("mcpguard-tests-daemon.lock"))?;
        alone.lock()?;
        let directory = tempfile::Builder::new().prefix("mcpguard-daemon-").tempdir()?;
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755))?;
        let mut daemon = Self { directory, child: None, _alone: alone };
        daemon.begin()?;
        let told = daemon.ask(User::ROOT, &["status", "--json"])?;
        let status: Value = serde_json::from_str(&told.stdout).with_context(|| format!("{told:?}"))?;
        if status["network"] != true {
            skip("eBPF programs on the network, which the host daemon can load");
            return Ok(None);
        }
        Ok(Some(daemon))
    }

    /// Starts it, again or for the first time, and waits until it answers. A daemon of somebody else's is waited for.
    pub fn begin(&mut self) -> Result<()> {
        let until = Instant::now() + patience(Duration::from_secs(120));
        loop {
            let log = File::options().create(true).append(true).open(self.log())?;
            let mut command = Command::new(mcpguard()?);
            command.args(["--log-level", "info", "daemon", "--user", "nobody", "--operators", OPERATORS]);
            command
                .arg("--socket")
                .arg(self.socket())
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log);
            let mut child = command.spawn()?;
            let answers = || self.ask(User::ROOT, &["status"]).is_ok_and(|told| told.status == Some(0));
            let mut ended = None;
            eventually(patience(Duration::from_secs(30)), || {
                ended = child.try_wait().ok().flatten();
                ended.is_some() || answers()
            });
            if ended.is_none() && answers() {
                self.child = Some(child);
                return Ok(());
            }
            let _ = child.kill();
            let _ = child.wait();
            let log = self.told();
            ensure!(
                log.contains("another mcpguard daemon runs") && Instant::now() < until,
                "no daemon:\n{log}"
            );
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("control.sock")
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("daemon.log")
    }

    /// What it said on stderr so far.
    pub fn told(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// What forks its canaries, if it is there.
    pub fn zygote(&self) -> Option<u32> {
        let is_one = |process: &u32| {
            fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| name == "mcpguard-zygote\n")
        };
        self.processes().into_iter().find(is_one).filter(|process| crate::processes::alive(*process))
    }

    /// Its processes: the keeper, then the others.
    pub fn processes(&self) -> Vec<u32> {
        let keeper = self.child.as_ref().map(Child::id);
        keeper.into_iter().chain(keeper.into_iter().flat_map(crate::processes::children_of)).collect()
    }

    /// Sends a signal to its processes, and to them alone.
    pub fn signal(&self, name: &str) -> Result<()> {
        for process in self.processes() {
            let sent = run(Command::new("kill").args([&format!("-{name}"), &process.to_string()]))?;
            // The others end with the keeper.
            ensure!(sent.status == Some(0) || !crate::processes::alive(process), "{sent:?}");
        }
        Ok(())
    }

    /// Kills it, without a word; waits until it is gone.
    pub fn kill(&mut self) -> Result<()> {
        let front = self.processes();
        self.signal("KILL")?;
        if let Some(mut child) = self.child.take() {
            child.wait()?;
        }
        let gone = || front.iter().all(|process| !crate::processes::alive(*process));
        ensure!(eventually(Duration::from_secs(10), gone), "a process of the daemon lives");
        Ok(())
    }

    /// `mcpguard WORDS` of that user, with this daemon, in a directory and an environment of its own.
    pub fn command(&self, who: User, words: &[&str]) -> Result<Command> {
        let mut command = Command::new(mcpguard()?);
        command.args(words).arg("--daemon-socket").arg(self.socket());
        command.env_clear().env("PATH", crate::start::path()).env("LANG", "C.UTF-8").current_dir("/");
        let home = self.directory.path().join(format!("home-{}", who.uid));
        fs::create_dir_all(&home)?;
        chown(&home, Some(who.uid), Some(who.group))?;
        command.env("HOME", home);
        Ok(become_user(command, who))
    }

    /// The same, run to its end.
    pub fn ask(&self, who: User, words: &[&str]) -> Result<Finished> {
        run(&mut self.command(who, words)?)
    }

    /// What `ps` tells that user about sessions of the tests' users: others may run on this machine.
    pub fn listed(&self, who: User) -> Result<Vec<Value>> {
        let told = self.ask(who, &["ps", "--json"])?;
        ensure!(told.status == Some(0), "{told:?}");
        let rows: Vec<Value> =
            told.stdout.lines().map(serde_json::from_str).collect::<Result<_, _>>().context("no object")?;
        let is_ours = |row: &Value| row["uid"].as_u64().is_some_and(|uid| (64_000..65_000).contains(&uid));
        Ok(rows.into_iter().filter(is_ours).collect())
    }

    /// A session of that user's with the puppet, under a policy of this name. The scene is theirs from now on.
    pub fn session(&self, scene: &Scene, who: User, name: &str) -> Result<Client> {
        let mut client = Client::spawn(self.ready(scene, who, name)?)?;
        client.handshake("2025-06-18")?;
        Ok(client)
    }

    /// The same, to be started.
    pub fn ready(&self, scene: &Scene, who: User, name: &str) -> Result<Command> {
        let text = Runtime::Python.policy(POLICY)?.replace("name: puppet", &format!("name: {name}"));
        let policy = scene.policy(name, &text)?;
        own(scene.root(), who)?;
        let mut start = Start::guarded(scene, policy, Runtime::Python.puppet()?).option("--daemon-socket");
        start = start.option(self.socket()).option("--allow-degraded").option("--daemon");
        Ok(become_user(start.command()?, who))
    }

    /// The same server without a guard, to be started.
    pub fn bare(&self, scene: &Scene, who: User) -> Result<Command> {
        own(scene.root(), who)?;
        Ok(become_user(Start::bare(scene, Runtime::Python.puppet()?).command()?, who))
    }
}

impl Drop for HostDaemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            crate::note(&format!("the daemon said:\n{}", self.told()));
        }
        let Some(mut child) = self.child.take() else { return };
        for signal in ["-CONT", "-TERM"] {
            let _ = run(Command::new("kill").args([signal, &child.id().to_string()]));
        }
        let ended =
            eventually(Duration::from_secs(10), || child.try_wait().is_ok_and(|status| status.is_some()));
        if !ended {
            let _ = child.kill();
        }
        let _ = child.wait();
    }
}

/// The user's number and group, and no other groups.
fn become_user(mut command: Command, who: User) -> Command {
    if who != User::ROOT {
        command.uid(who.uid).gid(who.group);
    }
    command
}

/// Gives everything beneath a directory to a user.
fn own(directory: &Path, who: User) -> Result<()> {
    let owner = format!("{}:{}", who.uid, who.group);
    let given = run(Command::new("chown").args(["-R", "-h", &owner]).arg(directory))?;
    if given.status != Some(0) {
        bail!("{given:?}");
    }
    Ok(())
}

//! Somebody with root's rights takes the guard apart while a server attacks without pause: what still denies, the canary
//! of the whole product notices within its period, and the server is frozen and ended.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use enforce::bpf::{self, Layer, Opening, Options, Probe, Sizes};
use enforce::encode::Tables;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use policy::HookWay;
use serde_json::Value;

use super::escapes::{FILES_POLICY, NETWORKS_POLICY, Scene};
use crate::case::{Case, On};
use crate::ground::{Ground, INIT};
use crate::guarded::Guarded;
use crate::job::Machine;
use crate::need::Need;
use crate::sys::{bpf_objects, inject};

const NEEDS: &[Need] = &[Need::Hooks];

pub(super) const CASES: &[Case] = &[
    Case::new("sabotage/a_link_is_removed", a_link_is_removed).needs(NEEDS).seconds(30),
    Case::new("sabotage/a_program_leaves_the_group", a_program_leaves_the_group)
        .needs(NEEDS)
        .on(On::Only(Machine::Smp))
        .seconds(30),
    Case::new("sabotage/a_map_is_emptied", a_map_is_emptied)
        .needs(NEEDS)
        .on(On::Only(Machine::Smp))
        .seconds(30),
    Case::new("sabotage/a_flood_is_none", a_flood_is_none)
        .needs(NEEDS)
        .on(On::Only(Machine::Smp))
        .seconds(30),
    Case::new("sabotage/the_way_that_is_never_called", the_way_that_is_never_called)
        .needs(&[Need::NoBpfLsm, Need::TaskStorage])
        .seconds(15),
];

/// Where the supervisor's pins lie.
const PINS: &str = "/sys/fs/bpf/mcpguard";
/// Seconds between two canaries.
const PERIOD: &str = "1";

/// Opening files is judged by nobody any more: the supervisor's descriptor is closed behind its back.
fn a_link_is_removed(ground: &Ground) -> Result<()> {
    let scene = Scene::set(ground)?;
    let attack = Attack::start(ground, FILES_POLICY, &["read", &scene.expand("@secret/file")])?;
    let pin = attack.pin("link_file_open")?;
    let link = bpf_objects::link_id(&bpf_objects::pinned(&pin)?)?;
    let descriptor = bpf_objects::descriptor_of(attack.process(), link)?;
    fs::remove_file(&pin)?;
    inject::close(attack.process(), descriptor)?;
    let seen = attack.noticed(ground)?;
    ensure!(seen.free > 0, "it was not removed: no attempt has succeeded");
    ground.figure("attempts that succeeded before the canary came", seen.free as u64)?;
    seen.says("open a file")
}

/// Datagrams are judged by nobody any more.
fn a_program_leaves_the_group(ground: &Ground) -> Result<()> {
    let attack = Attack::start(ground, NETWORKS_POLICY, &["udp", "127.0.0.2:4000"])?;
    bpf_objects::detach(&bpf_objects::pinned(&attack.pin("link_sendmsg4_1")?)?)?;
    let seen = attack.noticed(ground)?;
    seen.says("sendmsg4")
}

/// The session is no session any more: that denies everything, and kills.
fn a_map_is_emptied(ground: &Ground) -> Result<()> {
    let scene = Scene::set(ground)?;
    let attack = Attack::start(ground, FILES_POLICY, &["read", &scene.expand("@secret/file")])?;
    let sessions = bpf_objects::pinned(&attack.pin("map_SESSIONS")?)?;
    bpf_objects::set(&sessions, 1, &[0; size_of::<abi::Session>()])?;
    let seen = attack.noticed(ground)?;
    ensure!(seen.free == 0, "{} attempts have succeeded", seen.free);
    let mut denials = seen.records.iter().filter(|record| record["event"] == "denial");
    ensure!(denials.any(|record| record["action"] == "killed"), "no record of the end: {:#?}", seen.records);
    scene.intact()
}

/// A server is denied so often, while mcpguard hardly gets to read, that the ring has no room for the canary's events, or
/// nobody has come to them yet: that is no hole, and the server lives.
fn a_flood_is_none(ground: &Ground) -> Result<()> {
    let scene = Scene::set(ground)?;
    let guarded = ground.guarded(FILES_POLICY)?.option("--canary-seconds").option(PERIOD);
    let words = [INIT, "--act", "storm", "8", "4000", "read", &scene.expand("@secret/file")];
    let mut command = guarded.command(&words)?;
    let mut supervisor = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    let process = Pid::from_raw(supervisor.id().cast_signed());
    let until = Instant::now() + ground.slow(Duration::from_secs(8));
    while !guarded.records()?.iter().any(|record| record["event"] == "denial") {
        ensure!(Instant::now() < until, "the server does not attack");
        std::thread::sleep(Duration::from_millis(20));
    }
    let status = loop {
        if let Some(status) = supervisor.try_wait()? {
            break status;
        }
        for (signal, pause) in [(Signal::SIGSTOP, 200), (Signal::SIGCONT, 20)] {
            kill(process, signal)?;
            std::thread::sleep(Duration::from_millis(pause));
        }
    };
    let records = guarded.records()?;
    let lost: u64 = records.iter().filter(|r| r["event"] == "lost").filter_map(|r| r["count"].as_u64()).sum();
    ground.figure("events that the ring had no room for", lost)?;
    let proofs = records.iter().filter(|r| r["cause"] == "proof").count();
    ensure!(status.code() == Some(0) && proofs == 0, "{status}: {:#?}", records.last());
    ensure!(lost > 1000, "this was no flood: {lost} events were lost");
    scene.intact()
}

/// Programs as LSM where no LSM program is called: the layer is not even opened, as it cannot learn where its files are.
fn the_way_that_is_never_called(_: &Ground) -> Result<()> {
    let mut support = bpf::probe().support().clone();
    ensure!(support.hooks != Some(HookWay::Lsm), "the probe believes in what is never called: {support:?}");
    support.hooks = Some(HookWay::Lsm);
    support.network = false;
    let sizes = Sizes { slots: 1, objects: 64, ring_bytes: 1 << 18, ..Sizes::of(&[], 1, 1 << 18) };
    let options = Options { sizes, kills_senders: false };
    let mut layer = Layer::load(&Probe::known(support)?, &options)?;
    ensure!(layer.way() == Some(HookWay::Lsm), "it was loaded in another way");
    let tables = granting("/opt/vm/init")?;
    let refused = layer.open(&Opening {
        tables: &tables,
        server: None,
        supervisor: Pid::this(),
        identity: None,
        doors: None,
        cgroup: None,
    });
    let reason = refused.err().context("a session was opened on programs that are never called")?.to_string();
    ensure!(reason.contains("did not answer"), "another reason: {reason}");
    Ok(())
}

fn granting(path: &str) -> Result<Tables> {
    let entry = abi::Entry { read: 1, flags: abi::flags::DECIDES, ..abi::Entry::default() };
    let path = policy::plan::AbsolutePath::new(Path::new(path)).context("no absolute path")?;
    let object = enforce::encode::Object { path, entry, purpose: enforce::encode::Purpose::Grant };
    Ok(Tables { objects: vec![object], ..Tables::default() })
}

/// A guarded server that attacks without pause.
struct Attack<'a> {
    guarded: Guarded<'a>,
    supervisor: Child,
    told: PathBuf,
}

/// What came of it.
struct Seen {
    /// Attempts that succeeded.
    free: usize,
    records: Vec<Value>,
}

impl<'a> Attack<'a> {
    /// Starts it and waits until it has been denied some times.
    fn start(ground: &'a Ground, policy: &str, attack: &[&str]) -> Result<Self> {
        let told = ground.file("workspace/told", "")?;
        let line = told.to_string_lossy().into_owned();
        let policy = format!("{policy}{}", if policy.contains("filesystem:") { "" } else { WORKSPACE });
        let guarded = ground.guarded(&policy)?.option("--canary-seconds").option(PERIOD);
        let words = [&[INIT, "--act", "persist", &line, "600"], attack].concat();
        let mut command = guarded.command(&words)?;
        let supervisor = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        let this = Self { guarded, supervisor, told };
        let until = Instant::now() + ground.slow(Duration::from_secs(8));
        while this.attempts()?.len() < 20 {
            ensure!(Instant::now() < until, "the server does not attack");
            std::thread::sleep(Duration::from_millis(20));
        }
        ensure!(!this.attempts()?.iter().any(|line| line.starts_with("ok")), "it comes through at once");
        Ok(this)
    }

    fn process(&self) -> Pid {
        Pid::from_raw(self.supervisor.id().cast_signed())
    }

    fn attempts(&self) -> Result<Vec<String>> {
        Ok(fs::read_to_string(&self.told)?.lines().map(str::to_owned).collect())
    }

    /// The one pin of this name.
    fn pin(&self, name: &str) -> Result<PathBuf> {
        let pins = fs::read_dir(PINS)?.flatten().map(|layer| layer.path().join(name));
        let mut found = pins.filter(|pin| pin.exists());
        found.next().with_context(|| format!("nothing is pinned as {name}"))
    }

    /// Waits until mcpguard has noticed and ended the session; then nothing of the server is left.
    fn noticed(mut self, ground: &Ground) -> Result<Seen> {
        let until = Instant::now() + ground.slow(Duration::from_secs(4));
        let status = loop {
            if let Some(status) = self.supervisor.try_wait()? {
                break status;
            }
            if Instant::now() > until {
                kill(self.process(), Signal::SIGKILL)?;
                self.supervisor.wait()?;
                bail!("nobody has noticed: {:?}", self.attempts()?.last());
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        ensure!(status.code() == Some(125), "mcpguard ended with {status}");
        let attempts = self.attempts()?;
        std::thread::sleep(ground.slow(Duration::from_millis(50)));
        ensure!(self.attempts()?.len() == attempts.len(), "the server goes on");
        let free = attempts.iter().filter(|line| line.starts_with("ok")).count();
        Ok(Seen { free, records: self.guarded.records()? })
    }
}

/// Where the attacker may write what it saw.
const WORKSPACE: &str = "filesystem: { write: [\"${workspace}\"] }\n";

impl Seen {
    /// The log says which proof failed.
    fn says(&self, what: &str) -> Result<()> {
        let failed = self.records.iter().filter(|r| r["event"] == "denial" && r["cause"] == "proof");
        let mut reasons = failed.filter_map(|record| record["reason"].as_str());
        ensure!(
            reasons.any(|reason| reason.contains(what)),
            "no failed proof of `{what}`: {:#?}",
            self.records
        );
        Ok(())
    }
}

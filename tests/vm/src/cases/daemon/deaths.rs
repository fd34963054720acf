//! The daemon is killed again and again while a session's server attacks without pause: nothing forbidden ever succeeds,
//! the session goes on, and every denial is on record once.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::USER;
use super::host::{Host, is_of_a_runtime};
use crate::actor;
use crate::client::Client;
use crate::ground::Ground;
use crate::guarded::Guarded;

const POLICY: &str = "\
version: 1
name: deaths
extends: [runtime/native]
filesystem:
  write: [\"${workspace}\"]
  deny: [\"${workspace}/secret\"]
network:
  allowed_cidrs: [127.0.0.1/32]
  allowed_ports: [4000]
tools:
  read_file: { allowed_paths: [\"${home}/tool.txt\"], read_only: true }
";

const ELSEWHERE: &str = "127.0.0.2:4000";

/// How the daemon goes.
#[derive(Clone, Copy, Debug)]
enum Death {
    /// The keeper is killed, and with it the front.
    Keeper,
    /// The front is killed.
    Front,
    /// It is told to stop and started again, as for an upgrade.
    Upgrade,
}

const DEATHS: [Death; 3] = [Death::Keeper, Death::Front, Death::Upgrade];

/// `pause`: microseconds between two attempts of one kind. What comes while nobody is there must find room in the ring.
pub(super) fn deaths(ground: &Ground, rounds: usize, pause: &str) -> Result<()> {
    let secret = ground.file("workspace/secret/file", "secret")?.to_string_lossy().into_owned();
    let of_the_tool = ground.file("tool.txt", "only during a call")?.to_string_lossy().into_owned();
    let _listens = TcpListener::bind(ELSEWHERE).context("cannot listen")?;
    let attacks = [["read", &secret], ["connect", ELSEWHERE]];
    for [act, object] in attacks {
        actor::bare_as(USER, act, &[object])?.succeeded()?;
    }
    let host = Host::start(ground)?;
    let guarded = ground.guarded(POLICY)?.user(USER).option("--daemon");
    let client = guarded.session()?;
    let mut siege = Siege { ground, host, guarded, client, of_the_tool, back: 0 };
    for [act, object] in attacks {
        siege.client.act("act", "tries_begin", &[pause, act, object])?.succeeded()?;
    }
    siege.progress()?;
    for (round, death) in DEATHS.into_iter().cycle().take(rounds).enumerate() {
        siege.survive(death).with_context(|| format!("round {round}, {death:?}"))?;
    }
    siege.end(&secret)
}

/// A session under attack from inside, and its daemon.
struct Siege<'a> {
    ground: &'a Ground,
    host: Host<'a>,
    guarded: Guarded<'a>,
    client: Client,
    of_the_tool: String,
    /// How often the daemon came back.
    back: usize,
}

impl Siege<'_> {
    fn survive(&mut self, death: Death) -> Result<()> {
        match death {
            Death::Front => self.host.kill_front()?,
            Death::Keeper | Death::Upgrade => {
                if matches!(death, Death::Keeper) {
                    self.host.kill()?
                } else {
                    self.host.stop()?
                }
                // Nobody is there: calls go on, and what is denied is denied.
                self.progress().context("while there is no daemon")?;
                self.host.again()?;
            }
        }
        self.back += 1;
        let back = || Ok((regained(&self.guarded.log()?) >= self.back).then_some(()));
        self.host.within(back, "the session's connection does not come back")?;
        self.progress().context("when it is back")
    }

    /// A call is served, with what follows it; and the attackers go on, without success.
    fn progress(&mut self) -> Result<()> {
        self.client.act("read_file", "read", &[&self.of_the_tool])?.succeeded()?;
        let before = self.attempts("tries_told")?;
        std::thread::sleep(self.ground.slow(Duration::from_millis(10)));
        let after = self.attempts("tries_told")?;
        for (act, count) in &after {
            ensure!(Some(count) > before.get(act), "nobody tries to {act} any more: {after:?}");
        }
        Ok(())
    }

    /// How many attempts of each kind there were; all were denied by the programs.
    fn attempts(&mut self, word: &str) -> Result<BTreeMap<String, u64>> {
        let told: BTreeMap<String, BTreeMap<String, u64>> =
            serde_json::from_value(self.client.act("act", word, &[])?.value)?;
        ensure!(
            told.values().all(|came| came.keys().all(|errno| errno == "EPERM")),
            "came through: {told:?}"
        );
        Ok(told.into_iter().map(|(act, came)| (act, came.values().sum())).collect())
    }

    /// As many denials are on record as there were attempts, in the session's log and in the daemon's.
    fn end(mut self, secret: &str) -> Result<()> {
        let attempts = self.attempts("tries_end")?;
        let provoked: u64 = attempts.values().sum();
        let recorded =
            || Ok((Recorded::of(&self.guarded.records()?, secret).all() >= provoked).then_some(()));
        let complete = self.host.within(recorded, "not every denial is on record");
        // A double would come late.
        std::thread::sleep(self.ground.slow(Duration::from_millis(50)));
        let recorded = Recorded::of(&self.guarded.records()?, secret);
        let hosts = self.host.proved()?;
        let all = || format!("{recorded:?} of {attempts:?}, {hosts:?}");
        complete.with_context(all)?;
        ensure!(recorded.all() == provoked, "{}", all());
        self.ground.figure("attempts, all denied", provoked)?;
        self.ground.figure("told to the session as lost", recorded.lost)?;
        self.ground.figure("in the host's log", hosts.last - hosts.missing)?;
        ensure!(recorded.maps <= 1, "a runtime asks once: {recorded:?}");
        ensure!(recorded.strange.is_empty(), "nobody tried {:#?}", recorded.strange);
        ensure!(hosts.missing == 0 && hosts.last == provoked + recorded.maps, "{}", all());
        ensure!(self.client.finish()?.success(), "the session failed");
        Ok(())
    }
}

/// How often the log says that the daemon is back.
fn regained(log: &str) -> usize {
    log.matches("daemon is back").count()
}

/// What a session's log says of denials.
#[derive(Debug, Default)]
struct Recorded {
    files: u64,
    connections: u64,
    /// Known by number only.
    lost: u64,
    /// The server's runtime, at its start: see [`is_of_a_runtime`].
    maps: u64,
    /// About something that nobody tried.
    strange: Vec<Value>,
}

impl Recorded {
    fn of(records: &[Value], secret: &str) -> Self {
        let mut recorded = Self::default();
        for record in records {
            let count = record["count"].as_u64().unwrap_or(0);
            let what = record["what"].as_str().unwrap_or_default();
            match record["event"].as_str() {
                Some("denial") if record["layer"] != "ebpf" => {}
                Some("denial") if what == secret => recorded.files += count,
                Some("denial") if what.contains(ELSEWHERE) => recorded.connections += count,
                Some("denial") if is_of_a_runtime(what) => recorded.maps += count,
                Some("denial") => recorded.strange.push(record.clone()),
                Some("lost") => recorded.lost += count,
                _ => {}
            }
        }
        recorded
    }

    fn all(&self) -> u64 {
        self.files + self.connections + self.lost
    }
}

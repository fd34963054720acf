//! SIGKILL to the supervisor, the server or the client at random moments, 200 times: no process of the session is
//! left after a second that is not as confined as before, no zombie, and the audit log verifies.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use harness::{
    Client, Runtime, Scene, Start, alive, checkout, children_of, eventually, marked, parent_of_zombie, verify,
};
use serde_json::json;

const ROUNDS: u64 = 200;
const AT_ONCE: u64 = 4;

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dying {
    Supervisor,
    Server,
    Client,
}

/// splitmix64: a small generator with a seed that can be given again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }
}

#[test]
fn death_at_random_moments() -> Result<()> {
    let given = std::env::var("MCPGUARD_SEED").ok().and_then(|seed| seed.parse().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let seed: u64 = given.unwrap_or(now);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE)
            .map(|worker| {
                scope.spawn(move || {
                    let rounds = (worker..ROUNDS).step_by(AT_ONCE as usize);
                    rounds.filter_map(|round| told(seed, round)).collect::<Vec<String>>()
                })
            })
            .collect();
        let joined = workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| vec!["a worker failed".into()]));
        joined.flatten().collect()
    });
    let (count, all) = (failures.len(), failures.join("\n"));
    ensure!(failures.is_empty(), "{count} of {ROUNDS} rounds, MCPGUARD_SEED={seed}:\n{all}");
    Ok(())
}

fn told(seed: u64, number: u64) -> Option<String> {
    let mut dice = Dice(seed.wrapping_mul(1000).wrapping_add(number));
    let dying = [Dying::Supervisor, Dying::Server, Dying::Client][dice.roll(3) as usize];
    let runtime = Runtime::ALL[dice.roll(2) as usize];
    round(dying, runtime, &mut dice)
        .err()
        .map(|error| format!("round {number}, {dying:?} of {runtime:?}: {error:#}"))
}

fn round(dying: Dying, runtime: Runtime, dice: &mut Dice) -> Result<()> {
    let scene = Scene::new()?;
    let mark = scene.root().to_string_lossy().into_owned();
    let policy = scene.policy("puppet", &runtime.policy("")?)?;
    let mut server = runtime.puppet()?;
    // The mark makes each process of this round findable, whoever its parent is by then.
    server.push(mark.clone().into());
    let start = Start::guarded(&scene, &policy, server);
    let session = match dying {
        Dying::Client => die_with_client(&start, dice)?,
        _ => die_alone(dying, &start, &scene, dice)?,
    };
    settled(dying, &mark, &session)?;
    verified(&scene.audit())
}

/// A session whose client is the harness, and lives.
fn die_alone(dying: Dying, start: &Start<'_>, scene: &Scene, dice: &mut Dice) -> Result<BTreeSet<u32>> {
    let mut client = start.client()?;
    let supervisor = client.pid();
    if dice.roll(4) > 0 {
        client.handshake("2025-06-18")?;
        busy(&mut client, scene, dice)?;
    }
    std::thread::sleep(Duration::from_micros(dice.roll(120_000)));
    let session = descendants(supervisor);
    match dying {
        Dying::Supervisor => client.kill()?,
        _ => kill_server_of(supervisor)?,
    }
    client.wait(Duration::from_secs(10)).context("the supervisor does not end")?;
    Ok(session)
}

/// Kills every child of the supervisor until one of them was the server; death may have been due before there was one. Other
/// children live for a moment only: the probe of what the kernel can do, and the canary.
fn kill_server_of(supervisor: u32) -> Result<()> {
    let mut born = false;
    let ended = eventually(Duration::from_secs(10), || {
        let children = children_of(supervisor);
        born |= !children.is_empty();
        // Whoever has ended meanwhile need not be killed.
        children.into_iter().for_each(|child| drop(kill(child)));
        !alive(supervisor)
    });
    ensure!(born || ended, "the supervisor starts no server");
    Ok(())
}

/// Things in flight while death comes: a slow call, a daemon, a flood of calls.
fn busy(client: &mut Client, scene: &Scene, dice: &mut Dice) -> Result<()> {
    match dice.roll(3) {
        0 => drop(client.send("tools/call", json!({ "name": "sleep", "arguments": { "ms": 5000 } }))?),
        1 => {
            let path = scene.workspace().join("heartbeat");
            client.call("daemonise", json!({ "path": path }))?;
        }
        _ => {
            for _ in 0..dice.roll(50) {
                client.send(
                    "tools/call",
                    json!({ "name": "echo", "arguments": { "text": "x".repeat(2000) } }),
                )?;
            }
        }
    }
    Ok(())
}

/// A session whose client is a process of its own and dies.
fn die_with_client(start: &Start<'_>, dice: &mut Dice) -> Result<BTreeSet<u32>> {
    let model = start.command()?;
    let mut command = Command::new("/usr/bin/python3");
    command.arg(checkout().join("tests/puppet/client.py")).args(start.argv()?).env_clear();
    command.envs(model.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(directory) = model.get_current_dir() {
        command.current_dir(directory);
    }
    let mut client = command.spawn()?;
    let supervisor = told_pid(&mut client)?;
    std::thread::sleep(Duration::from_micros(dice.roll(300_000)));
    let mut session = descendants(supervisor);
    session.insert(supervisor);
    client.kill()?;
    client.wait()?;
    Ok(session)
}

fn told_pid(client: &mut Child) -> Result<u32> {
    let mut line = String::new();
    BufReader::new(client.stdout.take().context("no stdout")?).read_line(&mut line)?;
    line.trim().parse().with_context(|| format!("no pid in {line:?}"))
}

fn descendants(of: u32) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let mut open = vec![of];
    while let Some(parent) = open.pop() {
        let fresh: Vec<u32> = children_of(parent).into_iter().filter(|&child| found.insert(child)).collect();
        open.extend(fresh);
    }
    found
}

/// After a while: nothing is left, or, where the supervisor was killed, nothing that is less confined.
fn settled(dying: Dying, mark: &str, session: &BTreeSet<u32>) -> Result<()> {
    // A supervisor that is still starting notices when it has started; as root that includes loading eBPF programs.
    let patience = if dying == Dying::Supervisor { 1 } else { 10 };
    let quiet = eventually(Duration::from_secs(patience), || marked(mark).is_empty());
    let left = marked(mark);
    let loose: Vec<String> = left.iter().filter(|&&pid| !confined(pid)).map(|&pid| describe(pid)).collect();
    // They are this round's own, found by its mark.
    left.iter().try_for_each(|&pid| kill(pid))?;
    ensure!(loose.is_empty(), "not confined and still there after {patience} s: {loose:?}");
    let outlived = !quiet && dying != Dying::Supervisor;
    ensure!(!outlived, "{} process(es) outlived the session: {left:?}", left.len());
    let zombies: Vec<u32> = session.iter().copied().filter(|&pid| is_zombie(pid)).collect();
    ensure!(zombies.is_empty(), "zombies: {zombies:?}");
    Ok(())
}

/// No new privileges, and a seccomp filter: nobody can take them off again.
fn confined(pid: u32) -> bool {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/status")) else { return true };
    let has = |line: &str| status.lines().any(|found| found == line);
    !alive(pid) || (has("NoNewPrivs:\t1") && has("Seccomp:\t2"))
}

/// A zombie that someone other than init fails to reap. What the death of its parent gave to init is init's to reap,
/// and some container inits take their time.
fn is_zombie(pid: u32) -> bool {
    const INIT: u32 = 1;
    !eventually(Duration::from_secs(1), || parent_of_zombie(pid).is_none_or(|parent| parent == INIT))
}

fn describe(pid: u32) -> String {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    format!("{pid} {}", String::from_utf8_lossy(&line).replace('\0', " "))
}

fn kill(pid: u32) -> Result<()> {
    // It may be gone already, which is as good.
    Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status()?;
    Ok(())
}

/// The log verifies up to its last whole line; a session that died before its first record has none.
fn verified(log: &Path) -> Result<()> {
    if !std::fs::metadata(log).is_ok_and(|facts| facts.len() > 0) {
        return Ok(());
    }
    let finished = verify(log)?;
    match finished.status {
        Some(0) => Ok(()),
        _ => bail!("the audit log does not verify: {finished:?}"),
    }
}

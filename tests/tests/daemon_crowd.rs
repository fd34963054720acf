//! Many sessions at once under one host daemon: what each costs, what many denials do, and how all of them end.
//!
//! The sizes are those of a test. The figures of `docs/figures.md` come from
//! `MCPGUARD_CROWD=1000 MCPGUARD_BIN=<a release build> cargo test --package mcpguard-tests --test daemon_crowd -- --nocapture --test-threads 1`.

use std::env;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::{Client, HostDaemon, Scene, User, alive, children_of, eventually, kilobytes, note, records};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::{Value, json};

/// How many sessions there are: so many, or as many as somebody wants, but no more than this.
fn crowd(usual: usize, most: usize) -> usize {
    let wanted = env::var("MCPGUARD_CROWD").ok().and_then(|count| count.parse().ok());
    wanted.map_or(usual, |wanted: usize| wanted.min(most))
}

/// Each session of the tests has a few descriptors here.
fn open_many_files() -> Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}

/// A session with its place.
struct Guest {
    client: Client,
    scene: Scene,
}

impl Guest {
    /// Starts one; how long until its server had answered.
    fn comes(daemon: &HostDaemon, who: User, name: &str) -> Result<(Self, Duration)> {
        let scene = Scene::new()?;
        let command = daemon.ready(&scene, who, name)?;
        let begun = Instant::now();
        let mut client = Client::spawn(command)?;
        client.handshake("2025-06-18")?;
        Ok((Self { client, scene }, begun.elapsed()))
    }

    fn call(&mut self, tool: &str, arguments: Value) -> Result<Value> {
        self.client.call(tool, arguments)?.puppet()
    }

    /// Nanoseconds of a datagram that the kernel's programs deny, and of one that they let go.
    fn hooks(&mut self, milliseconds: u64) -> Result<[u64; 2]> {
        let mut each = [0; 2];
        for (each, (host, outcome)) in each.iter_mut().zip([("192.0.2.1", "EPERM"), ("127.0.0.1", "sent")]) {
            let told = self.call("udp_often", json!({ "host": host, "port": 9, "ms": milliseconds }))?;
            ensure!(told["came"][outcome].as_u64() > Some(0), "to {host}: {told}");
            *each = told["each"].as_u64().context("no time")?;
        }
        Ok(each)
    }
}

/// How long the same server takes that nobody guards: a start costs this process more, the more children it has.
fn bare(daemon: &HostDaemon, who: User) -> Result<Duration> {
    let scene = Scene::new()?;
    let command = daemon.bare(&scene, who)?;
    let begun = Instant::now();
    let mut client = Client::spawn(command)?;
    client.handshake("2025-06-18")?;
    let took = begun.elapsed();
    client.finish()?;
    Ok(took)
}

/// The middle and the hundredth from above, in milliseconds.
fn middle_and_end(times: &[Duration]) -> [u128; 2] {
    let mut times = times.to_vec();
    times.sort_unstable();
    [50, 99].map(|part| times[(times.len() - 1) * part / 100].as_millis())
}

/// The resident memory of the daemon's processes, in kilobytes.
fn memory(daemon: &HostDaemon) -> u64 {
    daemon.processes().into_iter().filter_map(|process| kilobytes(process, "VmRSS")).sum()
}

#[test]
fn the_last_of_many_is_served_as_the_first() -> Result<()> {
    open_many_files()?;
    let Some(daemon) = HostDaemon::start()? else { return Ok(()) };
    let many = crowd(20, 1000);
    let users = |number: usize| User::number(u32::try_from(number % 10).unwrap_or(0));
    let part = (many / 10).max(1);
    let (empty, mut guests, mut hooks) = (memory(&daemon), Vec::new(), Vec::new());
    let (mut starts, mut bares) = (Vec::new(), Vec::new());
    for number in 0..many {
        let (mut guest, took) = Guest::comes(&daemon, users(number), "crowd")?;
        if number == 0 || number == many - 1 {
            hooks.push(guest.hooks(if many > 20 { 3000 } else { 100 })?);
        }
        starts.push(took);
        guests.push(guest);
        if number < part || number >= many - part {
            bares.push(bare(&daemon, users(number))?);
        }
    }
    let per_session = (memory(&daemon).saturating_sub(empty)) / many as u64;
    let listed = daemon.listed(User::ROOT)?.len();
    ensure!(listed == many, "{listed} are listed");
    for (which, guarded, bare) in
        [("first", &starts[..part], &bares[..part]), ("last", &starts[many - part..], &bares[part..])]
    {
        note(&format!(
            "{many} sessions: p50 and p99 in ms of the {which} {part} starts {:?}, of the same server bare {:?}",
            middle_and_end(guarded),
            middle_and_end(bare)
        ));
    }
    note(&format!("ns of a denied and of a sent datagram, first and last session: {hooks:?}"));
    let supervisor = kilobytes(guests[many - 1].client.pid(), "VmRSS").context("no memory")?;
    note(&format!(
        "kB resident: daemon {empty} without sessions, {per_session} a session; a supervisor {supervisor}"
    ));
    let begun = Instant::now();
    for guest in &mut guests {
        for _ in 0..100 {
            ensure!(
                guest.call("udp", json!({ "host": "192.0.2.1", "port": 9, "text": "x" }))?["errno"]
                    == "EPERM"
            );
        }
    }
    note(&format!("{} denied calls in {} ms", many * 100, begun.elapsed().as_millis()));
    let begun = Instant::now();
    for mut guest in guests {
        guest.client.finish()?;
        let told = denials(&guest.scene)?;
        ensure!(told >= 100, "{told} denials of a session are on record");
    }
    let nothing =
        eventually(Duration::from_secs(20), || daemon.listed(User::ROOT).is_ok_and(|all| all.is_empty()));
    ensure!(nothing, "sessions are left");
    note(&format!("{many} sessions finished, one after another, in {} ms", begun.elapsed().as_millis()));
    Ok(())
}

/// The denials of a session's log, with those that it knows by number only.
fn denials(scene: &Scene) -> Result<u64> {
    let is_one = |record: &harness::Record| {
        record.event() == "denial" && record.0["layer"] == "ebpf"
            || record.event() == "lost" && record.0["kind"] == "kernel_events"
    };
    let all = records(&scene.audit())?;
    Ok(all.iter().filter(|record| is_one(record)).filter_map(|record| record.0["count"].as_u64()).sum())
}

/// Denials as fast as two processes provoke them: each is written down or counted, and the daemon does not grow with them.
#[test]
fn a_flood_of_denials_is_counted_to_the_last() -> Result<()> {
    let Some(daemon) = HostDaemon::start()? else { return Ok(()) };
    let milliseconds = if crowd(0, 1) == 0 { 1_000 } else { 10_000 };
    let mut guests =
        [Guest::comes(&daemon, User::ADA, "flood")?.0, Guest::comes(&daemon, User::BOB, "flood")?.0];
    let flood =
        json!({ "name": "udp_often", "arguments": { "host": "192.0.2.1", "port": 9, "ms": milliseconds } });
    let mut calls = Vec::new();
    for guest in &mut guests {
        calls.push(guest.client.send("tools/call", flood.clone())?);
    }
    let (mut all, mut each) = (0, Vec::new());
    for (guest, call) in guests.iter_mut().zip(&calls) {
        let told = guest.client.answer_to(call)?.puppet()?;
        let denied = told["came"]["EPERM"].as_u64().context("nothing was denied")?;
        ensure!(told["came"].as_object().is_some_and(|came| came.len() == 1), "{told}");
        all += denied;
        each.push(denied);
    }
    let peak: Vec<u64> =
        daemon.processes().into_iter().filter_map(|process| kilobytes(process, "VmHWM")).collect();
    for (guest, provoked) in guests.iter_mut().zip(each) {
        guest.client.finish()?;
        let told = denials(&guest.scene)?;
        ensure!(told == provoked, "{provoked} were provoked, {told} are on record or counted");
    }
    note(&format!(
        "{} denials a second; kB of each of its processes at most: {peak:?}",
        all * 1000 / milliseconds
    ));
    // The host's log is full several times over, and goes on in another file.
    ensure!(!daemon.told().contains("cannot be written"), "{}", daemon.told());
    ensure!(peak.iter().all(|peak| *peak < 256 << 10), "the daemon has grown: {peak:?} kB");
    Ok(())
}

/// With the daemon, and when it is dead: every session is in the middle of a call, and one in twenty provokes denials.
#[test]
fn all_busy_sessions_end_with_one_request() -> Result<()> {
    open_many_files()?;
    let Some(mut daemon) = HostDaemon::start()? else { return Ok(()) };
    let many = crowd(20, 200);
    for dead in [false, true] {
        let mut guests = Vec::new();
        for _ in 0..many {
            guests.push(Guest::comes(&daemon, User::ADA, "busy")?.0);
        }
        for (number, guest) in guests.iter_mut().enumerate() {
            let (tool, arguments) = match number % 20 {
                0 => ("udp_often", json!({ "host": "192.0.2.1", "port": 9, "ms": 600_000 })),
                _ => ("sleep", json!({ "ms": 600_000 })),
            };
            guest.client.send("tools/call", json!({ "name": tool, "arguments": arguments }))?;
        }
        let servers: Vec<u32> = guests.iter().flat_map(|guest| children_of(guest.client.pid())).collect();
        ensure!(servers.len() >= many && servers.iter().all(|server| alive(*server)), "{servers:?}");
        if dead {
            daemon.kill()?;
        }
        // Those that flood have begun to, and the daemon is behind.
        std::thread::sleep(Duration::from_millis(500));
        let mut kill = daemon.command(User::ROOT, &["kill", "--user", &User::ADA.uid.to_string()])?;
        let begun = Instant::now();
        let killer = std::thread::spawn(move || harness::run(&mut kill));
        let are_gone = eventually(Duration::from_secs(20), || !servers.iter().any(|server| alive(*server)));
        let took = begun.elapsed();
        let told = killer.join().map_err(|_| anyhow::anyhow!("no answer"))??;
        ensure!(are_gone && told.status == Some(0), "dead: {dead}; {told:?}");
        ensure!(told.stdout.contains(&format!("{many} sessions ended")), "dead: {dead}; {told:?}");
        let how = if dead { "dead daemon" } else { "daemon" };
        note(&format!(
            "{how}: {} processes of {many} busy sessions were gone after {} ms",
            servers.len(),
            took.as_millis()
        ));
        for guest in &mut guests {
            guest.client.wait(Duration::from_secs(20))?;
        }
    }
    daemon.begin()?;
    Ok(())
}

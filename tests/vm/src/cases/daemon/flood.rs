//! A session provokes denials as fast as it can: each is on record or counted, the daemon does not grow, and what a
//! denied call costs does not depend on whether somebody reads.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use enforce::Pid;
use nix::sys::signal::{Signal, kill};
use serde_json::Value;

use super::USER;
use super::host::{Host, field, is_of_a_runtime};
use crate::client::Client;
use crate::ground::Ground;

const POLICY: &str = "\
version: 1
name: flood
extends: [runtime/native]
filesystem:
  write: [\"${workspace}\"]
  deny: [\"${workspace}/secret\"]
";

const PROCESSES: u64 = 4;
const MILLISECONDS: u64 = 10_000;
/// Denials that the runtimes of the attackers and of their parent may provoke by themselves, one each.
const ASKED_BESIDE: u64 = 2 * PROCESSES;
/// For the comparison.
const SHORTER: u64 = 3_000;
/// Kilobytes that each of the daemon's two processes may have resident, whatever is told.
const RESIDENT: u64 = 96 << 10;
/// How much more a denied call may cost while it is recorded, in thousandths.
const DEARER: u64 = 2_000;

pub(super) fn flood(ground: &Ground) -> Result<()> {
    let secret = ground.file("workspace/secret/file", "secret")?.to_string_lossy().into_owned();
    let host = Host::start(ground)?;
    let guarded = ground.guarded(POLICY)?.user(USER).option("--daemon");
    let mut client = guarded.session()?;
    let daemon = [host.keeper(), host.front()?];
    let all = wave(&mut client, PROCESSES, MILLISECONDS, &secret)?;
    let reading = wave(&mut client, 1, SHORTER, &secret)?;
    daemon.iter().try_for_each(|process| kill(*process, Signal::SIGSTOP))?;
    let alone = wave(&mut client, 1, SHORTER, &secret)?;
    daemon.iter().try_for_each(|process| kill(*process, Signal::SIGCONT))?;
    let provoked = all.denied + reading.denied + alone.denied;
    let counted = || Ok((told(&guarded.records()?).iter().sum::<u64>() >= provoked).then_some(()));
    let complete = host.within(counted, "denials are missing");
    std::thread::sleep(ground.slow(Duration::from_millis(100)));
    let [recorded, lost] = told(&guarded.records()?);
    complete.with_context(|| format!("{recorded} recorded and {lost} lost of {provoked}"))?;
    ground.figure("denials provoked", provoked)?;
    ground.figure("recorded in the session's log", recorded)?;
    ground.figure("counted as lost", lost)?;
    ground.figure("denials a second, four processes", all.denied * 1000 / MILLISECONDS)?;
    ground.figure("ns of a denied call, recorded", reading.each())?;
    ground.figure("ns of a denied call, nobody reads", alone.each())?;
    // What a runtime asks by itself is left out of the recorded ones; of those that are known by number only nobody can tell.
    let beside = (recorded + lost).checked_sub(provoked);
    let enough = beside.is_some_and(|beside| beside <= ASKED_BESIDE);
    ensure!(enough, "{recorded} recorded and {lost} lost of {provoked}");
    for (name, process) in ["keeper", "front"].into_iter().zip(daemon) {
        let peak = peak(process)?;
        ground.figure(&format!("kilobytes of the {name} at most"), peak)?;
        ensure!(peak < RESIDENT, "the {name} has grown to {peak} kB");
    }
    let dearer = reading.each() * 1000 / alone.each().max(1);
    ensure!(dearer < DEARER, "a denied call costs {dearer}/1000 while it is recorded");
    ensure!(client.finish()?.success(), "the session failed");
    Ok(())
}

/// What a wave of denials came to.
struct Wave {
    denied: u64,
    /// Processor time of all attackers.
    nanoseconds: u64,
}

impl Wave {
    fn each(&self) -> u64 {
        self.nanoseconds / self.denied.max(1)
    }
}

fn wave(client: &mut Client, processes: u64, milliseconds: u64, secret: &str) -> Result<Wave> {
    let (processes, milliseconds) = (processes.to_string(), milliseconds.to_string());
    let outcome = client.act("act", "flood", &[&processes, &milliseconds, "read", secret])?;
    outcome.succeeded()?;
    let came = &outcome.value["came"];
    let denied = came["EPERM"].as_u64().context("nothing was denied")?;
    ensure!(came.as_object().is_some_and(|it| it.len() == 1), "something else came of it: {came}");
    Ok(Wave { denied, nanoseconds: outcome.value["nanoseconds"].as_u64().context("no time")? })
}

/// Denials that are on record, and those that are known by number only.
fn told(records: &[Value]) -> [u64; 2] {
    let sum = |event: &str, layer: Option<&str>| {
        let of = records.iter().filter(|it| it["event"] == event && it["layer"].as_str() == layer);
        let of = of.filter(|it| !is_of_a_runtime(it["what"].as_str().unwrap_or_default()));
        of.map(|record| record["count"].as_u64().unwrap_or(0)).sum()
    };
    [sum("denial", Some("ebpf")), sum("lost", None)]
}

fn peak(process: Pid) -> Result<u64> {
    field(process, "VmHWM").context("a process of the daemon is gone")
}

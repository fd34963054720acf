//! Grants that follow the call, with a real MCP server: what `read_file` may read and what `fetch` may connect to is open
//! exactly while such a call is in flight, and to a background thread of the server as to everybody else.
//!
//! Two pairs of clocks: the server's tools say when they certainly ran, the client when a call can have been in flight.
//! Between the two nothing is claimed.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::case::{Case, On};
use crate::client::Client;
use crate::ground::Ground;
use crate::job::Machine;
use crate::loopback;
use crate::need::Need;

pub(super) const CASES: &[Case] = &[Case::new("servers/windows_of_a_thousand_calls", windows)
    .needs(&[Need::Hooks])
    .on(On::Only(Machine::Servers))
    .seconds(180)];

const SERVER: &str = include_str!("../../servers/windows.py");
const PYTHON: &str = "/opt/servers/venv/bin/python";
/// A port where nobody names a host, so that its address is judged by itself; nobody has to listen.
const PORT: u16 = 4711;
/// What the tool may connect to, and the address that the machine's own file of hosts has for it. It looks public, because a
/// name may stand for no other one.
const HOST: &str = "example.org";
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(93, 184, 216, 34));
const CALLS: usize = 1000;
/// How many attempts of each sort make the measurement worth something.
const ENOUGH: usize = 200;
const EPERM: i32 = 1;

/// What the server tells.
#[derive(Deserialize)]
struct Report {
    /// What was tried, when it began and ended (`CLOCK_MONOTONIC`, nanoseconds), and the errno.
    attempts: Vec<(String, i64, i64, i32)>,
    /// When a tool certainly ran.
    windows: Vec<(String, i64, i64)>,
}

fn windows(ground: &Ground) -> Result<()> {
    let file = ground.file("only.txt", "only while read_file runs")?;
    let script = ground.file("server/windows.py", SERVER)?;
    let report = ground.workspace().join("report.json");
    let policy = format!(
        "version: 1\nname: windows\nextends: [runtime/python]\n\
         filesystem: {{ read: [/opt/servers, {}], write: [{}] }}\n\
         network: {{ allowed_ports: [{PORT}] }}\n\
         tools:\n  read_file: {{ allowed_paths: [{}], read_only: true }}\n  fetch: {{ allowed_domains: [{HOST}] }}\n",
        script.display(),
        ground.workspace().display(),
        file.display(),
    );
    loopback::add(ADDRESS)?;
    std::fs::write("/etc/hosts", format!("{ADDRESS} {HOST}\n")).context("no file of hosts can be made")?;
    let guarded = ground.guarded(&policy)?;
    let words = [script.as_path(), file.as_path()].map(|path| path.to_string_lossy().into_owned());
    let (port, told) = (PORT.to_string(), report.to_string_lossy().into_owned());
    let command = guarded.command(&[PYTHON, &words[0], &words[1], &port, &told])?;
    let mut client = Client::start(command, ground)?;
    let outer = calls(&mut client)?;
    client.call("finish", json!({}))?;
    let report: Report = serde_json::from_str(&std::fs::read_to_string(&report)?).context("no report")?;
    judge(ground, &report, &outer)
}

/// Calls one tool after the other, with a pause between; when each can have been in flight.
fn calls(client: &mut Client) -> Result<Vec<(&'static str, i64, i64)>> {
    let mut outer = Vec::new();
    for number in 0..CALLS {
        let (tool, kind) = if number % 2 == 0 { ("read_file", "read") } else { ("fetch", "connect") };
        let began = now()?;
        let answer: Value = client.call(tool, json!({ "seconds": 0.004 }))?;
        outer.push((kind, began, now()?));
        ensure!(answer["result"]["isError"] == false, "call {number} failed: {answer}");
        std::thread::sleep(Duration::from_millis(4));
    }
    Ok(outer)
}

fn now() -> Result<i64> {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC)?;
    Ok(time.tv_sec() * 1_000_000_000 + time.tv_nsec())
}

fn judge(ground: &Ground, report: &Report, outer: &[(&str, i64, i64)]) -> Result<()> {
    for kind in ["read", "connect"] {
        let (mut inside, mut outside, mut wrong) = (0, 0, Vec::new());
        for (_, began, ended, errno) in report.attempts.iter().filter(|attempt| attempt.0 == kind) {
            let own = report.windows.iter().filter(|window| window.0 == kind);
            let certainly_open = own.clone().any(|(_, open, shut)| open <= began && ended <= shut);
            let perhaps_open =
                outer.iter().any(|(of, open, shut)| *of == kind && open <= ended && began <= shut);
            match (certainly_open, perhaps_open) {
                (true, _) => inside += 1,
                (_, false) => outside += 1,
                _ => continue,
            }
            if (*errno == 0) != certainly_open || (!certainly_open && *errno != EPERM) {
                wrong.push((began, ended, errno));
            }
        }
        ground.figure(&format!("attempts to {kind} inside of a window"), inside)?;
        ground.figure(&format!("attempts to {kind} outside of every window"), outside)?;
        ensure!(
            wrong.is_empty(),
            "{} of {} attempts to {kind} came out wrong: {wrong:?}",
            wrong.len(),
            inside + outside
        );
        ensure!(
            inside >= ENOUGH as u64 && outside >= ENOUGH as u64,
            "{kind}: only {inside} inside, {outside} outside"
        );
    }
    Ok(())
}

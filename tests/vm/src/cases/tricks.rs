//! The table of tricks (tests/src/internet) on a real kernel: each works without a guard, and is denied by programs on the
//! security hooks. Only on the machine with the disk that has the test internet.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::internet::{Backend, Internet, Report, Trick, Verdict, Wire, all, table_in};
use serde_json::{Map, Value, json};

use crate::case::{Case, On};
use crate::ground::{Ground, INIT, MCPGUARD};
use crate::job::Machine;
use crate::need::Need;

pub(super) const CASES: &[Case] = &[Case::new("tricks/work_and_are_denied", in_a_machine)
    .on(On::Only(Machine::Tricks))
    .needs(&[Need::Hooks, Need::BpfLsm])
    .seconds(600)];

/// What the disk has of the checkout.
const CHECKOUT: &str = "/opt/checkout";
/// Clients that load for seconds before each attempt. The others try the same ways, and these do so on the host.
const LEFT_OUT: [&str; 3] = ["node fetch", "requests", "httpx"];
/// The columns; the first is the proof that a trick works at all.
const COLUMNS: [Backend; 2] = [Backend::Bare, Backend::Ebpf];
/// So many tricks at least must have been shown to work: a table of nothing proves nothing.
const PROVED: usize = 100;

fn in_a_machine(ground: &Ground) -> Result<()> {
    // Most of an attempt is waiting, so its patience need not grow as much as computing slows down.
    in_a_process(ground, "--tricks", 3)
}

/// In a process of its own, whose environment says where everything is; its figures are the case's. `share`: how much of
/// its time is computing, one part of so many.
pub(super) fn in_a_process(ground: &Ground, option: &str, share: u64) -> Result<()> {
    let slow = ground.slow(Duration::from_secs(1)).as_secs().div_ceil(share).max(1);
    let mut command = Command::new(INIT);
    command.arg(option).env("MCPGUARD_BIN", MCPGUARD).env("MCPGUARD_CHECKOUT", CHECKOUT);
    command.env("MCPGUARD_TESTS_SLOW", slow.to_string()).stderr(Stdio::inherit());
    let told = command.output().context("cannot start the table")?;
    let text = String::from_utf8_lossy(&told.stdout);
    let figures: Map<String, Value> =
        serde_json::from_str(&text).with_context(|| format!("no figures: {text}"))?;
    for (name, value) in &figures {
        ground.figure(name, value.as_u64().with_context(|| format!("{name} is no number"))?)?;
    }
    ensure!(told.status.success(), "not everything is as it must be");
    Ok(())
}

/// `init --tricks`: the table; what was counted on stdout, what is wrong on stderr, all of it on the console.
pub(crate) fn table() -> Result<()> {
    let (left_out, tricks): (Vec<Trick>, Vec<Trick>) =
        all().into_iter().partition(|trick| LEFT_OUT.contains(&trick.program.name()));
    let mut figures = Map::new();
    let internet = timed(&mut figures, "seconds to raise the internet", Internet::raise)?;
    ensure!(
        internet.wire() == Wire::Pair,
        "this kernel has no pairs of interfaces, or its module was not loaded"
    );
    let (mut wrong, mut proved) = (Vec::new(), 0);
    for column in COLUMNS {
        let name = format!("seconds of the column {}", column.name());
        let report = timed(&mut figures, &name, || table_in(&internet, &[column], &tricks))?;
        count(&report, &mut figures);
        // The host keeps the console of a machine that failed, or of every one with `--keep`.
        console(&report.text())?;
        wrong.extend(report.wrong());
        proved += report.proved();
    }
    for client in LEFT_OUT {
        let number = left_out.iter().filter(|trick| trick.program.name() == client).count();
        figures.insert(format!("left out in machines, {client}"), json!(number));
    }
    println!("{}", Value::from(figures));
    ensure!(wrong.is_empty(), "{}", shortened(&wrong));
    ensure!(proved >= PROVED, "only {proved} tricks were shown to work");
    Ok(())
}

fn timed<T>(figures: &mut Map<String, Value>, name: &str, act: impl FnOnce() -> Result<T>) -> Result<T> {
    let begun = Instant::now();
    let done = act()?;
    figures.insert(name.to_owned(), json!(begun.elapsed().as_secs()));
    Ok(done)
}

/// How often each verdict was given, by column.
fn count(report: &Report, figures: &mut Map<String, Value>) {
    for (row, (backend, verdict)) in
        report.rows.iter().flat_map(|row| row.verdicts.iter().map(move |each| (row, each)))
    {
        let kind = if row.trick.is_benign() { "allowed uses" } else { "tricks" };
        let verdict = match verdict {
            // One figure for each trick that could not be tried, so that it is heard.
            Verdict::Lacking(what) => format!("not here: {what}"),
            other => other.to_string(),
        };
        let name = format!("{}, {kind}: {verdict}", backend.name());
        let before = figures.get(&name).and_then(Value::as_u64).unwrap_or_default();
        figures.insert(name, json!(before + 1));
    }
}

/// Everything that is wrong, as far as a result has room.
fn shortened(wrong: &[String]) -> String {
    let mut text = format!("{} are not as they must be:\n", wrong.len());
    let each = 5000 / wrong.len().max(1);
    for line in wrong {
        let _ = writeln!(text, "{}", line.chars().take(each).collect::<String>());
    }
    text
}

fn console(text: &str) -> Result<()> {
    let mut console = OpenOptions::new().write(true).open("/dev/console").context("no console")?;
    console.write_all(text.as_bytes()).context("the console takes nothing")
}

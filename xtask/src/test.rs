//! `cargo xtask test`: everything that must be green. The last line of stdout is the count of tests.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::checkout::Checkout;
use crate::tally::Tally;
use crate::{setup, step, tidy, vm};

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only the tests: without the rules of the house, rustfmt and clippy
    #[arg(long)]
    no_tidy: bool,
    /// Without the virtual machines
    #[arg(long)]
    no_vm: bool,
    /// Passed on to `cargo test`: packages, names; then no virtual machine is started
    #[arg(last = true)]
    cargo_test: Vec<String>,
}

/// Runs all of it; an error if anything is not as it must be.
pub(crate) fn run(checkout: &Checkout, options: &Options) -> Result<()> {
    setup::run(checkout, setup::Scope::Tests)?;
    let house = if options.no_tidy { Ok(()) } else { tidy::run(checkout, &tidy::Options::of_tests()) };
    // A breach of the house rules is no reason not to know what the tests say; it still fails the task.
    if let Err(breach) = &house {
        eprintln!("tidy: {breach:#}");
    }
    let mcpguard = build(checkout, &[])?;
    let mut command = checkout.cargo();
    command.args(["test", "--workspace", "--no-fail-fast"]).args(&options.cargo_test);
    command.env("MCPGUARD_BIN", mcpguard);
    let (mut tally, succeeded) = counted(command)?;
    let machines = machines(checkout, options);
    let machines = machines.map(|count| tally.add(count.passed, count.failed, count.skipped));
    let mut out = std::io::stdout().lock();
    writeln!(out, "{tally}")?;
    out.flush()?;
    house.context("the tests have run, but the rules of the house are broken")?;
    machines.context("the virtual machines could not be run")?;
    if !(succeeded && tally.is_green()) {
        bail!("not every test passed");
    }
    Ok(())
}

/// The tests inside of virtual machines.
fn machines(checkout: &Checkout, options: &Options) -> Result<vm::Count> {
    if options.no_vm || !options.cargo_test.is_empty() {
        eprintln!("NOT RUN: the virtual machines, as asked");
        return Ok(vm::Count::default());
    }
    vm::count(checkout, &vm::Options::everything())
}

/// Builds `mcpguard` and returns the path of exactly the binary that cargo made.
pub(crate) fn build(checkout: &Checkout, options: &[&str]) -> Result<PathBuf> {
    let mut command = checkout.cargo();
    command.args([
        "build",
        "--quiet",
        "--package",
        "mcpguard",
        "--message-format",
        "json-render-diagnostics",
    ]);
    let told = step::read("build of mcpguard", command.args(options))?;
    told.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "mcpguard")
        .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
        .context("cargo named no executable for mcpguard")
}

/// Runs cargo with its output shown and counted.
fn counted(mut command: Command) -> Result<(Tally, bool)> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("cannot start cargo test")?;
    let (tell, lines) = channel();
    let readers = [
        child.stdout.take().map(|from| pass_on(from, tell.clone())),
        child.stderr.take().map(|from| pass_on(from, tell)),
    ];
    let mut tally = Tally::default();
    for line in lines {
        tally.line(&line);
        eprintln!("{line}");
    }
    for reader in readers.into_iter().flatten() {
        reader.join().map_err(|_| anyhow::anyhow!("a reader of cargo's output failed"))?;
    }
    Ok((tally, child.wait()?.success()))
}

fn pass_on(from: impl Read + Send + 'static, tell: Sender<String>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            if tell.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                break;
            }
        }
    })
}

//! What the sandbox costs at the start: bare against guarded, stage by stage, and the filter's own price.
#![expect(clippy::print_stdout, reason = "a benchmark tells by itself")]

#[path = "../tests/attacks/sandbox.rs"]
#[expect(dead_code, reason = "shared with the attacks, which use all of it")]
mod sandbox;

use std::collections::BTreeMap;
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use enforce::{Action, Addresses, Instruction, Profile, Reporting};
use sandbox::*;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, sock_filter};

const ROUNDS: usize = 300;

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|word| word == "enter") {
        std::process::exit(enforce::enter_main(arguments).into());
    }
    enforce::become_subreaper().expect("Linux 3.4");
    starts();
    filters();
}

fn report(what: &str, mut samples: Vec<Duration>) {
    samples.sort();
    let at = |part: usize| samples[(samples.len() - 1) * part / 100];
    println!("{what:<44} p50 {:>9.1?}  p95 {:>9.1?}  ({} rounds)", at(50), at(95), samples.len());
}

/// Bare and guarded by turns, so that both meet the same weather.
fn starts() {
    let plan = runtime();
    let command = command("/usr/bin/true", &[]);
    let (mut bare, mut guarded, mut prepare, mut stages) =
        (vec![], vec![], vec![], BTreeMap::<String, Vec<Duration>>::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let mut process = Process::new(&command.program);
        process.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        process.status().expect("runs");
        bare.push(start.elapsed());

        let start = Instant::now();
        let ready =
            enforce::prepare(&plan, &enforce::probe(), &command, enforce::Encloser::Own).expect("prepares");
        prepare.push(start.elapsed());
        let stdio = enforce::Stdio3 { stdin: nothing(), stdout: nothing(), stderr: nothing() };
        let mut guard = ready.spawn(stdio).expect("starts");
        while guard.reap().is_empty() {
            std::thread::sleep(Duration::from_micros(20));
        }
        guarded.push(start.elapsed());
        for (stage, nanoseconds) in guard.sealed().stages.clone() {
            stages.entry(stage).or_default().push(Duration::from_nanos(nanoseconds));
        }
    }
    report("/usr/bin/true, bare", bare);
    report("/usr/bin/true, guarded", guarded);
    report("  of which probe and prepare", prepare);
    for (stage, samples) in stages {
        report(&format!("  of which in enter: {stage}"), samples);
    }
}

/// The search by ranges against the chain that seccompiler would make of the same calls.
fn filters() {
    let plan = runtime();
    let profile = Profile::of(&plan, Addresses::Kernel);
    let searched = enforce::compile(&profile, Reporting::Silent).expect("compiles");
    let chained = chain(&profile);
    println!("filter: {} instructions by search, {} by chain", searched.len(), chained.len());
    let searched: BpfProgram = searched.into_iter().map(raw).collect();
    let (mut by_search, mut by_chain) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        by_search.push(install(searched.clone()));
        by_chain.push(install(chained.clone()));
    }
    report("installing the filter by search", by_search);
    report("installing the filter by chain", by_chain);
}

fn raw(instruction: Instruction) -> sock_filter {
    let Instruction { code, jump_true, jump_false, operand } = instruction;
    sock_filter { code, jt: jump_true, jf: jump_false, k: operand }
}

/// Every allowed call without its arguments, which makes the chain shorter than it would have to be.
fn chain(profile: &Profile) -> BpfProgram {
    let allowed = (0..500_u32).filter(|number| profile.decide(*number, &[0; 6]) == Action::Allow);
    let rules = allowed.map(|number| (i64::from(number), Vec::new())).collect();
    let architecture = std::env::consts::ARCH.try_into().expect("known");
    let filter = SeccompFilter::new(rules, SeccompAction::Errno(1), SeccompAction::Allow, architecture);
    filter.and_then(BpfProgram::try_from).expect("compiles")
}

/// In a thread of its own, whose end takes the filter with it.
fn install(program: BpfProgram) -> Duration {
    let thread = std::thread::spawn(move || {
        let start = Instant::now();
        seccompiler::apply_filter(&program).expect("installs");
        start.elapsed()
    });
    thread.join().expect("no panic")
}

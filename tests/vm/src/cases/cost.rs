//! What the layer costs, in instructions: on the machine `icount` a tick is one, and the same code takes the same ones.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::getppid;

use super::hooks::bench::{Bench, Senders, tables};
use crate::case::{Case, On};
use crate::ground::Ground;
use crate::job::Machine;
use crate::need::Need;
use crate::sys::{Argument, call, process};

const NEEDS: &[Need] = &[Need::Hooks];

pub(super) const CASES: &[Case] = &[
    Case::new("cost/of_opening", of_opening).needs(NEEDS).on(On::Only(Machine::Icount)).seconds(120),
    Case::new("cost/grants_without_system_calls", grants_without_system_calls).needs(NEEDS).seconds(40),
];

/// What open and close may cost more than with nothing attached, in instructions: for everybody, and for a guarded process.
const UNGUARDED: u64 = 330;
const GUARDED: u64 = 1200;

/// Six components, on the root's own mount, and on one below.
const PLAIN: &str = "/opt/vm/cost/one/two/file";
const MOUNTED: &str = "workspace/one/two/file";
/// Path rules that every policy has.
const FIXED: usize = 3;
const ROUNDS: &str = "400";

/// A policy that is measured.
struct Sort {
    name: &'static str,
    /// Path rules, [`FIXED`] among them.
    rules: usize,
    names: &'static str,
    /// Whether it is what the bound is about.
    bound: bool,
}

const SORTS: &[Sort] = &[
    Sort { name: "3 path rules", rules: 3, names: "", bound: true },
    Sort { name: "3 path rules, 1 whole name", rules: 3, names: r#", "**/.env""#, bound: true },
    Sort { name: "200 path rules, 1 whole name", rules: 200, names: r#", "**/.env""#, bound: true },
    Sort { name: "2000 path rules, 1 whole name", rules: 2000, names: r#", "**/.env""#, bound: true },
    Sort {
        name: "200 path rules, 1 whole name of the file's length",
        rules: 200,
        names: r#", "**/.key""#,
        bound: false,
    },
    Sort {
        name: "200 path rules, 2 name ends",
        rules: 200,
        names: r#", "**/*.pem", "**/*.key""#,
        bound: false,
    },
];

/// Opening and closing a file: before anything is attached, attached to others, and guarded.
fn of_opening(ground: &Ground) -> Result<()> {
    let mounted = ground.directory().join(MOUNTED);
    let files: [(&str, PathBuf); 2] = [("", PLAIN.into()), (", on a mount", mounted)];
    for (_, file) in &files {
        ensure!(file.components().count() > 6, "{} is not deep enough", file.display());
        fs::create_dir_all(file.parent().context("no directory")?)?;
        fs::write(file, "text")?;
    }
    let alone = |file: &Path| ground.act("open_close_ticks", &[&file.to_string_lossy(), ROUNDS]);
    let mut bare = Vec::new();
    for (place, file) in &files {
        let (ticks, again) = (read(&alone(file)?.value)?, read(&alone(file)?.value)?);
        ensure!(
            ticks.abs_diff(again) <= 20,
            "{ticks} ticks with nothing attached, and {again} the second time"
        );
        ground.figure(&format!("open and close, nothing attached{place}"), ticks)?;
        bare.push(ticks);
    }
    may_hold_many()?;
    let mut bench = Bench::load(Senders::Denied)?;
    let mut told = String::new();
    let mut over = |what: &str, added: u64, bound: Option<u64>| -> Result<()> {
        ground.figure(&format!("more for open and close: {what}"), added)?;
        if let Some(bound) = bound.filter(|bound| added > *bound) {
            writeln!(told, "{what}: {added} instructions, {bound} are allowed")?;
        }
        Ok(())
    };
    for ((place, file), bare) in files.iter().zip(&bare) {
        let added = read(&alone(file)?.value)?.saturating_sub(*bare);
        over(&format!("unguarded, attached{place}"), added, Some(UNGUARDED))?;
    }
    for sort in SORTS {
        let room = bench.open(&tables(ground, &policy(ground, sort)?, 0)?)?;
        for ((place, file), bare) in files.iter().zip(&bare) {
            let file = file.to_string_lossy();
            let inside = bench.act(&room, &["open_close_ticks", &file, ROUNDS])?;
            ensure!(inside.events.is_empty(), "{}: {inside}", sort.name);
            let outcome = inside.outcome.as_ref().with_context(|| format!("{}: {inside}", sort.name))?;
            outcome.succeeded()?;
            let added = read(&outcome.value)?.saturating_sub(*bare);
            let bound = (sort.bound && place.is_empty()).then_some(GUARDED);
            over(&format!("guarded, {}{place}", sort.name), added, bound)?;
        }
        bench.close(room)?;
    }
    bench.nothing_was_skipped()?;
    ensure!(told.is_empty(), "{told}");
    Ok(())
}

/// A session holds a descriptor for every path of its rules that is there.
fn may_hold_many() -> Result<()> {
    let limit = [4096_u64.to_ne_bytes(); 2].concat();
    let (own, which) = (Argument::Number(0), Argument::Number(u64::from(libc::RLIMIT_NOFILE)));
    call(libc::SYS_prlimit64, &mut [own, which, Argument::Memory(limit), Argument::Number(0)])
        .context("cannot hold 4096 descriptors")
        .map(drop)
}

fn read(value: &serde_json::Value) -> Result<u64> {
    value.as_u64().with_context(|| format!("no ticks: {value}"))
}

/// Grants and denies in equal number, of files that are there, in directories beside the file that is opened.
fn policy(ground: &Ground, sort: &Sort) -> Result<String> {
    let (mut grants, mut denies) = (String::new(), String::new());
    for number in 0..sort.rules - FIXED {
        let directory = ground.directory().join("rules").join(format!("{}", number % 20));
        fs::create_dir_all(&directory)?;
        let path = directory.join(format!("file-{number}"));
        fs::write(&path, "")?;
        let list = if number % 2 == 0 { &mut grants } else { &mut denies };
        write!(list, ", \"{}\"", path.display())?;
    }
    let names = sort.names;
    Ok(format!(
        "version: 1\nname: cost\nfilesystem:\n  read: [/]\n  write: [\"${{workspace}}\"{grants}]\n  deny: [\"${{home}}/none\"{denies}{names}]\n"
    ))
}

/// A call's grant begins and ends by a store to memory: under a filter that kills at every system call but the end, it works.
fn grants_without_system_calls(ground: &Ground) -> Result<()> {
    const POLICY: &str = "\
version: 1
name: cost
filesystem: { read: [\"${workspace}/always\"] }
tools: { get: { allowed_paths: [\"${workspace}/granted\"] } }
";
    let file = ground.file("workspace/granted", "granted")?;
    let file = file.to_string_lossy();
    let mut bench = Bench::load(Senders::Denied)?;
    let room = bench.open(&tables(ground, POLICY, 0)?)?;
    let active = &room.session.active;
    for (mask, readable) in [(0b1, false), (0b11, true), (0b1, false)] {
        let stored = silently(|| active.store(mask, 7))?;
        ensure!(matches!(stored, WaitStatus::Exited(_, 0)), "storing {mask:#b}: {stored:?}");
        let inside = bench.act(&room, &["read", &file])?;
        let errno = inside.outcome.as_ref().and_then(|outcome| outcome.errno());
        ensure!(errno == (!readable).then_some("EPERM"), "with the classes {mask:#b}: {inside}");
    }
    // The filter really kills.
    let called = silently(|| {
        std::hint::black_box(getppid());
    })?;
    ensure!(
        matches!(called, WaitStatus::Signaled(_, Signal::SIGSYS, _)),
        "a system call was made: {called:?}"
    );
    bench.close(room)
}

/// Runs it in a child that may make one system call only: its end.
fn silently(run: impl FnOnce()) -> Result<WaitStatus> {
    let child = process::child(|| match only_ending() {
        Ok(_) => {
            run();
            0
        }
        Err(_) => 1,
    })?;
    Ok(waitpid(child, None)?)
}

/// From here on, every system call but `exit_group` kills this process (seccomp(2)).
fn only_ending() -> Result<i64, nix::errno::Errno> {
    const FILTER: libc::c_ulong = 1;
    let filter = [
        // The number of the call; is it `exit_group`?
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, libc::SYS_exit_group as u32),
        step(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW),
        step(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_KILL_PROCESS),
    ]
    .concat();
    // `struct sock_fprog`: how many steps, and where they are.
    let program = [4_u64.to_ne_bytes(), (filter.as_ptr() as u64).to_ne_bytes()].concat();
    call(libc::SYS_seccomp, &mut [Argument::Number(FILTER), Argument::Number(0), Argument::Memory(program)])
}

/// A `struct sock_filter`; the jump is over so many steps if the comparison fails.
fn step(code: u32, unequal: u8, value: u32) -> Vec<u8> {
    let code = (code as u16).to_ne_bytes();
    [&code[..], &[0, unequal], &value.to_ne_bytes()].concat()
}

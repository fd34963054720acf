//! What the layer costs, in instructions: on the machine `icount` a tick is one, and the same code takes the same ones.

use std::fmt::Write as _;
use std::fs;
use std::os::fd::AsFd as _;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use enforce::bpf::{ActiveMask, Mark};
use enforce::encode::{Implied, Tables, encode, look_up};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::getppid;
use policy::plan::{AbsolutePath, PathRule};

use super::hooks::bench::{Bench, Room, Senders, plan, tables};
use crate::actor::Outcome;
use crate::case::{Case, On};
use crate::ground::Ground;
use crate::job::Machine;
use crate::need::Need;
use crate::sys::{Argument, call, process};

const NEEDS: &[Need] = &[Need::Hooks];

pub(super) const CASES: &[Case] =
    &[Case::new("cost/of_opening", of_opening).needs(NEEDS).on(On::Only(Machine::Icount)).seconds(120)];

/// What open and close may cost everybody more than with nothing attached, in instructions.
const UNGUARDED: u64 = 330;

/// Six components: granted by the root, and granted by the directory three above on a mount; and two components.
const DEEP: &str = "/price/of/opening/one/two/report";
/// Its first name is as long as the first of the paths that are denied, so that it is read and looked up.
const BESIDE: &str = "/opt/vm/price/one/two/report";
const MOUNTED: &str = "workspace/one/two/report";
const FLAT: &str = "/opt/report";
/// How the files are told apart.
const ROOT: &str = ", granted by the root";
const MOUNT: &str = ", granted by a directory on a mount";
/// What is common to all policies, up to the names.
const POLICY: &str = "\
version: 1
name: cost
filesystem:
  read: [/]
  write: [\"${workspace}\"]
  deny: [\"${home}/none\"";
/// Path rules that every policy has.
const FIXED: usize = 3;
const ROUNDS: &str = "400";

/// A policy that is measured.
struct Sort {
    name: &'static str,
    /// Path rules, [`FIXED`] among them.
    rules: usize,
    names: &'static str,
    /// What [`DEEP`] may cost a guarded process more: what was measured and 3 %.
    most: u64,
    /// What [`MOUNTED`] may cost: the aim, where no name rule leads the way up across the mount to the root.
    near: Option<u64>,
}

/// What a guarded open and close may cost more, with 200 rules and with 2,000.
const GUARDED: u64 = 1200;

const SORTS: &[Sort] = &[
    Sort { name: "3 path rules", rules: 3, names: "", most: 1360, near: Some(GUARDED) },
    Sort { name: "200 path rules", rules: 200, names: "", most: 1360, near: Some(GUARDED) },
    Sort { name: "2000 path rules", rules: 2000, names: "", most: 1360, near: Some(GUARDED) },
    Sort {
        name: "200 path rules, 1 whole name",
        rules: 200,
        names: r#", "**/.env""#,
        most: 1575,
        near: None,
    },
    Sort {
        name: "200 path rules, 1 whole name of the file's length",
        rules: 200,
        names: r#", "**/.npmrc""#,
        most: 2385,
        near: None,
    },
    Sort {
        name: "200 path rules, 2 name ends",
        rules: 200,
        names: r#", "**/*.pem", "**/*.key""#,
        most: 2850,
        near: None,
    },
];
/// The sorts that differ in nothing but the number of rules.
const FEW: usize = 1;
const MANY: usize = 2;

/// Opening and closing a file: before anything is attached, attached to others, and guarded.
fn of_opening(ground: &Ground) -> Result<()> {
    let mut files = [
        File::make(ROOT, DEEP.into(), 6)?,
        File::make(", beside a denied name of equal length", BESIDE.into(), 6)?,
        File::make(MOUNT, ground.directory().join(MOUNTED), 6)?,
        File::make(", two components", FLAT.into(), 2)?,
    ];
    let mut figures = Figures { ground, told: String::new(), over: false };
    files.iter_mut().try_for_each(|file| file.bare(ground, &mut figures))?;
    may_hold_many()?;
    let mut bench = Bench::load(Senders::Denied)?;
    for file in &files {
        let added = file.unguarded(ground)?.saturating_sub(file.bare);
        figures.tell(&format!("more for an unguarded process{}", file.place), added, Some(UNGUARDED))?;
    }
    let rows: Vec<_> =
        SORTS.iter().map(|sort| sort.measure(&mut bench, &files, &mut figures)).collect::<Result<_>>()?;
    bench.nothing_was_skipped()?;
    ensure!(!figures.over, "{}", figures.told);
    for (&few, &many) in rows[FEW].iter().zip(&rows[MANY]) {
        ensure!(few.abs_diff(many) * 20 <= few, "{few} instructions with 200 rules, {many} with 2000");
    }
    Ok(())
}

/// A file that is opened.
struct File {
    place: &'static str,
    path: String,
    /// Ticks with nothing attached.
    bare: u64,
}

impl File {
    fn make(place: &'static str, path: PathBuf, depth: usize) -> Result<Self> {
        ensure!(path.components().count() == 1 + depth, "{} has not {depth} components", path.display());
        fs::create_dir_all(path.parent().context("no directory")?)?;
        fs::write(&path, "text")?;
        Ok(Self { place, path: path.to_string_lossy().into_owned(), bare: 0 })
    }

    /// Measured while nothing is attached.
    fn bare(&mut self, ground: &Ground, figures: &mut Figures<'_>) -> Result<()> {
        let (ticks, again) = (self.unguarded(ground)?, self.unguarded(ground)?);
        ensure!(ticks.abs_diff(again) <= 20, "{ticks} ticks with nothing attached, and again {again}");
        self.bare = ticks;
        figures.tell(&format!("open and close, nothing attached{}", self.place), ticks, None)
    }

    fn unguarded(&self, ground: &Ground) -> Result<u64> {
        read(&ground.act("open_close_ticks", &[&self.path, ROUNDS])?)
    }

    /// What a guarded process pays more.
    fn guarded(&self, bench: &mut Bench, room: &Room, mark: Mark) -> Result<u64> {
        let inside = bench.act_as(room, Some(mark), &["open_close_ticks", &self.path, ROUNDS])?;
        ensure!(inside.events.is_empty(), "{inside}");
        let ticks = read(inside.outcome.as_ref().with_context(|| inside.to_string())?)?;
        Ok(ticks.saturating_sub(self.bare))
    }
}

/// Figures, and whether one is over its bound.
struct Figures<'a> {
    ground: &'a Ground,
    told: String,
    over: bool,
}

impl Figures<'_> {
    fn tell(&mut self, what: &str, ticks: u64, bound: Option<u64>) -> Result<()> {
        self.ground.figure(what, ticks)?;
        let over = bound.filter(|bound| ticks > *bound);
        self.over |= over.is_some();
        let over = over.map_or(String::new(), |bound| format!(", but {bound} are allowed"));
        Ok(writeln!(self.told, "{ticks} {what}{over}")?)
    }
}

/// A session holds a descriptor for every path of its rules that is there.
fn may_hold_many() -> Result<()> {
    let limit = [4096_u64.to_ne_bytes(); 2].concat();
    let (own, which) = (Argument::Number(0), Argument::Number(u64::from(libc::RLIMIT_NOFILE)));
    call(libc::SYS_prlimit64, &mut [own, which, Argument::Memory(limit), Argument::Number(0)])
        .context("cannot hold 4096 descriptors")
        .map(drop)
}

fn read(outcome: &Outcome) -> Result<u64> {
    outcome.succeeded()?;
    outcome.value.as_u64().with_context(|| format!("no ticks: {outcome:?}"))
}

impl Sort {
    /// What each file costs more under this policy.
    fn measure(&self, bench: &mut Bench, files: &[File], figures: &mut Figures<'_>) -> Result<Vec<u64>> {
        let (room, mut row) = (bench.open(&self.tables(figures.ground)?)?, Vec::new());
        for file in files {
            let (name, place) = (self.name, file.place);
            let bound = match place {
                ROOT => Some(self.most),
                MOUNT => self.near,
                _ => None,
            };
            let added = file.guarded(bench, &room, Mark::Armed)?;
            figures.tell(&format!("more for a guarded process, {name}{place}"), added, bound)?;
            row.push(added);
        }
        // What it takes to find the mark, and nothing else.
        let found = files[0].guarded(bench, &room, Mark::NextExec)?;
        figures.tell(&format!("more for a process whose mark waits, {}", self.name), found, None)?;
        bench.close(room)?;
        Ok(row)
    }

    /// Grants and denies in equal number, of files that are there, in directories beside the file that is opened. They
    /// are put into the plan, as a policy's text may name fewer.
    fn tables(&self, ground: &Ground) -> Result<Tables> {
        let mut plan = plan(ground, &format!("{POLICY}{}]\n", self.names))?;
        ensure!(plan.files.rules.len() == FIXED, "the policy has other rules: {:?}", plan.files.rules);
        let denies = |rule: &&PathRule| rule.read.is_empty();
        let deny = plan.files.rules.iter().find(denies).context("nothing is denied")?.clone();
        let grant = plan.files.rules.iter().find(|rule| !rule.write.is_empty()).context("no grant")?.clone();
        for number in 0..self.rules - FIXED {
            let directory = ground.directory().join("rules").join(format!("{}", number % 20));
            fs::create_dir_all(&directory)?;
            let path = directory.join(format!("file-{number}"));
            fs::write(&path, "")?;
            let path = AbsolutePath::new(path).context("no absolute path")?;
            let like = if number % 2 == 0 { &grant } else { &deny };
            plan.files.rules.push(PathRule { path, ..like.clone() });
        }
        let implied = Implied::default();
        Ok(encode(&plan, &implied, &look_up(&plan, &implied)?)?)
    }
}

/// A call's grant begins and ends by a store to memory: under a filter that kills at every system call but the end, it works.
pub(super) fn grants_without_system_calls(ground: &Ground, bench: &mut Bench) -> Result<()> {
    const GET: &str = "\
version: 1
name: cost
filesystem: { read: [\"${workspace}/always\"] }
tools: { get: { allowed_paths: [\"${workspace}/granted\"] } }
";
    let file = ground.file("workspace/granted", "granted")?;
    let file = file.to_string_lossy();
    let room = bench.open(&tables(ground, GET, 0)?)?;
    let active = &room.session.active;
    for (mask, readable) in [(0b1, false), (0b11, true), (0b1, false)] {
        // As the doorman of a session of the host daemon: its own mapping, of a descriptor that it got.
        let map = active.as_fd().try_clone_to_owned()?;
        let stored = silently(move || ActiveMask::new(map), |mapped| mapped.store(mask, 7))?;
        ensure!(matches!(stored, WaitStatus::Exited(_, 0)), "storing {mask:#b}: {stored:?}");
        let inside = bench.act(&room, &["read", &file])?;
        let errno = inside.outcome.as_ref().and_then(|outcome| outcome.errno());
        ensure!(errno == (!readable).then_some("EPERM"), "with the classes {mask:#b}: {inside}");
    }
    // The filter really kills.
    let called = silently(
        || Ok(()),
        |()| {
            std::hint::black_box(getppid());
        },
    )?;
    ensure!(
        matches!(called, WaitStatus::Signaled(_, Signal::SIGSYS, _)),
        "a system call was made: {called:?}"
    );
    bench.close(room)
}

/// Runs it in a child that may, once it has what it needs, make one system call only: its end.
fn silently<T>(
    prepare: impl FnOnce() -> Result<T, nix::errno::Errno>,
    run: impl FnOnce(&T),
) -> Result<WaitStatus> {
    let child = process::child(|| match prepare().and_then(|needed| only_ending().map(|_| needed)) {
        Ok(needed) => {
            run(&needed);
            // Dropping it takes system calls.
            std::mem::forget(needed);
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

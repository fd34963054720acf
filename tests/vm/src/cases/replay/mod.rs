//! Random policies, replayed as real system calls against the real programs: what is denied must be what is meant.
//!
//! ```text
//! example `cases` of mcpguard-enforce ─► /opt/vm/replay.json ─► text ─► plan ─► tables ─► maps ─┐
//!        │ meaning, no plan and no maps                                                         ▼
//!        └───────────────► allowed? ═══════════ must be equal ═══════════ errno ◄─── fork, mark, one call
//! ```
//!
//! The layer is loaded once; each case has a session, a control group and a process of its own. One kernel is enough for
//! so many: the case is for the machine with two processors, which the matrix has for one kernel only.

mod attempt;
mod made;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::os::fd::AsFd;
use std::path::Path;

use abi::Action;
use anyhow::{Context, Result, ensure};
use enforce::Pid;
use enforce::bpf::Mark;
use enforce::encode::{Implied, RealPaths, encode};
use nix::errno::Errno;
use nix::sys::wait::{WaitStatus, waitpid};
use policy::plan::AbsolutePath;
use policy::{Library, Plan, Programs, Source};
use serde::Deserialize;

use self::attempt::Attempt;
use self::made::{Change, Made};
use super::hooks::bench::{Bench, Room, Senders};
use crate::case::{Case, On};
use crate::ground::Ground;
use crate::job::Machine;
use crate::need::Need;
use crate::sys::{Argument, descriptors, process};

pub(super) const CASES: &[Case] = &[Case::new("replay/random_policies", random_policies)
    .needs(&[Need::Hooks, Need::TaskStorage])
    .on(On::Only(Machine::Smp))
    .seconds(150)];

/// Where the archive has the cases.
const WRITTEN: &str = "/opt/vm/replay.json";
/// Everything that they are about lies beneath it.
const ROOT: &str = "/replay";
/// At least so many.
const LEAST: usize = 500;
/// What a child ends with that was not let through its gate. No error number is that high.
const NOT_BEGUN: u8 = 255;

/// One case, as `supervisor/enforce/tests/meaning/cases.rs` writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    number: usize,
    texts: BTreeMap<String, String>,
    before: Vec<Made>,
    after: Vec<Change>,
    in_flight: Vec<String>,
    active: u64,
    attempt: Attempt,
    allowed: bool,
}

/// What an attempt came to.
struct Seen {
    /// The errno of the kernel; none: it was done.
    errno: Option<Errno>,
    /// The denials that the session was told of.
    denials: usize,
}

impl Seen {
    /// A denial is `EPERM` and nothing else, and every denial is told.
    fn is(&self, allowed: bool) -> bool {
        (self.errno != Some(Errno::EPERM)) == allowed && (self.denials == 0) == allowed
    }
}

fn random_policies(ground: &Ground) -> Result<()> {
    let text = fs::read(WRITTEN).with_context(|| format!("the archive has no {WRITTEN}"))?;
    let cases: Vec<Written> = serde_json::from_slice(&text).context("no list of cases")?;
    ensure!(cases.len() >= LEAST, "{} cases are not {LEAST}", cases.len());
    let mut bench = Bench::load(Senders::Denied)?;
    let (mut wrong, mut denied) = (Vec::new(), 0);
    for case in &cases {
        match replay(&mut bench, case) {
            Ok(seen) if seen.is(case.allowed) => denied += u64::from(!case.allowed),
            Ok(seen) => wrong.push((case, format!("{:?}, {} denials told", seen.errno, seen.denials))),
            Err(error) => wrong.push((case, format!("{error:#}"))),
        }
    }
    fs::remove_dir_all(ROOT)?;
    bench.nothing_was_skipped()?;
    ground.figure("replayed", cases.len() as u64)?;
    ground.figure("denied", denied)?;
    ensure!(wrong.is_empty(), "{}{} of {} cases are not as meant", told(&wrong)?, wrong.len(), cases.len());
    Ok(())
}

/// The cases that are not as meant: first with everything, of which the end is told only, then each in a line.
fn told(wrong: &[(&Written, String)]) -> Result<String> {
    let mut text = String::new();
    for (case, seen) in wrong {
        writeln!(text, "{case:?}: {seen}")?;
    }
    for (Written { number, attempt, allowed, .. }, seen) in wrong {
        let meant = if *allowed { "allowed" } else { "denied" };
        writeln!(text, "{number}: {attempt:?} is meant to be {meant}: {seen}")?;
    }
    Ok(text)
}

fn replay(bench: &mut Bench, case: &Written) -> Result<Seen> {
    case.before.iter().try_for_each(Made::make)?;
    let plan = plan(case)?;
    let in_flight: Vec<&str> = case.in_flight.iter().map(String::as_str).collect();
    let active = plan.active(&in_flight).bits();
    ensure!(active == case.active, "the calls in flight lead to the active set {active:#b}");
    let tables = encode(&plan, &Implied::default(), &RealPaths::default())?;
    let room = bench.open(&tables).context("no session")?;
    let seen = in_session(bench, &room, case);
    bench.close(room).context("the session does not end")?;
    fs::remove_dir_all(Path::new(ROOT).join(case.number.to_string()))?;
    seen
}

/// What the supervisor does once the rules are registered, and then the attempt.
fn in_session(bench: &mut Bench, room: &Room, case: &Written) -> Result<Seen> {
    case.after.iter().try_for_each(Change::make)?;
    room.session.active.store(case.active, 1);
    bench.events();
    let errno = in_child(bench, room, &case.attempt)?;
    let slot = room.session.slot();
    let told = bench.events().into_iter().filter(|event| event.slot == slot);
    Ok(Seen { errno, denials: told.filter(|event| event.action == Action::Denied).count() })
}

/// A copy of this process waits until it is marked and in the group, makes the call, and ends with its errno. To start
/// a program instead would take most of the time of a case.
fn in_child(bench: &mut Bench, room: &Room, attempt: &Attempt) -> Result<Option<Errno>> {
    let (mut gate, mut word) = std::io::pipe()?;
    let child = process::child(|| match gate.read_exact(&mut [0]) {
        Ok(()) => attempt.errno().map_or(0, |errno| u8::try_from(errno as i32).unwrap_or(NOT_BEGUN)),
        Err(_) => NOT_BEGUN,
    })?;
    let taken = take_in(bench, room, child);
    // Without the word it waits for ever: it is waited for in any case.
    word.write_all(b"!")?;
    let ended = waitpid(child, None)?;
    taken?;
    match ended {
        WaitStatus::Exited(_, 0) => Ok(None),
        WaitStatus::Exited(_, code) if code != i32::from(NOT_BEGUN) => Ok(Some(Errno::from_raw(code))),
        other => anyhow::bail!("the attempt did not come to an end: {other:?}"),
    }
}

fn take_in(bench: &mut Bench, room: &Room, child: nix::unistd::Pid) -> Result<()> {
    let number = Argument::Number(u64::try_from(child.as_raw())?);
    let process = descriptors::make(libc::SYS_pidfd_open, &mut [number, Argument::Number(0)])?;
    bench.layer.tag(&room.session, process.as_fd(), Mark::Armed)?;
    Ok(room.group.join(Pid::from_raw(child.as_raw()))?)
}

/// The case's policies have no variable and name no program, so that any context will do.
fn plan(case: &Written) -> Result<Plan> {
    const NAME: &str = "p.yaml";
    let root = AbsolutePath::new(Path::new(ROOT)).context("no absolute path")?;
    let environment = BTreeMap::new();
    let context = policy::Context {
        workspace: root.clone(),
        home: root.clone(),
        config_home: root.clone(),
        cache_home: root,
        runtime_dir: None,
        server: Vec::new(),
        environment: &environment,
        programs: &NoPrograms,
    };
    let library = Texts(&case.texts);
    let source = library.read(NAME, "").map_err(anyhow::Error::msg)?;
    Ok(policy::load(source, &library)?.compile(&context)?)
}

/// The texts of a case, by name.
struct Texts<'a>(&'a BTreeMap<String, String>);

impl Library for Texts<'_> {
    fn read(&self, reference: &str, _: &str) -> Result<Source, String> {
        let text = self.0.get(reference).ok_or_else(|| format!("the case has no `{reference}`"))?;
        Ok(Source { name: reference.to_owned(), text: text.clone() })
    }
}

/// No program is looked up by name.
struct NoPrograms;

impl Programs for NoPrograms {
    fn find(&self, name: &str) -> Result<AbsolutePath, String> {
        Err(format!("a case has no `PATH` to look for `{name}`"))
    }
}

//! What trees of processes in a control group do. `tree ACT …` waits for a line first, so that it can be put into its group before it acts.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use enforce::Pid;
use enforce::cgroup::{Group, GroupId};
use policy::plan::LimitsPlan;
use serde_json::Value;

use super::{Act, perform};
use crate::ground::INIT;

pub(crate) const ACTS: &[(&str, Act)] = &[
    ("tree", tree),
    ("tree_memory", memory),
    ("tree_many", many),
    ("tree_spin", spin),
    ("tree_daemon", daemon),
    ("tree_daemon_middle", middle),
    ("tree_bomb", bomb),
    ("tree_migrate", migrate),
    ("tree_supervise", supervise),
];

/// Longer than any case, shorter than for ever.
const LONG: Duration = Duration::from_secs(120);

fn tree(arguments: &[&str]) -> io::Result<Value> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let (act, rest) = arguments.split_first().ok_or_else(|| io::Error::other("no act"))?;
    let outcome = perform(act, rest);
    match (outcome.is_ok(), outcome.errno()) {
        (true, _) => Ok(outcome.value),
        // By its name; the number is not kept.
        (false, errno) => Err(io::Error::other(format!("{errno:?} {}", outcome.value))),
    }
}

fn count(arguments: &[&str]) -> io::Result<usize> {
    arguments.first().and_then(|text| text.parse().ok()).ok_or_else(|| io::Error::other("no number"))
}

/// Writes to so many MiB of memory.
fn memory(arguments: &[&str]) -> io::Result<Value> {
    let mut held: Vec<Vec<u8>> = Vec::new();
    for _ in 0..count(arguments)? {
        held.push(std::hint::black_box(vec![1; 1 << 20]));
    }
    Ok(Value::from(held.len()))
}

fn act(name: &[&str]) -> io::Result<Child> {
    let mut command = Command::new(INIT);
    command.arg("--act").args(name).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

/// Starts so many processes and leaves them to themselves.
fn many(arguments: &[&str]) -> io::Result<Value> {
    for _ in 0..count(arguments)? {
        act(&["sleep", "120000"])?;
    }
    Ok(Value::Null)
}

fn spin(_arguments: &[&str]) -> io::Result<Value> {
    let begun = Instant::now();
    while begun.elapsed() < LONG {
        std::hint::spin_loop();
    }
    Ok(Value::Null)
}

/// Double fork and a session of its own.
fn daemon(_arguments: &[&str]) -> io::Result<Value> {
    act(&["tree_daemon_middle"])?.wait()?;
    std::thread::sleep(LONG);
    Ok(Value::Null)
}

fn middle(_arguments: &[&str]) -> io::Result<Value> {
    nix::unistd::setsid()?;
    many(&["3"])
}

/// Never gives up: what is refused is tried again, what has ended makes room.
fn bomb(_arguments: &[&str]) -> io::Result<Value> {
    let begun = Instant::now();
    let mut children: Vec<Child> = Vec::new();
    while begun.elapsed() < LONG {
        children.extend(act(&["tree_bomb"]));
        children.retain_mut(|child| child.try_wait().is_ok_and(|status| status.is_none()));
    }
    Ok(Value::Null)
}

/// Moves itself into the group of this `cgroup.procs`.
fn migrate(arguments: &[&str]) -> io::Result<Value> {
    let path = arguments.first().ok_or_else(|| io::Error::other("no path"))?;
    OpenOptions::new().write(true).open(path)?.write_all(b"0")?;
    Ok(Value::Null)
}

/// A supervisor with one process in its group, until it is killed.
fn supervise(_arguments: &[&str]) -> io::Result<Value> {
    let id = GroupId::own().ok_or_else(|| io::Error::other("no name"))?;
    let group = Group::create(&id, &LimitsPlan::default()).map_err(io::Error::other)?;
    let child = act(&["sleep", "120000"])?;
    group.join(Pid::from_raw(child.id().cast_signed())).map_err(io::Error::other)?;
    std::thread::sleep(LONG);
    Ok(Value::Null)
}

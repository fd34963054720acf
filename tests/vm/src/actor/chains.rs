//! Acts made of acts: several steps in one process, or an act in a child, a daemon, a thread, another cgroup.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::personality::{self, Persona};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, getppid, getsid, pipe, setsid};
use serde_json::{Value, json};

use super::{Act, Outcome, argument, number, perform};
use crate::sys::process;

pub(super) const ACTS: &[(&str, Act)] = &[
    ("sequence", sequence),
    ("child", |a| in_child(a, |run| process::child(run))),
    ("daemon", daemon),
    ("thread", thread),
    ("born_in", born_in),
    ("join", join),
    ("leaf", leaf),
    ("chdir", |a| std::env::set_current_dir(argument(a, 0)?).map(|()| Value::Null)),
    ("implied_execution", implied_execution),
    ("storm", storm),
    ("persist", persist),
];

/// What stands between two steps.
pub(crate) const THEN: &str = "--";

/// `ACT … -- ACT …`: one after the other in this process, whatever the earlier ones come to. The outcome is the last
/// one's; the value tells those before it too, by errno.
fn sequence(arguments: &[&str]) -> io::Result<Value> {
    let mut steps = Vec::new();
    for step in arguments.split(|word| *word == THEN) {
        let outcome = perform(argument(step, 0)?, &step[1..]);
        eprintln!("step {}: {outcome:?}", step[0]);
        steps.push((outcome.errno().map_or(outcome.value.clone(), |errno| json!(errno)), outcome));
    }
    let (_, last) = steps.last().ok_or_else(|| io::Error::other("no steps"))?;
    again(last)?;
    Ok(steps.into_iter().map(|(told, _)| told).collect())
}

/// An outcome that travelled through a pipe, as a result again.
fn again(outcome: &Outcome) -> io::Result<Value> {
    let named = |name: &str| (1..200).find(|number| format!("{:?}", Errno::from_raw(*number)) == name);
    match (outcome.is_ok(), outcome.errno().and_then(named)) {
        (true, _) => Ok(outcome.value.clone()),
        (false, Some(number)) => Err(io::Error::from_raw_os_error(number)),
        (false, None) => Err(io::Error::other(outcome.value.to_string())),
    }
}

/// `ACT …` in a process that `make` makes of this one; its outcome.
fn in_child(
    arguments: &[&str],
    make: impl FnOnce(&mut dyn FnMut() -> u8) -> Result<Pid, Errno>,
) -> io::Result<Value> {
    let (reader, writer) = pipe()?;
    let mut writer = Some(File::from(writer));
    let mut run = || {
        let outcome = perform(arguments.first().unwrap_or(&""), arguments.get(1..).unwrap_or_default());
        let told = serde_json::to_vec(&outcome).unwrap_or_default();
        u8::from(writer.as_mut().is_none_or(|pipe| pipe.write_all(&told).is_err()))
    };
    let child = make(&mut run)?;
    drop(writer);
    let mut told = Vec::new();
    File::from(reader).read_to_end(&mut told)?;
    let status = waitpid(child, None)?;
    let outcome: Outcome = serde_json::from_slice(&told)
        .map_err(|_| io::Error::other(format!("it told nothing: {status:?}")))?;
    again(&outcome)
}

/// `ACT …` in a daemon: a grandchild in a session of its own whose parent is gone.
fn daemon(arguments: &[&str]) -> io::Result<Value> {
    in_child(arguments, |run| {
        process::child(|| {
            let _ = setsid();
            let grandchild = process::child(|| {
                // It acts as an orphan: its parent, which leads the session, ends at once.
                while Ok(getppid()) == getsid(None) {
                    std::thread::yield_now();
                }
                run()
            });
            u8::from(grandchild.is_err())
        })
    })
}

/// `ACT …` in a second thread of this process.
fn thread(arguments: &[&str]) -> io::Result<Value> {
    let run = || perform(arguments.first().unwrap_or(&""), arguments.get(1..).unwrap_or_default());
    let outcome = std::thread::scope(|scope| scope.spawn(run).join());
    again(&outcome.map_err(|_| io::Error::other("the thread panicked"))?)
}

/// `CGROUP ACT …` in a child that is born in the cgroup.
fn born_in(arguments: &[&str]) -> io::Result<Value> {
    let cgroup = File::open(argument(arguments, 0)?)?;
    in_child(&arguments[1..], |run| process::child_in(cgroup.as_fd(), run))
}

/// Moves this process to the cgroup whose directory is named.
fn join(arguments: &[&str]) -> io::Result<Value> {
    fs::write(format!("{}/cgroup.procs", argument(arguments, 0)?), "0").map(|()| Value::Null)
}

/// Makes a cgroup beneath this process's own one and moves into it. The argument is where cgroups are mounted.
fn leaf(arguments: &[&str]) -> io::Result<Value> {
    let own = fs::read_to_string("/proc/self/cgroup")?;
    let own = own.lines().find_map(|line| line.strip_prefix("0::"));
    let own = own.ok_or_else(|| io::Error::other("this process is in no cgroup of version 2"))?;
    let path = format!("{}{own}/leaf", argument(arguments, 0)?);
    fs::create_dir(&path)?;
    join(&[&path])
}

/// `personality(READ_IMPLIES_EXEC)`.
fn implied_execution(_: &[&str]) -> io::Result<Value> {
    personality::set(personality::get()? | Persona::READ_IMPLIES_EXEC)?;
    Ok(Value::Null)
}

/// Performs an act again and again: `THREADS ROUNDS ACT …`. Tells how many came to what, by errno; `ok` for success.
fn storm(arguments: &[&str]) -> io::Result<Value> {
    let (threads, rounds) = (number(arguments, 0)?, number(arguments, 1)?);
    let act = argument(arguments, 2)?;
    let rest = &arguments[3..];
    let one = || (0..rounds).map(|_| told(&perform(act, rest))).collect::<Vec<_>>();
    let all = std::thread::scope(|scope| {
        // With one thread none is made: acts that fork must be alone.
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(one)).collect();
        let mut all = one();
        others.into_iter().for_each(|other| all.extend(other.join().unwrap_or_default()));
        all
    });
    let mut tally = serde_json::Map::new();
    for told in all {
        let count = tally.get(&told).and_then(Value::as_u64).unwrap_or(0);
        tally.insert(told, json!(count + 1));
    }
    Ok(Value::Object(tally))
}

/// `FILE SECONDS ACT …`: performs an act without pause, and writes what it came to into the file, by errno, `ok` and the
/// value for success; the file stays open, so that this needs no leave later.
fn persist(arguments: &[&str]) -> io::Result<Value> {
    let mut file = OpenOptions::new().append(true).open(argument(arguments, 0)?)?;
    let until = Instant::now() + Duration::from_secs(number(arguments, 1)?);
    let act = argument(arguments, 2)?;
    while Instant::now() < until {
        let outcome = perform(act, &arguments[3..]);
        writeln!(file, "{} {}", told(&outcome), if outcome.is_ok() { outcome.value } else { Value::Null })?;
        // A round a millisecond: the file is read as a whole.
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(Value::Null)
}

pub(super) fn told(outcome: &Outcome) -> String {
    match outcome.errno() {
        Some(errno) => errno.to_owned(),
        None if outcome.is_ok() => "ok".to_owned(),
        None => outcome.value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_ends_as_its_last_step() {
        let told = sequence(&["read", "/no/such", THEN, "nothing"]).unwrap();
        assert_eq!(told, json!(["ENOENT", null]));
        let last = sequence(&["nothing", THEN, "read", "/no/such"]).unwrap_err();
        assert_eq!(last.raw_os_error(), Some(libc::ENOENT));
    }

    #[test]
    fn a_storm_is_counted() {
        assert_eq!(storm(&["3", "4", "nothing"]).unwrap(), json!({ "ok": 12 }));
        assert_eq!(storm(&["2", "5", "read", "/no/such"]).unwrap(), json!({ "ENOENT": 10 }));
    }
}

//! Ending trees: nothing of a session is left, however it was started, and however the supervisor ends.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command as Process, ExitCode, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use enforce::{Ending, Guard, Pid, Signal, Status};

use crate::sandbox::*;
use crate::{Named, Test};

pub(crate) fn tests() -> Vec<Test> {
    let tests: [Named; 9] = [
        ("a daemon that double-forked", || ends_all("double-fork", 1)),
        ("a daemon that is deaf to signals", || ends_all("deaf-daemon", 2)),
        ("a brood of 73", || ends_all("brood", 73)),
        ("a chain of forks, each in a session of its own", || ends_all("fork-chain", 1)),
        ("dropping the guard ends the tree", dropping),
        ("a polite server ends by itself", polite),
        ("a deaf server is killed after its grace", deaf),
        ("outsiders are left alone", outsiders),
        ("the supervisor is killed", supervisor_killed),
    ];
    tests.map(|(name, test)| -> Test { (format!("tree: {name}"), Box::new(test)) }).into()
}

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A word on the command line by which a family is found, children included.
fn mark() -> String {
    format!("family-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn start_family(name: &str, mark: &str) -> Result<(Guard, Pipes), String> {
    start(&runtime(), &command(own_program(), &["attack", name, mark]))
}

/// Every process with the mark that is not a zombie.
fn members(mark: &str) -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").expect("/proc is mounted").flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let marked = |number: &i32| {
        let words = std::fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
        words.split(|byte| *byte == 0).any(|word| word == mark.as_bytes())
    };
    numbers.filter(marked).collect()
}

fn wait_for(what: &str, condition: impl Fn() -> bool) -> Result<(), String> {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !condition() {
        if Instant::now() > deadline {
            return Err(format!("after 5 s still not: {what}"));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

fn at_once() -> Ending {
    Ending { grace: Duration::ZERO, patience: Duration::from_secs(5) }
}

fn ends_all(family: &str, size: usize) -> Result<(), String> {
    let mark = mark();
    let (mut guard, _pipes) = start_family(family, &mark)?;
    wait_for("the whole family is there", || members(&mark).len() >= size)?;
    std::thread::sleep(Duration::from_millis(20));
    let start = Instant::now();
    let ended = enforce::end_tree(&mut guard, at_once());
    let (took, left) = (start.elapsed(), members(&mark));
    if ended.survivors.is_empty() && left.is_empty() && took < Duration::from_secs(2) {
        return Ok(());
    }
    Err(format!("took {took:?}, left {left:?}, {ended:?}"))
}

fn dropping() -> Result<(), String> {
    let mark = mark();
    let (guard, _pipes) = start_family("brood", &mark)?;
    wait_for("the whole family is there", || members(&mark).len() >= 73)?;
    drop(guard);
    let left = members(&mark);
    if left.is_empty() { Ok(()) } else { Err(format!("left {left:?}")) }
}

fn polite() -> Result<(), String> {
    let mark = mark();
    let (mut guard, _pipes) = start_family("polite", &mark)?;
    // The handler is installed some time after the start.
    std::thread::sleep(Duration::from_millis(100));
    let ending = Ending { grace: Duration::from_secs(5), patience: Duration::from_secs(1) };
    let start = Instant::now();
    let ended = enforce::end_tree(&mut guard, ending);
    let by_itself =
        ended.exited.iter().any(|exited| exited.pid == guard.pid() && exited.status == Status::Code(42));
    if by_itself && ended.killed == 0 && start.elapsed() < Duration::from_secs(1) {
        Ok(())
    } else {
        Err(format!("{ended:?}"))
    }
}

fn deaf() -> Result<(), String> {
    let mark = mark();
    let (mut guard, _pipes) = start_family("deaf-daemon", &mark)?;
    wait_for("the daemon is there", || members(&mark).len() >= 2)?;
    let ending = Ending { grace: Duration::from_millis(200), patience: Duration::from_secs(5) };
    let start = Instant::now();
    let ended = enforce::end_tree(&mut guard, ending);
    let killed = ended
        .exited
        .iter()
        .any(|exited| exited.pid == guard.pid() && exited.status == Status::Signal(Signal::SIGKILL));
    let patient = start.elapsed() >= Duration::from_millis(200);
    if killed && patient && members(&mark).is_empty() { Ok(()) } else { Err(format!("{ended:?}")) }
}

/// A process of the same user and the same process group as the supervisor, but not of its session.
fn outsiders() -> Result<(), String> {
    let mut outsider = Process::new("sleep").arg("60").spawn().map_err(|error| error.to_string())?;
    let ended = Process::new(own_program()).args(["supervise", "brood", &mark(), "to the end"]).status();
    let alive = outsider.try_wait().map_err(|error| error.to_string())?.is_none();
    outsider.kill().and_then(|()| outsider.wait()).map_err(|error| error.to_string())?;
    match ended {
        Ok(status) if status.success() && alive => Ok(()),
        other => Err(format!("supervisor {other:?}, outsider alive {alive}")),
    }
}

/// The supervisor of [`supervisor_killed`] and of the nested sandbox, in a process of its own.
pub(crate) fn supervise() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(2).collect();
    match words.as_slice() {
        [word] if word == "boxed" => crate::nested::supervise(),
        [word] if word == "bounded" => crate::stage::supervise_bounded(),
        [word, rest @ ..] if word == "gated" => crate::gate::supervise(rest),
        [family, mark, rest @ ..] => {
            enforce::become_subreaper().expect("Linux 3.4");
            enforce::harden_supervisor().expect("Linux 2.4");
            let (mut guard, _pipes) = start_family(family, mark).expect("starts");
            if !rest.is_empty() {
                std::thread::sleep(Duration::from_millis(50));
                let ended = enforce::end_tree(&mut guard, at_once());
                return ExitCode::from(u8::from(!ended.survivors.is_empty()));
            }
            println!("running");
            std::io::stdout().flush().expect("a pipe");
            std::thread::sleep(Duration::from_secs(60));
            ExitCode::FAILURE
        }
        _ => ExitCode::FAILURE,
    }
}

fn start_supervisor(family: &str, mark: &str) -> Result<Child, String> {
    let mut supervisor = Process::new(own_program())
        .args(["supervise", family, mark])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut word = [0; 7];
    let mut stdout = supervisor.stdout.take().ok_or("no pipe")?;
    stdout.read_exact(&mut word).map_err(|error| error.to_string())?;
    Ok(supervisor)
}

/// The server dies with the supervisor. What it put into the background may live, but stays sealed.
fn supervisor_killed() -> Result<(), String> {
    let mark = mark();
    let mut supervisor = start_supervisor("deaf-daemon", &mark)?;
    // Supervisor, server and daemon.
    wait_for("the daemon is there", || members(&mark).len() >= 3)?;
    supervisor.kill().map_err(|error| error.to_string())?;
    supervisor.wait().map_err(|error| error.to_string())?;
    wait_for("the server is gone", || members(&mark).len() <= 1)?;
    let left = members(&mark);
    let sealed = left.iter().all(|member| is_sealed(*member));
    for member in &left {
        nix::sys::signal::kill(Pid::from_raw(*member), Signal::SIGKILL).map_err(|error| error.to_string())?;
    }
    if sealed { Ok(()) } else { Err(format!("{left:?} are not sealed")) }
}

fn is_sealed(process: i32) -> bool {
    let status = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status"))
        .unwrap_or_default();
    let has = |field: &str| status.lines().any(|line| line == field);
    status.is_empty() || (has("Seccomp:\t2") && has("NoNewPrivs:\t1"))
}

//! What lasts longer than one call: rates, grants that follow the calls, callers that die, a supervisor that does.

use std::io::{Read, Write};
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use abi::Reason;
use enforce::Attempt;
use policy::plan::{CidrRule, ClassMask, RuleId};

use super::{SCENE, SHUT, SUPPORT, plan};
use crate::attacker::{REFUSED, THROUGH};
use crate::sandbox::*;
use crate::{Named, Test};

pub(super) fn tests() -> Vec<Test> {
    let tests: [Named; 7] = [
        ("connections are counted", counted),
        ("a grant follows the call", following),
        ("callers that die are forgotten", forgotten),
        ("too many that wait are refused", crowd),
        ("the reports are nobody's but the supervisor's", no_notifier),
        ("no privilege is lent to a server without any", no_privilege),
        ("the supervisor is killed", supervisor_killed),
    ];
    tests.map(|(name, test)| -> Test { (format!("gate: {name}"), Box::new(test)) }).into()
}

fn hold(condition: bool, seen: &dyn std::fmt::Debug) -> Result<(), String> {
    if condition { Ok(()) } else { Err(format!("{seen:#?}")) }
}

fn attack(words: &[&str]) -> enforce::Command {
    let words: Vec<String> = words.iter().map(|word| SCENE.expand(word)).collect();
    let words: Vec<&str> = std::iter::once("attack").chain(words.iter().map(String::as_str)).collect();
    command(own_program(), &words)
}

fn counted() -> Result<(), String> {
    let mut plan = plan(&SCENE);
    plan.network.max_connections_per_minute = Some(3);
    let ran = run_with(&plan, &SUPPORT, &attack(&["net-many", "%open", "10"]), nothing())?;
    let reason = ran.network.first().map(|denial| (denial.kind, denial.reason));
    hold(ran.stdout == format!("3 {}", libc::EPERM) && reason == Some((Attempt::Connect, Reason::Rate)), &ran)
}

/// The host that is shut is open to class 1.
fn following() -> Result<(), String> {
    let mut plan = plan(&SCENE);
    let class = ClassMask::only(policy::plan::ClassId::new(1).ok_or("a class")?);
    plan.network.cidrs.push(CidrRule { address: SHUT, prefix: 32, classes: class, from: RuleId(5) });
    for (active, code) in [(0b01, REFUSED), (0b11, THROUGH), (0b101, REFUSED)] {
        let command = attack(&["net-connect", "%shut"]);
        let (guard, pipes) = start_with(&plan, &SUPPORT, &command, nothing())?;
        let egress = guard.egress().ok_or("the supervisor decides")?;
        egress.follow(active, 9);
        let ran = finish(guard, pipes, &command)?;
        let told = ran.network.iter().all(|denial| {
            (denial.active, denial.call, denial.rule) == (active, 9, Some(RuleId(5)))
                && denial.address.is_some_and(|address| address.ip() == SHUT)
        });
        hold(ran.code() == Some(code) && told && ran.network.len() == usize::from(code == REFUSED), &ran)?;
    }
    Ok(())
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("/proc is mounted").count()
}

/// Twenty children are killed while they wait. Their sockets are let go while the server still runs.
fn forgotten() -> Result<(), String> {
    let before = open_descriptors();
    let command = attack(&["net-connect-stuck", "%stuck", "20"]);
    let (mut guard, _pipes) = start_with(&plan(&SCENE), &SUPPORT, &command, nothing())?;
    let mut listener = guard.denials().ok_or("reports")?;
    let (mut most, mut last) = (0, 0);
    let deadline = Instant::now() + Duration::from_secs(20);
    // The server ends a while after it has killed them.
    while guard.reap().is_empty() && Instant::now() < deadline {
        listener.wait(Some(Duration::from_millis(5)), None).map_err(|error| error.to_string())?;
        while let Ok(Some(_)) = listener.serve() {}
        last = open_descriptors();
        most = most.max(last);
    }
    // Handles of threads are kept; sockets are not. The guard, its pipes and the listener are some more.
    hold(most >= before + 20 && last + 18 <= most, &(before, most, last))?;
    drop((guard, listener));
    Ok(())
}

fn crowd() -> Result<(), String> {
    let command = attack(&["net-connect-stuck", "%stuck", "300"]);
    let (mut guard, _pipes) = start_with(&plan(&SCENE), &SUPPORT, &command, nothing())?;
    let before = open_descriptors();
    let mut listener = guard.denials().ok_or("reports")?;
    let (mut most, deadline) = (0, Instant::now() + Duration::from_secs(20));
    while guard.reap().is_empty() && Instant::now() < deadline {
        listener.wait(Some(Duration::from_millis(5)), None).map_err(|error| error.to_string())?;
        while let Ok(Some(_)) = listener.serve() {}
        most = most.max(open_descriptors());
    }
    // 256 sockets and 64 handles.
    hold(most >= before + 200 && most <= before + 256 + 64 + 4, &(before, most))
}

fn no_notifier() -> Result<(), String> {
    let ran = run_with(&plan(&SCENE), &SUPPORT, &attack(&["net-notifier"]), nothing())?;
    hold(ran.code() == Some(REFUSED) && ran.stdout == libc::EBADF.to_string(), &ran)
}

/// Root may add an address; its server, which has no capability, may not, whoever makes its call.
fn no_privilege() -> Result<(), String> {
    let bare = Process::new(own_program()).args(["attack", "net-add-address"]).output();
    let bare = bare.map_err(|error| error.to_string())?;
    hold(bare.status.code() == Some(if SUPPORT.server_is_root { THROUGH } else { REFUSED }), &bare)?;
    let ran = run_with(&plan(&SCENE), &SUPPORT, &attack(&["net-add-address"]), nothing())?;
    hold(ran.code() == Some(REFUSED) && ran.stdout == libc::EPERM.to_string(), &ran)
}

/// A process that the server has put into the background outlives the supervisor, and can connect to nobody.
fn supervisor_killed() -> Result<(), String> {
    let words = ["%open", "@work/outcome"].map(|word| SCENE.expand(word));
    let mut supervisor = Process::new(own_program())
        .args(["supervise", "gated", &words[0], &words[1]])
        .args([SCENE.path("work").display().to_string(), SCENE.port.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut byte = [0];
    let heard = supervisor.stdout.take().ok_or("a pipe")?.read_exact(&mut byte);
    supervisor.kill().and_then(|()| supervisor.wait()).map_err(|error| error.to_string())?;
    heard.map_err(|error| error.to_string())?;
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let outcome = std::fs::read_to_string(SCENE.path("work/outcome")).unwrap_or_default();
        if outcome.ends_with('.') || Instant::now() > deadline {
            let _ = std::fs::remove_file(SCENE.path("work/outcome"));
            return hold(outcome == format!("{}.", libc::ENOSYS), &outcome);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The supervisor of [`supervisor_killed`]: says when the process in the background has connected once.
pub(crate) fn supervise(words: &[String]) -> std::process::ExitCode {
    enforce::become_subreaper().expect("Linux 3.4");
    let [to, outcome, work, port] = words else { return std::process::ExitCode::FAILURE };
    let mut plan = runtime();
    reach(&mut plan, &[port.parse().expect("a port")]);
    grant(&mut plan, work.as_ref(), Right::Write);
    let command = command(own_program(), &["attack", "net-orphan", to, outcome]);
    let (mut guard, _pipes) = start_with(&plan, &SUPPORT, &command, nothing()).expect("starts");
    let mut listener = guard.denials().expect("reports");
    loop {
        listener.wait(Some(Duration::from_millis(5)), None).expect("reports");
        while let Ok(Some(_)) = listener.serve() {}
        if std::fs::read_to_string(outcome).is_ok_and(|text| text == "connected") {
            std::io::stdout().write_all(b"x").and_then(|()| std::io::stdout().flush()).expect("a pipe");
            std::thread::sleep(Duration::from_secs(30));
        }
    }
}

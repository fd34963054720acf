//! The supervisor is killed while its server attacks without pause: afterwards the server is denied or dead, never free.

use std::fs::{self, OpenOptions};
use std::os::fd::AsFd;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use enforce::Pid;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::pipe;

use super::bench::{Bench, Senders, tables};
use super::scene::{OTHER, POLICY, Scene};
use crate::ground::{Ground, INIT};
use crate::sys::process;

/// What the attackers try again and again; each writes what comes of it to a file that it holds open.
fn attacks(scene: &Scene) -> Vec<(String, Vec<String>)> {
    let secret = scene.path("secret/file");
    let attacks: [&[&str]; 6] = [
        &["read", &secret],
        &["read", &scene.path("open")],
        &["append", &secret],
        &["udp", OTHER],
        &["connect", OTHER],
        &["spawn", &scene.path("program")],
    ];
    let named = attacks.iter().enumerate().map(|(number, words)| {
        (scene.path(&format!("told-{number}")), words.iter().map(|word| (*word).to_owned()).collect())
    });
    named.collect()
}

/// The one that is granted: it works before, and must not afterwards either.
const GRANTED: usize = 1;

pub(super) fn orphans_are_denied(ground: &Ground) -> Result<()> {
    let scene = Scene::set(ground)?;
    let (ready, tell) = pipe()?;
    let supervisor = process::child(|| match supervise(ground, &scene, &tell) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("the supervisor: {error:#}");
            1
        }
    })?;
    drop(tell);
    let mut word = [0];
    ensure!(nix::unistd::read(&ready, &mut word)? == 1, "the supervisor did not come that far");
    // Under load: all of them are at it.
    std::thread::sleep(ground.slow(Duration::from_millis(100)));
    let before = told(&scene)?;
    ensure!(before[GRANTED].contains("ok"), "what is granted does not work before: {before:?}");
    kill(supervisor, Signal::SIGKILL)?;
    waitpid(supervisor, None)?;
    let at_death = told(&scene)?;
    std::thread::sleep(ground.slow(Duration::from_millis(200)));
    let after = told(&scene)?;
    for (number, ((_, words), lines)) in attacks(&scene).iter().zip(&after).enumerate() {
        let late = lines.get(at_death[number].len()..).unwrap_or_default();
        // One round may have been on its way when the supervisor died.
        let free = late.lines().skip(1).filter(|line| came_through(line)).count();
        ensure!(free == 0, "{words:?} goes on after the supervisor's death: {free} times");
        let leaked = lines.lines().filter(|line| came_through(line)).count();
        let all = lines.lines().count();
        ensure!(number == GRANTED || leaked == 0, "{words:?} came through {leaked} times of {all}");
    }
    scene.intact()?;
    let left = attackers()?;
    ensure!(left.is_empty(), "attackers live on: {left:?}");
    Ok(())
}

/// Whether an attempt succeeded. A program that is killed before its first instruction has been started, too.
fn came_through(line: &str) -> bool {
    line.starts_with("ok") && !line.contains(r#""signal":9"#)
}

fn told(scene: &Scene) -> Result<Vec<String>> {
    attacks(scene)
        .iter()
        .map(|(file, _)| fs::read_to_string(file).context("an attacker told nothing"))
        .collect()
}

/// Processes that still attack.
fn attackers() -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let words = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        if words.starts_with(INIT) && words.contains("persist") {
            found.push(words.replace('\0', " "));
        }
    }
    Ok(found)
}

/// Opens a session, starts the attackers in it, pins, tells that it is ready, and waits to be killed.
fn supervise(ground: &Ground, scene: &Scene, tell: impl AsFd) -> Result<()> {
    let mut bench = Bench::load(Senders::Denied)?;
    let room = bench.open(&tables(ground, POLICY, 0)?)?;
    bench.layer.pin()?;
    let mut running = Vec::new();
    for (file, words) in attacks(scene) {
        OpenOptions::new().create(true).append(true).open(&file)?;
        let words: Vec<&str> =
            ["persist", file.as_str(), "600"].into_iter().chain(words.iter().map(String::as_str)).collect();
        let mut gated = bench.start(&room, &words)?;
        gated.begin()?;
        running.push(gated);
    }
    nix::unistd::write(tell, b"!")?;
    loop {
        bench.events();
        std::thread::sleep(Duration::from_millis(1));
        if Pid::parent() == Pid::from_raw(1) {
            bail!("the case has ended");
        }
    }
}

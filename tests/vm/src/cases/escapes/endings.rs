//! What breaks the guard itself: its supervisor is killed under load; its programs are taken off the control group.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::scene::{POLICY, Scene};
use crate::case::Case;
use crate::ground::{Ground, INIT};
use crate::need::Need;

pub(crate) const CASES: &[Case] =
    &[Case::new("deaths/killed_supervisor", killed_supervisor).needs(&[Need::Hooks]).seconds(40)];

/// `kill -9` of mcpguard while its server attacks without pause.
fn killed_supervisor(ground: &Ground) -> Result<()> {
    let scene = Scene::set(ground)?;
    let (told, secret) = (scene.expand("@told"), scene.expand("@secret/file"));
    fs::write(&told, "")?;
    let guarded = ground.guarded(POLICY)?;
    let mut command = guarded.command(&[INIT, "--act", "persist", &told, "600", "read", &secret])?;
    let mut supervisor = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let until = Instant::now() + ground.slow(Duration::from_secs(8));
    while fs::read_to_string(&told)?.lines().count() < 20 {
        ensure!(Instant::now() < until, "the server does not attack");
        std::thread::sleep(Duration::from_millis(20));
    }
    kill(Pid::from_raw(supervisor.id().cast_signed()), Signal::SIGKILL)?;
    supervisor.wait()?;
    let at_death = fs::read_to_string(&told)?.len();
    std::thread::sleep(ground.slow(Duration::from_millis(200)));
    let lines = fs::read_to_string(&told)?;
    let free = lines.lines().filter(|line| line.starts_with("ok")).count();
    ensure!(free == 0, "the attack succeeds {free} times");
    let late = lines.get(at_death..).unwrap_or_default().lines().count();
    ground.figure("attempts after the supervisor's death", late as u64)?;
    scene.intact()
}

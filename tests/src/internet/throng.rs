//! Thousands of connections at once through the name check.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::raise::{Internet, Who};
use crate::client::Client;
use crate::patience::patience;
use crate::processes::kilobytes;
use crate::puppet::Runtime;
use crate::scene::Scene;
use crate::servers::checkout;
use crate::start::Start;

/// What a supervisor keeps back from the two sockets of each connection, and places for a few more connections.
const OTHERS: usize = 1100;

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Stood {
    /// From the first connection to the last answer.
    pub took: Duration,
    /// What one connection cost the supervisor at most, in bytes; 0 without one.
    pub bytes: u64,
}

/// How many connections a supervisor with this limit of open files can carry.
pub fn carried_by(open_files: usize) -> usize {
    open_files.saturating_sub(OTHERS) / 2
}

fn policy() -> String {
    let tests = checkout().join("tests");
    format!(
        "version: 1\nname: throng\nextends: [runtime/python, runtime/network]\nfilesystem:\n  read: [\"{0}/puppet\", \"{0}/internet\"]\n\
         network:\n  allowed_domains: [many.shop.example]\n  allowed_ports: [443]\n\
         execution:\n  allowed_programs: [/usr/bin/python3]\n  max_open_files: 20000\n",
        tests.display()
    )
}

fn session(internet: &Internet, scene: &Scene, who: Option<Who>) -> Result<Option<Client>> {
    let server = Runtime::Python.puppet()?;
    let Some(who) = who else {
        return internet.session(Who::User, scene, Start::bare(scene, server)).map(Some);
    };
    let policy = scene.policy("throng", &policy())?;
    match internet.session(who, scene, Start::guarded(scene, policy, server)) {
        Ok(client) => Ok(Some(client)),
        Err(error) => {
            ensure!(format!("{error:#}").contains("cannot be enforced on this host"), "{error:#}");
            Ok(None)
        }
    }
}

impl Internet {
    /// So many connections stand at once, each with its host's answer, and one more can be made. `None`: without a guard.
    /// Returns `None` where the rules cannot be enforced.
    pub fn throng(&self, who: Option<Who>, count: usize) -> Result<Option<Stood>> {
        let scene = Scene::new()?;
        let Some(mut client) = session(self, &scene, who)? else { return Ok(None) };
        let peak = |client: &Client| kilobytes(client.pid(), "VmHWM").context("no peak of memory");
        let (before, begun) = (peak(&client)?, Instant::now());
        let attacks = checkout().join("tests/internet/attacks").display().to_string();
        let (patience, number) = (patience(Duration::from_secs(25)).as_secs(), count.to_string());
        let until = patience.to_string();
        let argv = ["/usr/bin/python3", "-B", &attacks, "tls.crowd", "many.shop.example", &number, &until];
        let told = client.call("spawn", json!({ "argv": argv, "patience": patience + 5 }))?.puppet()?;
        let said = told.to_string();
        ensure!(
            said.contains(&format!("at once: {count} failed: 0")),
            "{who:?}: {said}; {}",
            client.stderr()
        );
        ensure!(said.contains("one more: True"), "{who:?}: {said}");
        // The kernel sums the peak up from counters of each processor, so that it can be told a little lower later on.
        let bytes = peak(&client)?.saturating_sub(before) * 1024 / count as u64;
        Ok(Some(Stood { took: begun.elapsed(), bytes: if who.is_some() { bytes } else { 0 } }))
    }
}

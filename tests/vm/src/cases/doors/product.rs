//! The same doors under the whole sandbox, from a policy's text: every layer is engaged, and the supervisor has the maps
//! in its hands as `Guard::egress`.

use std::fs::File;
use std::path::Path;

use abi::{Learned, Learning};
use anyhow::{Context, Result, ensure};
use enforce::{Command, Doors, Stdio3};
use serde_json::json;

use super::faces::FACES;
use super::stage::Words;
use super::world::{At, DNS, HTTPS, World};
use crate::cases::hooks::bench::compile;

const POLICY: &str = "\
version: 1
name: doors
filesystem:
  read: [/]
network:
  allowed_domains: [host.example]
  allowed_ports: [443]
";

/// Spawns a server with doors, and goes the ways through them.
pub(super) fn walk(world: World, directory: &Path) -> Result<()> {
    enforce::become_subreaper()?;
    let plan = compile(directory, &directory.join("workspace"), POLICY)?;
    let ready = enforce::prepare(&plan, &enforce::probe(), &command(world.doors)?, enforce::Encloser::Own)?;
    let ((stdin, to), (from, stdout)) = (std::io::pipe()?, std::io::pipe()?);
    let stderr = File::options().write(true).open("/dev/null")?;
    let stdio = Stdio3 { stdin: stdin.into(), stdout: stdout.into(), stderr: stderr.into() };
    let mut guard = ready.spawn(stdio)?;
    let egress = guard.egress().context("nobody decides about addresses")?;
    let enclosure = guard.enclosure();
    let mut hands = Words::new(to, from);
    for face in FACES {
        hands.does(&["stream", "s", face.like])?;
        let denied = hands.act(&["connect", "s", &face.host(HTTPS)])?;
        ensure!(denied.errno() == Some("EPERM"), "what nobody has learned is reached: {denied:?}");
        let mut learned = Learned::default();
        learned.grants[0] = Learning { classes: 1, until_ns: u64::MAX, rule: 0, checked: 1 };
        egress.learn(face.address().parse()?, &learned)?;
        for (port, at) in [(HTTPS, At::Proxy(face.six)), (DNS, At::Resolver(face.six))] {
            hands.does(&["stream", "s", face.like])?;
            hands.does(&["connect", "s", &face.host(port)])?;
            let (_stream, from) = world.accepted(at)?;
            let arrived = egress.arrived(from);
            ensure!(arrived == Some(face.known(port)?), "{at:?} is told {arrived:?}");
        }
        hands.does(&["datagrams", "d", face.like])?;
        hands.does(&["send_to", "d", &face.host(DNS), "question"])?;
        let (_, from) = world.received(At::Resolver(face.six))?;
        world.answer(At::Resolver(face.six), from, "answer")?;
        let seen = hands.does(&["receive", "d"])?.value;
        ensure!(seen == json!([face.host(DNS), "answer"]), "the process sees {seen}");
        egress.forget(face.address().parse()?);
    }
    // Its input ends, and so does it; then its group, and the rules last.
    drop(hands);
    drop(guard);
    drop(enclosure);
    world.is_quiet()
}

fn command(doors: Doors) -> Result<Command> {
    let program = std::fs::read_link("/proc/self/exe")?;
    Ok(Command {
        argv: vec![program.clone().into(), "--hands".into()],
        program,
        environment: Vec::new(),
        directory: "/".into(),
        doors: Some(doors),
    })
}

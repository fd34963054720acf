//! Sessions beside each other, and after each other.

use std::net::{IpAddr, Ipv4Addr};

use abi::Learned;
use anyhow::{Result, ensure};
use enforce::LearnError;

use super::faces::FACES;
use super::stage::{ROOM, Stage};
use super::streams::connected;
use super::world::{DNS, HTTPS, PLAIN};

/// What one session knows, no other one does; and the proxy of the one is told nothing about the other's connections.
pub(super) fn strangers(stage: &mut Stage) -> Result<()> {
    let doors = stage.world.doors;
    let mut other = stage.open(Some(doors))?;
    for face in FACES {
        stage.learns(face.address(), 1, 1)?;
        other.hands.does(&["stream", "s", face.like])?;
        for port in [HTTPS, PLAIN] {
            let denied = other.hands.act(&["connect", "s", &face.host(port)])?;
            ensure!(denied.errno() == Some("EPERM"), "another session's host is reached: {denied:?}");
        }
        let (_stream, from) = connected(stage, &face)?;
        let theirs = other.egress.arrived(from);
        ensure!(theirs.is_none(), "another session is told {theirs:?}");
        let ours = stage.arrived(from)?;
        ensure!(ours == Some(face.known(HTTPS)?), "and then the proxy is told {ours:?}");
        stage.forgets(face.address())?;
    }
    stage.close(other)
}

/// Whoever has no resolver is led to none, and not to the server either.
pub(super) fn without_doors(stage: &mut Stage) -> Result<()> {
    let mut other = stage.open(None)?;
    for face in FACES {
        other.egress.learn(face.address().parse()?, &known())?;
        other.hands.does(&["stream", "s", face.like])?;
        other.hands.does(&["datagrams", "d", face.like])?;
        for words in [
            ["connect", "s", &face.host(DNS), ""],
            ["connect", "s", &face.host(HTTPS), ""],
            ["connect", "d", &face.host(DNS), ""],
            ["send_to", "d", &face.host(DNS), "question"],
        ] {
            let denied = other.hands.act(&words)?;
            ensure!(denied.errno() == Some("EPERM"), "{words:?}: {denied:?}");
        }
    }
    stage.close(other)
}

fn known() -> Learned {
    let mut learned = Learned::default();
    learned.grants[0] = abi::Learning { classes: 1, until_ns: u64::MAX, rule: 7, checked: 1 };
    learned
}

/// A session that learns too much learns nothing more; what it knew holds, and may be told anew.
pub(super) fn room(stage: &mut Stage) -> Result<()> {
    let address = |number| IpAddr::from(Ipv4Addr::from(0x0a00_0000 + number));
    let egress = stage.room()?.egress.clone();
    for number in 0..ROOM {
        egress.learn(address(number), &known())?;
    }
    ensure!(
        egress.learn(address(ROOM), &known()) == Err(LearnError::Full),
        "there is more room than there is"
    );
    egress.learn(address(0), &known())?;
    (0..ROOM).for_each(|number| egress.forget(address(number)));
    Ok(egress.learn(address(ROOM), &known())?)
}

/// The next session in its place knows nothing of it, and nobody speaks for it any more.
pub(super) fn closes(stage: &mut Stage) -> Result<()> {
    let face = FACES[0];
    stage.learns(face.address(), 1, 1)?;
    let (_stream, from) = connected(stage, &face)?;
    let Some(room) = stage.room.take() else { anyhow::bail!("it is closed already") };
    let (before, slot) = (room.egress.clone(), room.session.slot());
    stage.close(room)?;
    let doors = stage.world.doors;
    stage.room = Some(stage.open(Some(doors))?);
    ensure!(stage.room()?.session.slot() == slot, "another place");
    let late = stage.arrived(from)?;
    ensure!(late.is_none() && before.arrived(from).is_none(), "whose connection is it? {late:?}");
    ensure!(before.learn(face.address().parse()?, &known()).is_err(), "it learns after its end");
    stage.does(&["stream", "s", face.like])?;
    stage.denies(&["connect", "s", &face.host(HTTPS)])?;
    let Some(room) = stage.room.take() else { anyhow::bail!("it is closed already") };
    stage.close(room)
}

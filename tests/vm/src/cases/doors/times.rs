//! Time and calls: what is known ends, what is open goes on, and a class sends only while it is active.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::faces::FACES;
use super::stage::{CLASS, Stage, now_ns};
use super::streams::connected;
use super::world::{At, HTTPS, PLAIN, RANGE};

/// At the instant itself it holds no more.
pub(super) fn ends(stage: &mut Stage) -> Result<()> {
    for face in FACES {
        stage.learns_until(face.address(), 1, 1, now_ns()?)?;
        stage.does(&["stream", "s", face.like])?;
        stage.denies(&["connect", "s", &face.host(HTTPS)])?;
        stage.denies(&["connect", "s", &face.host(PLAIN)])?;
        stage.does(&["datagrams", "d", face.like])?;
        stage.denies(&["send_to", "d", &face.host(PLAIN), "question"])?;
        stage.learns(face.address(), 1, 1)?;
        connected(stage, &face)?;
        stage.forgets(face.address())?;
    }
    Ok(())
}

/// Nobody has to take it away.
pub(super) fn ends_by_itself(stage: &mut Stage) -> Result<()> {
    let face = FACES[0];
    let until = now_ns()? + 3_000_000_000;
    stage.learns_until(face.address(), 1, 1, until)?;
    connected(stage, &face)?;
    std::thread::sleep(Duration::from_nanos(until.saturating_sub(now_ns()?)));
    stage.does(&["stream", "s", face.like])?;
    stage.denies(&["connect", "s", &face.host(HTTPS)])?;
    stage.forgets(face.address())
}

/// Connections live longer than the addresses by which they came to be.
pub(super) fn goes_on(stage: &mut Stage) -> Result<()> {
    for face in FACES {
        stage.learns(face.address(), 1, 1)?;
        let (proxied, _) = connected(stage, &face)?;
        stage.does(&["stream", "p", face.like])?;
        stage.does(&["connect", "p", &face.host(PLAIN)])?;
        let (plain, _) = stage.world.accepted(face.at(PLAIN)?)?;
        stage.does(&["datagrams", "d", face.like])?;
        stage.does(&["connect", "d", &face.host(PLAIN)])?;
        stage.learns_until(face.address(), 1, 1, now_ns()?)?;
        for forgotten in [false, true] {
            for (name, stream) in [("s", &proxied), ("p", &plain)] {
                stage.does(&["send", name, "on"])?;
                ensure!(stage.world.read(stream)? == "on", "it does not go on ({forgotten})");
            }
            stage.does(&["send", "d", "on"])?;
            stage.world.received(face.at(PLAIN)?)?;
            stage.forgets(face.address())?;
        }
        // Without its connection it is asked about anew.
        stage.does(&["dissolve", "d"])?;
        stage.denies(&["send_to", "d", &face.host(PLAIN), "on"])?;
    }
    Ok(())
}

/// What one tool is granted. A connection that it has opened stands still between its calls.
pub(super) fn classes(stage: &mut Stage) -> Result<()> {
    for face in FACES {
        stage.learns(face.address(), 1, CLASS)?;
        for port in [HTTPS, PLAIN] {
            stage.does(&["stream", "s", face.like])?;
            stage.denies(&["connect", "s", &face.host(port)])?;
            stage.follows(1 | CLASS)?;
            stage.does(&["connect", "s", &face.host(port)])?;
            let at = if port == HTTPS { At::Proxy(face.six) } else { face.at(port)? };
            let (stream, _) = stage.world.accepted(at)?;
            stage.does(&["send", "s", "in"])?;
            ensure!(stage.world.read(&stream)? == "in", "the call does not reach it");
            stage.follows(1)?;
            stage.does(&["send", "s", "between"])?;
            stage.world.is_silent(&stream)?;
            stage.follows(1 | CLASS)?;
            ensure!(stage.world.read(&stream)? == "between", "what was held back does not come");
            stage.follows(1)?;
            // Its end would be told for minutes.
            stage.follows(1 | CLASS)?;
            stage.does(&["close", "s"])?;
            stage.follows(1)?;
        }
        stage.does(&["datagrams", "d", face.like])?;
        stage.denies(&["send_to", "d", &face.host(PLAIN), "question"])?;
        stage.forgets(face.address())?;
    }
    Ok(())
}

/// What the policy says by address needs no name, and no door.
pub(super) fn ranges(stage: &mut Stage) -> Result<()> {
    for (like, before, after) in [("0.0.0.0:0", "", ""), ("[::]:0", "[::ffff:", "]")] {
        let to = format!("{before}{RANGE}{after}:{HTTPS}");
        let at = At::Host(std::net::SocketAddr::new(RANGE.parse()?, HTTPS));
        stage.does(&["stream", "s", like])?;
        stage.denies(&["connect", "s", &to])?;
        stage.does(&["datagrams", "d", like])?;
        stage.follows(1 | CLASS)?;
        stage.does(&["connect", "s", &to])?;
        let (stream, _) = stage.world.accepted(at)?;
        stage.does(&["connect", "d", &to])?;
        stage.does(&["send", "d", "in"])?;
        stage.world.received(at)?;
        stage.follows(1)?;
        stage.does(&["send", "s", "between"])?;
        stage.world.is_silent(&stream)?;
        stage.denies(&["send", "d", "between"])?;
        stage.follows(1 | CLASS)?;
        ensure!(stage.world.read(&stream)? == "between", "what was held back does not come");
        stage.does(&["close", "s"])?;
        stage.follows(1)?;
    }
    Ok(())
}

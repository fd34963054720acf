//! Looking names up: whichever server is asked, the session's resolver answers in its name.

use anyhow::{Result, ensure};
use serde_json::json;

use super::faces::{FACES, Face};
use super::stage::Stage;
use super::world::{At, DNS, HTTPS, PLAIN};

/// A question that has come to the resolver is answered, and the answer seems to come from whom it was put to.
fn answered(stage: &mut Stage, face: &Face, from: &str) -> Result<()> {
    let resolver = At::Resolver(face.six);
    let (text, peer) = stage.world.received(resolver)?;
    ensure!(text == "question", "the resolver is asked `{text}`");
    stage.world.answer(resolver, peer, "answer")?;
    let seen = stage.does(&["receive", "d"])?.value;
    ensure!(seen == json!([from, "answer"]), "the process sees {seen}");
    Ok(())
}

/// By sockets that are not connected, as musl and c-ares have them.
pub(super) fn datagrams(stage: &mut Stage) -> Result<()> {
    for face in FACES {
        let to = face.host(DNS);
        stage.does(&["datagrams", "d", face.like])?;
        for _ in 0..2 {
            stage.does(&["send_to", "d", &to, "question"])?;
            answered(stage, &face, &to)?;
        }
    }
    Ok(())
}

/// The answer that comes last seems to come from whoever was asked last; in between the socket sends elsewhere.
pub(super) fn two_servers(stage: &mut Stage) -> Result<()> {
    for face in FACES {
        stage.learns(face.address(), 1, 1)?;
        stage.does(&["datagrams", "d", face.like])?;
        for to in [face.host(DNS), face.other(DNS)] {
            stage.does(&["send_to", "d", &to, "question"])?;
            stage.does(&["send_to", "d", &face.host(PLAIN), "aside"])?;
            let (text, peer) = stage.world.received(face.at(PLAIN)?)?;
            ensure!(text == "aside", "the host hears `{text}`");
            stage.world.answer(face.at(PLAIN)?, peer, "beside")?;
            let seen = stage.does(&["receive", "d"])?.value;
            ensure!(seen == json!([face.host(PLAIN), "beside"]), "the process sees {seen}");
            answered(stage, &face, &to)?;
        }
        stage.forgets(face.address())?;
    }
    Ok(())
}

/// As glibc has them.
pub(super) fn connected(stage: &mut Stage) -> Result<()> {
    for face in FACES {
        let to = face.host(DNS);
        stage.does(&["datagrams", "d", face.like])?;
        stage.does(&["connect", "d", &to])?;
        let peer = stage.does(&["peer", "d"])?.value;
        ensure!(peer == json!(to), "the process sees {peer}");
        stage.does(&["send", "d", "question"])?;
        answered(stage, &face, &to)?;
        // With an address although it is connected.
        stage.does(&["send_to", "d", &face.other(DNS), "question"])?;
        answered(stage, &face, &face.other(DNS))?;
    }
    Ok(())
}

/// An IPv6 socket takes an IPv4 address as it is.
pub(super) fn of_the_other_family(stage: &mut Stage) -> Result<()> {
    let [four, six, mapped] = FACES;
    let to = four.host(DNS);
    stage.does(&["datagrams", "d", six.like])?;
    stage.does(&["send_to", "d", &to, "question"])?;
    answered(stage, &mapped, &mapped.host(DNS))?;
    stage.does(&["connect", "d", &to])?;
    stage.does(&["send", "d", "question"])?;
    answered(stage, &mapped, &mapped.host(DNS))?;
    let peer = stage.does(&["peer", "d"])?.value;
    ensure!(peer == json!(mapped.host(DNS)), "the process sees {peer}");
    stage.does(&["dissolve", "d"])?;
    stage.denies(&["send_to", "d", &four.host(PLAIN), "question"])?;
    stage.denies(&["connect", "d", &four.host(PLAIN)])
}

/// What does not fit into a datagram is asked for by TCP (RFC 7766).
pub(super) fn streams(stage: &mut Stage) -> Result<()> {
    for face in FACES {
        let to = face.host(DNS);
        stage.does(&["stream", "s", face.like])?;
        stage.does(&["connect", "s", &to])?;
        let (stream, from) = stage.world.accepted(At::Resolver(face.six))?;
        let arrived = stage.arrived(from)?;
        ensure!(arrived == Some(face.known(DNS)?), "the resolver is told {arrived:?}");
        stage.does(&["send", "s", "question"])?;
        ensure!(stage.world.read(&stream)? == "question", "the resolver is asked something else");
        stage.world.write(&stream, "answer")?;
        let (read, peer) = (stage.does(&["read", "s"])?.value, stage.does(&["peer", "s"])?.value);
        ensure!(read == json!("answer") && peer == json!(to), "the process reads {read} from {peer}");
    }
    Ok(())
}

/// Nobody could look at the name.
pub(super) fn quic(stage: &mut Stage) -> Result<()> {
    for face in FACES {
        for checked in [1, 0] {
            stage.learns(face.address(), checked, 1)?;
            stage.does(&["datagrams", "d", face.like])?;
            stage.denies(&["send_to", "d", &face.host(HTTPS), "question"])?;
            stage.denies(&["connect", "d", &face.host(HTTPS)])?;
        }
        stage.forgets(face.address())?;
    }
    Ok(())
}

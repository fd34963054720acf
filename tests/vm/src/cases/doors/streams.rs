//! Connections: which door they come to, and what both ends see of it.

use std::net::{SocketAddr, TcpStream};

use anyhow::{Result, ensure};
use serde_json::json;

use super::faces::{FACES, Face};
use super::stage::Stage;
use super::world::{At, HTTPS, PLAIN};

/// The proxy learns where the connection wanted to go, once; the process sees whom it wanted.
pub(super) fn to_the_proxy(stage: &mut Stage) -> Result<()> {
    for face in FACES {
        stage.learns(face.address(), 1, 1)?;
        let (stream, from) = connected(stage, &face)?;
        comes_from(stage, &face, from)?;
        let peer = stage.does(&["peer", "s"])?.value;
        ensure!(peer == json!(face.host(HTTPS)), "the process sees {peer}");
        speak(stage, &stream)?;
        stage.forgets(face.address())?;
        stage.does(&["stream", "s", face.like])?;
        stage.denies(&["connect", "s", &face.host(HTTPS)])?;
    }
    Ok(())
}

/// A new connection of the hands inside to the allowed host, as it comes to the proxy.
pub(super) fn connected(stage: &mut Stage, face: &Face) -> Result<(TcpStream, SocketAddr)> {
    stage.does(&["stream", "s", face.like])?;
    stage.does(&["connect", "s", &face.host(HTTPS)])?;
    stage.world.accepted(At::Proxy(face.six))
}

/// The proxy is told once where it wanted to go.
fn comes_from(stage: &mut Stage, face: &Face, from: SocketAddr) -> Result<()> {
    let (first, then) = (stage.arrived(from)?, stage.arrived(from)?);
    ensure!(
        first == Some(face.known(HTTPS)?) && then.is_none(),
        "the proxy is told {first:?}, then {then:?}"
    );
    Ok(())
}

/// Both ways.
fn speak(stage: &mut Stage, stream: &TcpStream) -> Result<()> {
    stage.does(&["send", "s", "hello"])?;
    ensure!(stage.world.read(stream)? == "hello", "the proxy reads something else");
    stage.world.write(stream, "world")?;
    let read = stage.does(&["read", "s"])?.value;
    ensure!(read == json!("world"), "the process reads {read}");
    Ok(())
}

/// Where nobody is named, the address is all that there is to look at.
pub(super) fn straight(stage: &mut Stage) -> Result<()> {
    for face in FACES {
        stage.learns(face.address(), 1, 1)?;
        stage.does(&["stream", "s", face.like])?;
        stage.does(&["connect", "s", &face.host(PLAIN)])?;
        let (stream, from) = stage.world.accepted(face.at(PLAIN)?)?;
        ensure!(stage.arrived(from)?.is_none(), "somebody has arrived who went straight");
        let peer = stage.does(&["peer", "s"])?.value;
        ensure!(peer == json!(face.host(PLAIN)), "the process sees {peer}");
        speak(stage, &stream)?;
        stage.does(&["stream", "o", face.like])?;
        stage.denies(&["connect", "o", &face.host(PLAIN + 1)])?;
        stage.denies(&["connect", "o", &face.other(PLAIN)])?;
        stage.forgets(face.address())?;
    }
    Ok(())
}

/// `verify: address-only`.
pub(super) fn unchecked(stage: &mut Stage) -> Result<()> {
    for face in FACES {
        stage.learns(face.address(), 0, 1)?;
        stage.does(&["stream", "s", face.like])?;
        stage.does(&["connect", "s", &face.host(HTTPS)])?;
        let (stream, _) = stage.world.accepted(face.at(HTTPS)?)?;
        speak(stage, &stream)?;
        stage.forgets(face.address())?;
    }
    Ok(())
}

/// `MSG_FASTOPEN` and `TCP_FASTOPEN_CONNECT`: no gate is gone around.
pub(super) fn with_data(stage: &mut Stage) -> Result<()> {
    for face in FACES {
        stage.learns(face.address(), 1, 1)?;
        stage.does(&["stream", "s", face.like])?;
        stage.denies(&["fast_open", "s", &face.other(HTTPS), "early"])?;
        stage.does(&["fast_open", "s", &face.host(HTTPS), "early"])?;
        early(stage, &face)?;
        stage.does(&["stream", "s", face.like])?;
        stage.does(&["later", "s"])?;
        stage.denies(&["connect", "s", &face.other(HTTPS)])?;
        stage.does(&["connect", "s", &face.host(HTTPS)])?;
        stage.does(&["send", "s", "early"])?;
        early(stage, &face)?;
        stage.forgets(face.address())?;
    }
    Ok(())
}

fn early(stage: &mut Stage, face: &Face) -> Result<()> {
    let (stream, from) = stage.world.accepted(At::Proxy(face.six))?;
    comes_from(stage, face, from)?;
    ensure!(stage.world.read(&stream)? == "early", "the first bytes are others");
    speak(stage, &stream)
}

/// `AF_UNSPEC` dissolves a connection; the next one is judged anew.
pub(super) fn again(stage: &mut Stage) -> Result<()> {
    for face in FACES {
        stage.learns(face.address(), 1, 1)?;
        stage.does(&["stream", "s", face.like])?;
        stage.does(&["connect", "s", &face.host(PLAIN)])?;
        stage.world.accepted(face.at(PLAIN)?)?;
        stage.does(&["dissolve", "s"])?;
        stage.denies(&["connect", "s", &face.other(PLAIN)])?;
        stage.does(&["connect", "s", &face.host(HTTPS)])?;
        let (stream, from) = stage.world.accepted(At::Proxy(face.six))?;
        comes_from(stage, &face, from)?;
        speak(stage, &stream)?;
        // Datagrams to where a stream may go are another matter; here both may.
        stage.does(&["datagrams", "d", face.like])?;
        stage.does(&["connect", "d", &face.host(PLAIN)])?;
        stage.does(&["dissolve", "d"])?;
        stage.denies(&["send_to", "d", &face.other(PLAIN), "question"])?;
        stage.denies(&["connect", "d", &face.other(PLAIN)])?;
        stage.forgets(face.address())?;
        // It is not connected, and what it was connected to is not known any more.
        stage.denies(&["send_to", "d", &face.host(PLAIN), "question"])?;
    }
    Ok(())
}

/// Nobody but the programs leads to a door.
pub(super) fn no_door_by_hand(stage: &mut Stage) -> Result<()> {
    let doors = stage.world.doors;
    for (like, address) in [("0.0.0.0:0", "127.0.0.1"), ("[::]:0", "[::1]"), ("[::]:0", "[::ffff:127.0.0.1]")]
    {
        for port in [doors.proxy, doors.resolver] {
            let to = format!("{address}:{port}");
            stage.does(&["stream", "s", like])?;
            stage.denies(&["connect", "s", &to])?;
            stage.does(&["datagrams", "d", like])?;
            stage.denies(&["send_to", "d", &to, "question"])?;
        }
    }
    Ok(())
}

/// A socket that was made outside of the session's group is judged by no program there. Those on the security hooks see
/// to it; where there are none, nobody can give one to a session but by its own hand, before it begins.
pub(super) fn from_elsewhere(stage: &mut Stage) -> Result<()> {
    if stage.layer.way().is_none() {
        eprintln!("NOT RUN: a socket from elsewhere, because no program stands on a security hook here");
        return Ok(());
    }
    for face in FACES {
        let name = if face.like.starts_with('[') { "foreign6" } else { "foreign" };
        stage.learns(face.address(), 1, 1)?;
        stage.denies(&["connect", name, &face.host(HTTPS)])?;
        stage.denies(&["connect", name, &face.host(PLAIN)])?;
        stage.forgets(face.address())?;
    }
    Ok(())
}

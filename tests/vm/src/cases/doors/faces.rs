//! The ways in which a host can be named: IPv4, IPv6, and IPv4 in its IPv6 form.

use std::net::SocketAddr;

use anyhow::{Context, Result};

use super::stage::Stage;
use super::world::{At, DNS, HOST, HTTPS, OTHER, PLAIN};

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Face {
    /// An address of the family that sockets have.
    pub(super) like: &'static str,
    /// Whether what comes to a door comes by IPv6.
    pub(super) six: bool,
    before: &'static str,
    after: &'static str,
}

pub(super) const FACES: [Face; 3] = [
    Face { like: "0.0.0.0:0", six: false, before: "", after: "" },
    Face { like: "[::]:0", six: true, before: "[", after: "]" },
    Face { like: "[::]:0", six: false, before: "[::ffff:", after: "]" },
];

impl Face {
    /// The host whose name is allowed, as a process names it.
    pub(super) fn host(&self, port: u16) -> String {
        self.named(HOST[usize::from(self.six)], port)
    }

    /// The other one.
    pub(super) fn other(&self, port: u16) -> String {
        self.named(OTHER[usize::from(self.six)], port)
    }

    /// The allowed host's address.
    pub(super) fn address(&self) -> &'static str {
        HOST[usize::from(self.six)]
    }

    /// The allowed host, as others know it.
    pub(super) fn known(&self, port: u16) -> Result<SocketAddr> {
        Ok(SocketAddr::new(self.address().parse()?, port))
    }

    /// The same as a place.
    pub(super) fn at(&self, port: u16) -> Result<At> {
        self.known(port).map(At::Host)
    }

    fn named(&self, address: &str, port: u16) -> String {
        format!("{}{address}{}:{port}", self.before, self.after)
    }
}

/// What is closed or led elsewhere in the session arrives where it wants to without one.
pub(super) fn free(stage: &mut Stage) -> Result<()> {
    for face in FACES {
        for port in [HTTPS, PLAIN, DNS] {
            let (to, at) = (face.host(port), face.at(port)?);
            stage.free.does(&["stream", "s", face.like])?;
            stage.free.does(&["connect", "s", &to])?;
            stage.world.accepted(at)?;
            stage.free.does(&["stream", "f", face.like])?;
            stage.free.does(&["fast_open", "f", &to, "early"])?;
            stage.world.accepted(at)?;
            stage.free.does(&["stream", "l", face.like])?;
            stage.free.does(&["later", "l"])?;
            stage.free.does(&["connect", "l", &to])?;
            stage.free.does(&["send", "l", "early"])?;
            stage.world.accepted(at)?;
            stage.free.does(&["datagrams", "d", face.like])?;
            stage.free.does(&["send_to", "d", &to, "question"])?;
            stage.world.received(at)?;
            stage.free.does(&["connect", "d", &to])?;
            stage.free.does(&["send", "d", "question"])?;
            stage.world.received(at)?;
            let at = At::Host(SocketAddr::new(OTHER[usize::from(face.six)].parse()?, port));
            stage.free.does(&["stream", "s", face.like])?;
            stage.free.does(&["connect", "s", &face.other(port)])?;
            stage.world.accepted(at).context("the other host")?;
        }
    }
    Ok(())
}

/// The resolver has told of nobody yet.
pub(super) fn unlearned(stage: &mut Stage) -> Result<()> {
    for face in FACES {
        for port in [HTTPS, PLAIN] {
            let to = face.host(port);
            stage.does(&["stream", "s", face.like])?;
            stage.denies(&["connect", "s", &to])?;
            stage.denies(&["fast_open", "s", &to, "early"])?;
            stage.does(&["later", "s"])?;
            stage.denies(&["connect", "s", &to])?;
            stage.does(&["datagrams", "d", face.like])?;
            stage.denies(&["send_to", "d", &to, "question"])?;
            stage.denies(&["connect", "d", &to])?;
        }
    }
    Ok(())
}

//! A world on the loopback interface of a network namespace of its own: two hosts, and the doors of a session.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use enforce::Doors;
use nix::sched::{CloneFlags, unshare};

use crate::loopback;

/// A host whose name is allowed, and one whose name is not (addresses of RFC 5737 and RFC 3849).
pub(super) const HOST: [&str; 2] = ["192.0.2.34", "2001:db8::34"];
pub(super) const OTHER: [&str; 2] = ["192.0.2.35", "2001:db8::35"];
/// A host that the policy knows by its address, in one class.
pub(super) const RANGE: &str = "198.51.100.7";
/// A port where hosts are named, one where they are not, and the one where names are looked up.
pub(super) const HTTPS: u16 = 443;
pub(super) const PLAIN: u16 = 5000;
pub(super) const DNS: u16 = 53;
const PORTS: [u16; 3] = [HTTPS, PLAIN, DNS];
const DOORS: [&str; 2] = ["127.0.0.1", "::1"];

/// Whoever listens at one place.
struct Place {
    at: SocketAddr,
    streams: TcpListener,
    datagrams: UdpSocket,
}

/// The hosts, and the stand-ins of resolver and proxy.
pub(super) struct World {
    hosts: Vec<Place>,
    resolvers: Vec<Place>,
    proxies: Vec<Place>,
    pub(super) doors: Doors,
    /// How long what must arrive may take.
    patience: Duration,
}

/// Who is asked whether something has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Host(SocketAddr),
    /// The resolver, or the proxy, of the family.
    Resolver(bool),
    Proxy(bool),
}

impl World {
    /// Moves this process into a network namespace of its own, and makes everything in it.
    pub(super) fn make(patience: Duration) -> Result<Self> {
        unshare(CloneFlags::CLONE_NEWNET).context("no network namespace")?;
        loopback::up()?;
        // Answer and ask: without cookies, which are for those who have met before (ip-sysctl.rst: 0x1 | 0x2 | 0x4 | 0x200).
        std::fs::write("/proc/sys/net/ipv4/tcp_fastopen", "519").context("no Fast Open")?;
        let addresses: Vec<IpAddr> = [HOST[0], HOST[1], OTHER[0], OTHER[1], RANGE]
            .iter()
            .map(|text| text.parse())
            .collect::<Result<_, _>>()?;
        let mut hosts = Vec::new();
        for address in addresses {
            loopback::add(address)?;
            for port in PORTS {
                hosts.push(Place::listen(SocketAddr::new(address, port))?);
            }
        }
        let (resolver, proxy) = (4053, 4443);
        let at = |port| {
            let one = |address: &&str| Place::listen(SocketAddr::new(address.parse()?, port));
            DOORS.iter().map(one).collect::<Result<Vec<_>>>()
        };
        let doors = Doors { resolver, proxy };
        Ok(Self { hosts, resolvers: at(resolver)?, proxies: at(proxy)?, doors, patience })
    }

    fn place(&self, at: At) -> Result<&Place> {
        let found = match at {
            At::Host(address) => self.hosts.iter().find(|place| place.at == address),
            At::Resolver(six) => self.resolvers.get(usize::from(six)),
            At::Proxy(six) => self.proxies.get(usize::from(six)),
        };
        found.with_context(|| format!("nobody listens at {at:?}"))
    }

    /// The connection that has come there, and from whom.
    pub(super) fn accepted(&self, at: At) -> Result<(TcpStream, SocketAddr)> {
        let place = self.place(at)?;
        let (stream, from) =
            self.wait(|| place.streams.accept()).with_context(|| format!("no connection at {at:?}"))?;
        stream.set_nonblocking(true)?;
        Ok((stream, from))
    }

    /// The datagram that has come there, and from whom.
    pub(super) fn received(&self, at: At) -> Result<(String, SocketAddr)> {
        let place = self.place(at)?;
        let mut bytes = [0; 64];
        let (length, from) = self
            .wait(|| place.datagrams.recv_from(&mut bytes))
            .with_context(|| format!("no datagram at {at:?}"))?;
        Ok((String::from_utf8_lossy(&bytes[..length]).into_owned(), from))
    }

    /// A datagram from there.
    pub(super) fn answer(&self, at: At, to: SocketAddr, text: &str) -> Result<()> {
        self.place(at)?.datagrams.send_to(text.as_bytes(), to)?;
        Ok(())
    }

    /// What comes out of a connection.
    pub(super) fn read(&self, mut from: &TcpStream) -> Result<String> {
        let mut bytes = [0; 64];
        let length = self.wait(|| from.read(&mut bytes)).context("nothing comes")?;
        Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
    }

    /// Nothing comes out of a connection for a while.
    pub(super) fn is_silent(&self, mut from: &TcpStream) -> Result<()> {
        std::thread::sleep(Duration::from_millis(300));
        let mut bytes = [0; 64];
        match from.read(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            other => anyhow::bail!("{other:?} comes"),
        }
    }

    pub(super) fn write(&self, mut to: &TcpStream, text: &str) -> Result<()> {
        Ok(to.write_all(text.as_bytes())?)
    }

    /// Nothing has arrived anywhere since the last look; what has is taken away.
    pub(super) fn is_quiet(&self) -> Result<()> {
        // What is sent over the loopback interface is there when the system call returns; a moment more does no harm.
        std::thread::sleep(Duration::from_millis(20));
        let mut heard = String::new();
        for place in self.hosts.iter().chain(&self.resolvers).chain(&self.proxies) {
            while let Ok((_, from)) = place.streams.accept() {
                heard += &format!("a connection at {} from {from}; ", place.at);
            }
            while let Ok((_, from)) = place.datagrams.recv_from(&mut [0; 64]) {
                heard += &format!("a datagram at {} from {from}; ", place.at);
            }
        }
        ensure!(heard.is_empty(), "{heard}");
        Ok(())
    }

    /// Tries until it is there.
    fn wait<T>(&self, mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        let until = Instant::now() + self.patience;
        loop {
            match attempt() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                other => return other,
            }
        }
    }
}

impl Place {
    fn listen(at: SocketAddr) -> Result<Self> {
        let streams = TcpListener::bind(at).with_context(|| format!("cannot listen on {at}"))?;
        streams.set_nonblocking(true)?;
        let datagrams = UdpSocket::bind(at)?;
        datagrams.set_nonblocking(true)?;
        Ok(Self { at, streams, datagrams })
    }
}

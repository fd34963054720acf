//! What attacks are aimed at: listeners of every kind, a process, a scene.

use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;
use harness::{Scene, Victim, eventually};

/// How long something that was sent may take to arrive.
const ARRIVAL: Duration = Duration::from_millis(300);

/// Everything that one attack could reach.
pub(crate) struct Targets {
    pub(crate) scene: Scene,
    pub(crate) victim: Victim,
    tcp: TcpListener,
    udp: UdpSocket,
    unix: UnixListener,
    datagram: UnixDatagram,
    abstract_name: String,
    abstract_socket: UnixListener,
}

impl Targets {
    pub(crate) fn new() -> Result<Self> {
        let scene = Scene::new()?;
        let outside = scene.outside();
        // The scene's own path makes the name unique on this machine.
        // Node 20 fills the name up with NULs, as every old libuv does, so the listener's name has all 107 bytes.
        let abstract_name = format!("{:-<107}", format!("mcpguard-test{}", scene.root().display()));
        let address = SocketAddr::from_abstract_name(&abstract_name)?;
        let targets = Self {
            victim: Victim::start()?,
            tcp: TcpListener::bind("127.0.0.1:0")?,
            udp: UdpSocket::bind("127.0.0.1:0")?,
            unix: UnixListener::bind(outside.join("stream"))?,
            datagram: UnixDatagram::bind(outside.join("datagram"))?,
            abstract_socket: UnixListener::bind_addr(&address)?,
            abstract_name,
            scene,
        };
        targets.tcp.set_nonblocking(true)?;
        targets.udp.set_nonblocking(true)?;
        targets.unix.set_nonblocking(true)?;
        targets.datagram.set_nonblocking(true)?;
        targets.abstract_socket.set_nonblocking(true)?;
        Ok(targets)
    }

    pub(crate) fn tcp_port(&self) -> u16 {
        self.tcp.local_addr().map_or(0, |address| address.port())
    }

    pub(crate) fn udp_port(&self) -> u16 {
        self.udp.local_addr().map_or(0, |address| address.port())
    }

    pub(crate) fn unix_path(&self) -> PathBuf {
        self.scene.outside().join("stream")
    }

    pub(crate) fn datagram_path(&self) -> PathBuf {
        self.scene.outside().join("datagram")
    }

    pub(crate) fn abstract_name(&self) -> &str {
        &self.abstract_name
    }

    pub(crate) fn victim_died(&mut self) -> bool {
        eventually(ARRIVAL, || !self.victim.is_alive())
    }

    pub(crate) fn tcp_arrived(&mut self) -> bool {
        arrives(|| self.tcp.accept().map(drop))
    }

    pub(crate) fn udp_arrived(&mut self) -> bool {
        arrives(|| self.udp.recv(&mut [0; 16]).map(drop))
    }

    pub(crate) fn unix_arrived(&mut self) -> bool {
        arrives(|| self.unix.accept().map(drop))
    }

    pub(crate) fn abstract_arrived(&mut self) -> bool {
        arrives(|| self.abstract_socket.accept().map(drop))
    }

    pub(crate) fn datagram_arrived(&mut self) -> bool {
        arrives(|| self.datagram.recv(&mut [0; 16]).map(drop))
    }
}

fn arrives(mut look: impl FnMut() -> std::io::Result<()>) -> bool {
    let until = Instant::now() + ARRIVAL;
    loop {
        match look() {
            Ok(()) => return true,
            Err(error) if error.kind() == ErrorKind::WouldBlock && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(_) => return false,
        }
    }
}

//! What a server reaches and must not reach: two hosts with the same ports, one that never answers, unix sockets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, bind, listen, socket};

/// The host that the plan allows.
pub(super) const OPEN: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Another one, that it does not.
pub(super) const SHUT: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// A host of IPv6, that it does not allow unless a test says so.
pub(super) const SIX: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// Everything, for all tests of the gate.
pub(super) struct Scene {
    /// Of all hosts, TCP and UDP.
    pub(super) port: u16,
    /// Nobody listens here.
    pub(super) free: u16,
    /// Whoever connects here is neither accepted nor refused.
    pub(super) stuck: u16,
    /// Connections and datagrams that have come to the host that is shut.
    leaked: Arc<AtomicUsize>,
    pub(super) directory: tempfile::TempDir,
    _kept: (OwnedFd, Vec<TcpStream>, Vec<UnixListener>),
}

impl Scene {
    pub(super) fn set() -> Self {
        let leaked = Arc::new(AtomicUsize::new(0));
        let port = hosts(&leaked);
        let (stuck, silent, waiting) = silent();
        let directory = tempfile::tempdir().expect("temporary directory");
        for name in ["granted", "outside", "work"] {
            std::fs::create_dir(directory.path().join(name)).expect("writable");
        }
        let bind = |name: &str| UnixListener::bind(directory.path().join(name)).expect("writable");
        let unix = vec![bind("granted/socket"), bind("outside/socket"), bind("work/foreign")];
        let free = TcpListener::bind((OPEN, 0)).and_then(|listener| listener.local_addr());
        let free = free.expect("loopback").port();
        Self { port, free, stuck, leaked, directory, _kept: (silent, waiting, unix) }
    }

    /// What has come to the host that is shut since the last time; everything that is on its way has arrived by then.
    pub(super) fn leaked(&self) -> usize {
        std::thread::sleep(Duration::from_millis(50));
        self.leaked.swap(0, Ordering::Relaxed)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// `@name` stands for a path, the rest for addresses.
    pub(super) fn expand(&self, word: &str) -> String {
        let at = |ip, port| SocketAddr::new(ip, port).to_string();
        match word {
            "%open" => at(OPEN, self.port),
            "%shut" => at(SHUT, self.port),
            "%six" => at(SIX, self.port),
            "%any" => at(Ipv4Addr::UNSPECIFIED.into(), self.port),
            "%free" => at(OPEN, self.free),
            "%stuck" => at(OPEN, self.stuck),
            "%elsewhere" => at(OPEN, 0),
            _ => word.strip_prefix('@').map_or(word.to_owned(), |name| self.path(name).display().to_string()),
        }
    }
}

/// Listeners and echoing sockets of all hosts at one port. They live as long as this process.
fn hosts(leaked: &Arc<AtomicUsize>) -> u16 {
    loop {
        let first = TcpListener::bind((OPEN, 0)).expect("loopback");
        let port = first.local_addr().expect("bound").port();
        let streams = [SHUT, SIX].map(|host| TcpListener::bind((host, port)));
        let datagrams = [OPEN, SHUT, SIX].map(|host| UdpSocket::bind((host, port)));
        if streams.iter().any(Result::is_err) || datagrams.iter().any(Result::is_err) {
            continue;
        }
        let others = streams.map(|stream| stream.expect("bound"));
        for listener in std::iter::once(first).chain(others) {
            accept(listener, Arc::clone(leaked));
        }
        for socket in datagrams.map(|datagram| datagram.expect("bound")) {
            echo(socket, Arc::clone(leaked));
        }
        return port;
    }
}

fn accept(listener: TcpListener, leaked: Arc<AtomicUsize>) {
    let shut = listener.local_addr().is_ok_and(|address| address.ip() == SHUT);
    std::thread::spawn(move || {
        for _connection in listener.incoming() {
            leaked.fetch_add(usize::from(shut), Ordering::Relaxed);
        }
    });
}

pub(super) fn echo(socket: UdpSocket, leaked: Arc<AtomicUsize>) {
    let shut = socket.local_addr().is_ok_and(|address| address.ip() == SHUT);
    std::thread::spawn(move || {
        let mut bytes = [0; 2048];
        while let Ok((count, source)) = socket.recv_from(&mut bytes) {
            leaked.fetch_add(usize::from(shut), Ordering::Relaxed);
            let _ = socket.send_to(&bytes[..count], source);
        }
    });
}

/// A listener whose queue is full: the kernel drops what asks for more.
fn silent() -> (u16, OwnedFd, Vec<TcpStream>) {
    let listener = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).expect("TCP");
    let raw = std::os::fd::AsRawFd::as_raw_fd(&listener);
    bind(raw, &SockaddrIn::new(127, 0, 0, 1, 0)).expect("loopback");
    listen(&listener, Backlog::new(0).expect("valid")).expect("bound");
    let name: SockaddrIn = nix::sys::socket::getsockname(raw).expect("bound");
    let address = SocketAddr::new(OPEN, name.port());
    let patience = Duration::from_millis(100);
    let waiting = std::iter::from_fn(|| TcpStream::connect_timeout(&address, patience).ok()).collect();
    (name.port(), listener, waiting)
}

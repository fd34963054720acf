//! The sockets at which the resolver and the proxy are found: on loopback, at ports that the kernel chose.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use enforce::Doors;
use nix::errno::Errno;

/// Tries to find a port that is free in all families and protocols.
const TRIES: usize = 64;

/// Open doors that nobody serves yet. Whoever comes waits.
#[derive(Debug)]
pub(crate) struct DoorsOpen {
    resolver: Vec<(UdpSocket, TcpListener)>,
    proxy: Vec<TcpListener>,
    ports: Doors,
}

impl DoorsOpen {
    /// Opens both, on 127.0.0.1 and, where this host has IPv6, on ::1.
    ///
    /// # Errors
    /// No port is free, or loopback is not there.
    pub(crate) fn open() -> io::Result<Self> {
        let (resolver, port) = first_free(|| resolver_at(0))?;
        let (proxy, proxy_port) = first_free(|| proxy_at(0))?;
        Ok(Self { resolver, proxy, ports: Doors { resolver: port, proxy: proxy_port } })
    }

    /// Opens both at the ports to which the server is led already.
    ///
    /// # Errors
    /// Somebody else has them.
    pub(super) fn at(ports: Doors) -> io::Result<Self> {
        let ((resolver, _), (proxy, _)) = (resolver_at(ports.resolver)?, proxy_at(ports.proxy)?);
        Ok(Self { resolver, proxy, ports })
    }

    /// Where they are.
    pub(crate) fn ports(&self) -> Doors {
        self.ports
    }

    /// Every listening socket by its kind, once more: a test breaks one of them.
    #[cfg(test)]
    pub(super) fn sockets(&self) -> Vec<(&'static str, std::os::fd::OwnedFd)> {
        let own = |listener: &TcpListener| listener.try_clone().expect("cloned").into();
        let questions = self.resolver.iter().map(|(_, questions)| ("questions", own(questions)));
        questions.chain(self.proxy.iter().map(|proxy| ("proxy", own(proxy)))).collect()
    }

    /// The same sockets, inside of an event loop.
    pub(super) fn serve(self) -> io::Result<Served> {
        let mut served = Served { datagrams: Vec::new(), questions: Vec::new(), connections: Vec::new() };
        for (datagrams, questions) in self.resolver {
            datagrams.set_nonblocking(true)?;
            served.datagrams.push(tokio::net::UdpSocket::from_std(datagrams)?);
            served.questions.push(listener(questions)?);
        }
        for connections in self.proxy {
            served.connections.push(listener(connections)?);
        }
        Ok(served)
    }
}

/// Doors inside of an event loop.
pub(super) struct Served {
    /// Questions by UDP.
    pub(super) datagrams: Vec<tokio::net::UdpSocket>,
    /// Questions by TCP.
    pub(super) questions: Vec<tokio::net::TcpListener>,
    /// The proxy.
    pub(super) connections: Vec<tokio::net::TcpListener>,
}

/// Sockets of the resolver at a port (0: any), and the port.
fn resolver_at(port: u16) -> io::Result<(Vec<(UdpSocket, TcpListener)>, u16)> {
    let mut all: Vec<(UdpSocket, TcpListener)> = Vec::new();
    for address in addresses() {
        let port = all.first().map_or(Ok(port), |(_, first)| first.local_addr().map(|at| at.port()))?;
        all.push(bind_both(address, port)?);
    }
    let port = all.first().map_or(Ok(0), |(_, first)| first.local_addr().map(|at| at.port()))?;
    Ok((all, port))
}

/// Sockets of the proxy at a port (0: any), and the port.
fn proxy_at(port: u16) -> io::Result<(Vec<TcpListener>, u16)> {
    let mut all: Vec<TcpListener> = Vec::new();
    for address in addresses() {
        let port = all.first().map_or(Ok(port), |first| first.local_addr().map(|at| at.port()))?;
        all.push(TcpListener::bind((address, port))?);
    }
    let port = all.first().map_or(Ok(0), |first| first.local_addr().map(|at| at.port()))?;
    Ok((all, port))
}

/// Connections that wait in the kernel until they are taken: a server may open many at once.
const WAITING: i32 = 4096;

fn listener(listener: TcpListener) -> io::Result<tokio::net::TcpListener> {
    // Of a socket that listens already this changes the length of its queue (listen(2)).
    nix::sys::socket::listen(&listener, nix::sys::socket::Backlog::new(WAITING)?)?;
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}

/// The next who comes.
///
/// # Errors
/// The socket is no good any more. What a single connection met (accept(2)), and a want of descriptors or of memory, is
/// no reason to close the door: those that are open end in time.
pub(super) async fn accept(
    listener: &tokio::net::TcpListener,
) -> io::Result<(tokio::net::TcpStream, SocketAddr)> {
    loop {
        match listener.accept().await {
            Err(error) if is_broken(&error) => return Err(error),
            Err(_) => tokio::time::sleep(PAUSE).await,
            accepted => return accepted,
        }
    }
}

/// How long is waited for a descriptor.
const PAUSE: Duration = Duration::from_millis(20);

fn is_broken(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, None | Some(Errno::EBADF | Errno::EINVAL | Errno::ENOTSOCK | Errno::EOPNOTSUPP))
}

fn addresses() -> Vec<IpAddr> {
    let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
    let has_v6 = UdpSocket::bind(SocketAddr::new(v6, 0)).is_ok();
    std::iter::once(IpAddr::V4(Ipv4Addr::LOCALHOST)).chain(has_v6.then_some(v6)).collect()
}

fn bind_both(address: IpAddr, port: u16) -> io::Result<(UdpSocket, TcpListener)> {
    let questions = TcpListener::bind((address, port))?;
    let datagrams = UdpSocket::bind((address, questions.local_addr()?.port()))?;
    Ok((datagrams, questions))
}

/// A port that is free in one family or protocol may be taken in another one.
fn first_free<T>(mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut last = io::ErrorKind::AddrInUse.into();
    for _ in 0..TRIES {
        match attempt() {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
            other => return other,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_doors_are_on_loopback_and_each_has_one_port_for_all_families() {
        let open = DoorsOpen::open().expect("loopback");
        let Doors { resolver, proxy } = open.ports();
        assert_ne!(resolver, proxy);
        for (datagrams, questions) in &open.resolver {
            for address in [datagrams.local_addr(), questions.local_addr()] {
                let address = address.expect("bound");
                assert!(address.ip().is_loopback() && address.port() == resolver, "{address}");
            }
        }
        for connections in &open.proxy {
            let address = connections.local_addr().expect("bound");
            assert!(address.ip().is_loopback() && address.port() == proxy, "{address}");
        }
    }
}

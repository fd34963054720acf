//! Ways to a peer that avoid connect(2), or say its address in another way. Addresses are `HOST:PORT`.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{Backlog, listen};
use serde_json::{Value, json};

use super::{Act, argument, number};
use crate::sys::ring::Message;
use crate::sys::{Argument, call, descriptors};

pub(super) const ACTS: &[(&str, Act)] = &[
    ("socket", |a| open(a, 0).map(|_| Value::Null)),
    ("connect_with", connect_with),
    ("connect_as", connect_as),
    ("fast_open", fast_open),
    ("udp_connected", udp_connected),
    ("udp_many", |a| udp_message(a, true)),
    ("udp_message", |a| udp_message(a, false)),
    ("udp_as", udp_as),
    ("udp_reconnected", udp_reconnected),
    ("tcp_reconnected", tcp_reconnected),
    ("udp_routed", udp_routed),
    ("bind", bind),
    ("listen_unbound", listen_unbound),
    ("ping", ping),
];

const TEXT: &[u8] = b"stolen";
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn parsed(text: &str) -> io::Result<SocketAddr> {
    text.parse().map_err(|error| io::Error::other(format!("`{text}`: {error}")))
}

/// `struct sockaddr_in` or `sockaddr_in6`, under its own family or another one.
pub(super) fn raw(address: SocketAddr, family: Option<u16>) -> Vec<u8> {
    let (own, mut rest) = match address {
        SocketAddr::V4(four) => (libc::AF_INET, [&four.ip().octets()[..], &[0; 8]].concat()),
        SocketAddr::V6(six) => (libc::AF_INET6, [&[0; 4][..], &six.ip().octets(), &[0; 4]].concat()),
    };
    let own = u16::try_from(own).unwrap_or_default();
    let mut bytes = family.unwrap_or(own).to_ne_bytes().to_vec();
    bytes.extend(address.port().to_be_bytes());
    bytes.append(&mut rest);
    bytes
}

/// A socket by three numbers: family, type, protocol.
fn open(arguments: &[&str], at: usize) -> io::Result<OwnedFd> {
    let mut words =
        (at..at + 3).map(|at| number(arguments, at).map(Argument::Number)).collect::<io::Result<Vec<_>>>()?;
    Ok(descriptors::make(libc::SYS_socket, &mut words)?)
}

pub(super) fn family_of(address: SocketAddr) -> i32 {
    if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 }
}

/// A socket of an address's family.
pub(super) fn socket(address: SocketAddr, kind: i32, protocol: i32) -> io::Result<OwnedFd> {
    made(family_of(address), kind, protocol)
}

fn made(family: i32, kind: i32, protocol: i32) -> io::Result<OwnedFd> {
    let word = |word: i32| u64::try_from(word).map(Argument::Number).map_err(io::Error::other);
    let mut words = [word(family)?, word(kind | libc::SOCK_CLOEXEC)?, word(protocol)?];
    Ok(descriptors::make(libc::SYS_socket, &mut words)?)
}

pub(super) fn with_address(
    call_number: libc::c_long,
    socket: &OwnedFd,
    bytes: Vec<u8>,
) -> Result<i64, Errno> {
    let length = Argument::Number(bytes.len() as u64);
    call(call_number, &mut [descriptor(socket), Argument::Memory(bytes), length])
}

pub(super) fn descriptor(socket: &OwnedFd) -> Argument {
    Argument::Number(socket.as_raw_fd().cast_unsigned().into())
}

/// `ADDRESS TYPE PROTOCOL`: connects a socket of another kind, and sends.
fn connect_with(arguments: &[&str]) -> io::Result<Value> {
    let to = parsed(argument(arguments, 0)?)?;
    let word = |at| number(arguments, at).and_then(|word| i32::try_from(word).map_err(io::Error::other));
    let socket = socket(to, word(1)?, word(2)?)?;
    with_address(libc::SYS_connect, &socket, raw(to, None))?;
    std::fs::File::from(socket).write_all(TEXT)?;
    Ok(Value::Null)
}

/// `ADDRESS FAMILY TYPE`: connects a socket of another family than the address, and sends.
fn connect_as(arguments: &[&str]) -> io::Result<Value> {
    let to = parsed(argument(arguments, 0)?)?;
    let word = |at| number(arguments, at).and_then(|word| i32::try_from(word).map_err(io::Error::other));
    let socket = made(word(1)?, word(2)?, 0)?;
    with_address(libc::SYS_connect, &socket, raw(to, None))?;
    std::fs::File::from(socket).write_all(TEXT)?;
    Ok(Value::Null)
}

/// Connects by sending (`MSG_FASTOPEN`).
fn fast_open(arguments: &[&str]) -> io::Result<Value> {
    let to = parsed(argument(arguments, 0)?)?;
    let socket = socket(to, libc::SOCK_STREAM, 0)?;
    Ok(json!(Message::new(TEXT, &raw(to, None)).send(socket.as_fd(), libc::MSG_FASTOPEN)?))
}

fn any(address: SocketAddr) -> SocketAddr {
    if address.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() }
}

/// Connects a datagram socket, and sends.
fn udp_connected(arguments: &[&str]) -> io::Result<Value> {
    let to = parsed(argument(arguments, 0)?)?;
    let socket = socket(to, libc::SOCK_DGRAM, 0)?;
    with_address(libc::SYS_connect, &socket, raw(to, None))?;
    Ok(json!(std::fs::File::from(socket).write(TEXT)?))
}

/// Sends one datagram by sendmsg(2) or sendmmsg(2).
fn udp_message(arguments: &[&str], many: bool) -> io::Result<Value> {
    let to = parsed(argument(arguments, 0)?)?;
    let socket = socket(to, libc::SOCK_DGRAM, 0)?;
    let message = Message::new(TEXT, &raw(to, None));
    let sent = if many { message.send_many(socket.as_fd()) } else { message.send(socket.as_fd(), 0) };
    Ok(json!(sent?))
}

/// `ADDRESS SOCKET-FAMILY ADDRESS-FAMILY`: sends a datagram with a socket of one family to an address that says to be
/// of another one: `AF_UNSPEC` (0) counts as IPv4 for an IPv4 socket, and an IPv6 socket takes IPv4 addresses.
fn udp_as(arguments: &[&str]) -> io::Result<Value> {
    let to = parsed(argument(arguments, 0)?)?;
    let family = i32::try_from(number(arguments, 1)?).map_err(io::Error::other)?;
    let said = u16::try_from(number(arguments, 2)?).map_err(io::Error::other)?;
    let socket = made(family, libc::SOCK_DGRAM, 0)?;
    Ok(json!(Message::new(TEXT, &raw(to, Some(said))).send(socket.as_fd(), 0)?))
}

pub(super) fn unconnect(socket: &OwnedFd) -> Result<i64, Errno> {
    with_address(libc::SYS_connect, socket, vec![0; 16])
}

/// `ALLOWED DENIED`: connects to one, dissolves that with `AF_UNSPEC`, connects to the other, and sends.
fn udp_reconnected(arguments: &[&str]) -> io::Result<Value> {
    let (first, then) = (parsed(argument(arguments, 0)?)?, parsed(argument(arguments, 1)?)?);
    let socket = socket(first, libc::SOCK_DGRAM, 0)?;
    with_address(libc::SYS_connect, &socket, raw(first, None))?;
    unconnect(&socket)?;
    with_address(libc::SYS_connect, &socket, raw(then, None))?;
    Ok(json!(std::fs::File::from(socket).write(TEXT)?))
}

/// The same with a stream.
fn tcp_reconnected(arguments: &[&str]) -> io::Result<Value> {
    let (first, then) = (parsed(argument(arguments, 0)?)?, parsed(argument(arguments, 1)?)?);
    let socket = socket(first, libc::SOCK_STREAM, 0)?;
    with_address(libc::SYS_connect, &socket, raw(first, None))?;
    unconnect(&socket)?;
    with_address(libc::SYS_connect, &socket, raw(then, None))?;
    Ok(json!(std::fs::File::from(socket).write(TEXT)?))
}

/// `FIRST-HOP ADDRESS`: sends to the address by a loose source route (RFC 791), so that the packet goes to the hop.
fn udp_routed(arguments: &[&str]) -> io::Result<Value> {
    let (SocketAddr::V4(hop), to) = (parsed(argument(arguments, 0)?)?, parsed(argument(arguments, 1)?)?)
    else {
        return Err(io::Error::other("source routes are IPv4's"));
    };
    const LOOSE: u8 = 131;
    let socket = socket(to, libc::SOCK_DGRAM, 0)?;
    // Option, length, pointer to the next hop, one hop, end of the list.
    let option = [&[LOOSE, 7, 4][..], &hop.ip().octets(), &[0]].concat();
    let length = Argument::Number(option.len() as u64);
    let (level, name) = (Argument::Number(0), Argument::Number(4)); // IPPROTO_IP, IP_OPTIONS
    call(libc::SYS_setsockopt, &mut [descriptor(&socket), level, name, Argument::Memory(option), length])?;
    Ok(json!(Message::new(TEXT, &raw(to, None)).send(socket.as_fd(), 0)?))
}

/// `ADDRESS tcp|udp`: binds, and tells the port.
fn bind(arguments: &[&str]) -> io::Result<Value> {
    let at = parsed(argument(arguments, 0)?)?;
    if argument(arguments, 1)? == "udp" {
        return Ok(json!(UdpSocket::bind(at)?.local_addr()?.port()));
    }
    let socket = socket(at, libc::SOCK_STREAM, 0)?;
    with_address(libc::SYS_bind, &socket, raw(at, None))?;
    Ok(json!(TcpListener::from(socket).local_addr()?.port()))
}

/// `ADDRESS FILE`: listens without having bound, which takes a port without asking; writes the port into the file, and
/// sends to the first that connects.
fn listen_unbound(arguments: &[&str]) -> io::Result<Value> {
    let at = parsed(argument(arguments, 0)?)?;
    let socket = socket(any(at), libc::SOCK_STREAM, 0)?;
    listen(&socket, Backlog::new(1)?)?;
    let listener = TcpListener::from(socket);
    let port = listener.local_addr()?.port();
    std::fs::write(argument(arguments, 1)?, port.to_string())?;
    let (mut stream, _): (TcpStream, _) = listener.accept()?;
    stream.write_all(TEXT)?;
    Ok(json!(port))
}

/// An echo request by a datagram socket of ICMP; the answer must come.
fn ping(arguments: &[&str]) -> io::Result<Value> {
    let to = parsed(argument(arguments, 0)?)?;
    let socket = socket(to, libc::SOCK_DGRAM, libc::IPPROTO_ICMP)?;
    let request = [&[8, 0, 0, 0, 0, 0, 0, 1][..], TEXT].concat();
    with_address(libc::SYS_connect, &socket, raw(to, None))?;
    let socket = UdpSocket::from(socket);
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut stream = std::fs::File::from(OwnedFd::from(socket));
    stream.write_all(&request)?;
    let mut answer = [0; 64];
    Ok(json!(stream.read(&mut answer)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_the_kernel_s_layout() {
        let four = raw("127.0.0.1:80".parse().unwrap(), Some(0));
        assert_eq!(four, [0, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        let six = raw("[::1]:256".parse().unwrap(), None);
        assert_eq!((six.len(), six[0], six[2], six[23]), (28, 10, 1, 1));
    }

    #[test]
    fn an_ipv6_socket_sends_to_an_ipv4_address() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = receiver.local_addr().unwrap().to_string();
        for (socket, said) in [("10", "2"), ("2", "0"), ("2", "2")] {
            assert_eq!(udp_as(&[&to, socket, said]).unwrap(), json!(6));
            let mut bytes = [0; 16];
            assert_eq!(receiver.recv(&mut bytes).unwrap(), 6);
        }
    }
}

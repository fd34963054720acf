//! Actions on unix sockets. A name that begins with `@` is an abstract one.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, sendto, socket, socketpair,
};
use serde_json::{Value, json};

use super::{Act, argument, paths};
use crate::sys::descriptors;

pub(super) const ACTS: &[(&str, Act)] = &[
    ("unix_stream", unix_stream),
    ("unix_packets", unix_packets),
    ("unix_datagram", unix_datagram),
    ("unix_datagram_connected", unix_datagram_connected),
    ("unix_pair_escape", unix_pair_escape),
    ("unix_listen", unix_listen),
    ("socketpair", pair),
    ("receive", receive),
    ("receive_listening", receive_listening),
];

const TEXT: &[u8] = b"stolen";

/// An address by path, or an abstract one.
pub(crate) fn address(name: &str) -> io::Result<SocketAddr> {
    match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(name),
    }
}

fn raw(name: &str) -> io::Result<UnixAddr> {
    Ok(match name.strip_prefix('@') {
        Some(name) => UnixAddr::new_abstract(name.as_bytes())?,
        None => UnixAddr::new(name)?,
    })
}

fn unix_stream(arguments: &[&str]) -> io::Result<Value> {
    UnixStream::connect_addr(&address(argument(arguments, 0)?)?)?.write_all(TEXT).map(|()| Value::Null)
}

/// `SOCK_SEQPACKET`.
fn unix_packets(arguments: &[&str]) -> io::Result<Value> {
    let socket = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)?;
    connect(socket.as_raw_fd(), &raw(argument(arguments, 0)?)?)?;
    std::fs::File::from(socket).write_all(TEXT).map(|()| Value::Null)
}

/// Sends without a connection.
fn unix_datagram(arguments: &[&str]) -> io::Result<Value> {
    let sent = UnixDatagram::unbound()?.send_to_addr(TEXT, &address(argument(arguments, 0)?)?);
    sent.map(|sent| json!(sent))
}

fn unix_datagram_connected(arguments: &[&str]) -> io::Result<Value> {
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address(argument(arguments, 0)?)?)?;
    socket.send(TEXT).map(|sent| json!(sent))
}

/// One end of a pair of datagram sockets sends to another address than the other end's.
fn unix_pair_escape(arguments: &[&str]) -> io::Result<Value> {
    let (one, _other) = socketpair(AddressFamily::Unix, SockType::Datagram, None, SockFlag::SOCK_CLOEXEC)?;
    let to = raw(argument(arguments, 0)?)?;
    Ok(json!(sendto(one.as_raw_fd(), TEXT, &to, MsgFlags::empty())?))
}

/// Binds and listens.
fn unix_listen(arguments: &[&str]) -> io::Result<Value> {
    UnixListener::bind_addr(&address(argument(arguments, 0)?)?).map(|_| Value::Null)
}

/// A pair of streams, there and back.
fn pair(_: &[&str]) -> io::Result<Value> {
    let (mut one, mut other) = UnixStream::pair()?;
    one.write_all(TEXT)?;
    let mut bytes = [0; 6];
    other.read_exact(&mut bytes)?;
    Ok(json!(String::from_utf8_lossy(&bytes)))
}

/// Connects, receives a descriptor and reads from it.
fn receive(arguments: &[&str]) -> io::Result<Value> {
    read_received(&UnixStream::connect_addr(&address(argument(arguments, 0)?)?)?)
}

/// Listens, takes the first that connects, receives a descriptor and reads from it.
fn receive_listening(arguments: &[&str]) -> io::Result<Value> {
    let listener = UnixListener::bind_addr(&address(argument(arguments, 0)?)?)?;
    read_received(&listener.accept()?.0)
}

/// Without an errno where the message came and the kernel left the descriptor out of it.
fn read_received(stream: &UnixStream) -> io::Result<Value> {
    match descriptors::receive(stream.as_fd())? {
        Some(descriptor) => paths::text_of(descriptor),
        None => Err(io::Error::other("no descriptor came")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_travels() {
        let file = std::fs::File::open("/proc/self/comm").unwrap();
        let (one, other) = UnixStream::pair().unwrap();
        descriptors::send(one.as_fd(), file.as_fd()).unwrap();
        assert!(!read_received(&other).unwrap().as_str().unwrap().is_empty());
        (&one).write_all(b"x").unwrap();
        assert!(read_received(&other).unwrap_err().raw_os_error().is_none());
    }

    #[test]
    fn abstract_names_are_told_apart() {
        let name = format!("@mcpguard-vm-{}", std::process::id());
        let listener = UnixListener::bind_addr(&address(&name).unwrap()).unwrap();
        unix_stream(&[&name]).unwrap();
        drop(listener);
        assert_eq!(unix_stream(&[&name]).unwrap_err().raw_os_error(), Some(libc::ECONNREFUSED));
    }
}

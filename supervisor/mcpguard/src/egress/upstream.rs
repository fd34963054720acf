//! Asking the host's own name servers.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::hosts::Upstreams;

/// The longest message over UDP that is asked for (DNS flag day 2020: 1232 bytes pass everywhere).
const DATAGRAM: usize = 4096;

/// What a server said is to be judged by whoever asked: `None` if it is not the answer and others are waited for.
pub(super) enum Judged<T> {
    /// This is it.
    Done(T),
    /// It is not the answer to the question.
    NotIt,
    /// It did not fit; the same server is asked by TCP.
    TooLong,
    /// The server could not say; another one may.
    Unable,
}

impl Upstreams {
    /// Asks one server after the other until one answers. Every question leaves from a port of its own.
    pub(super) async fn ask<T>(
        &self,
        message: &[u8],
        mut judge: impl FnMut(&[u8]) -> Judged<T>,
    ) -> Option<T> {
        for _ in 0..self.attempts {
            for server in &self.servers {
                match timeout(self.patience, datagram(*server, message, &mut judge)).await {
                    Ok(Ok(Judged::Done(found))) => return Some(found),
                    Ok(Ok(Judged::TooLong)) => {
                        if let Ok(Ok(Judged::Done(found))) =
                            timeout(self.patience, stream(*server, message, &mut judge)).await
                        {
                            return Some(found);
                        }
                    }
                    // The next one.
                    Ok(_) | Err(_) => {}
                }
            }
        }
        None
    }
}

async fn datagram<T>(
    server: SocketAddr,
    message: &[u8],
    judge: &mut impl FnMut(&[u8]) -> Judged<T>,
) -> io::Result<Judged<T>> {
    let any = match server {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    // Connected, so that nobody else's datagram is taken for the answer.
    socket.connect(server).await?;
    socket.send(message).await?;
    let mut buffer = [0; DATAGRAM];
    loop {
        let count = socket.recv(&mut buffer).await?;
        match judge(&buffer[..count]) {
            Judged::NotIt => {}
            other => return Ok(other),
        }
    }
}

async fn stream<T>(
    server: SocketAddr,
    message: &[u8],
    judge: &mut impl FnMut(&[u8]) -> Judged<T>,
) -> io::Result<Judged<T>> {
    let mut stream = TcpStream::connect(server).await?;
    write_message(&mut stream, message).await?;
    match read_message(&mut stream).await? {
        Some(answer) => Ok(judge(&answer)),
        None => Ok(Judged::Unable),
    }
}

/// A message over TCP: two bytes of length before it (RFC 1035 section 4.2.2). One write, so that it leaves as one.
pub(super) async fn write_message(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    let mut framed = Vec::with_capacity(message.len() + 2);
    framed.extend(length.to_be_bytes());
    framed.extend(message);
    stream.write_all(&framed).await
}

/// The next message; `None` at a clean end.
pub(super) async fn read_message(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let length = match stream.read_u16().await {
        Ok(length) => length,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut message = vec![0; length.into()];
    stream.read_exact(&mut message).await?;
    Ok(Some(message))
}

//! The far side: a name server that knows one name, and a host that greets like a TLS server and then does as it is told.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::hello::{self, HEADER};
use super::orders::{HOST, LINK, ORDER, PIECE, PLAIN, RESOLVER, SEND, SEND_SLOWLY, TLS};

/// Serves until it is ended.
pub(super) fn serve() -> Result<()> {
    let names = UdpSocket::bind((std::net::Ipv4Addr::from(RESOLVER.0), RESOLVER.1)).context("port 53")?;
    let [tls, plain] = [TLS, PLAIN].map(|port| TcpListener::bind((std::net::Ipv4Addr::from(HOST), port)));
    let (tls, plain) = (tls.context("port 443")?, plain.context("port 5432")?);
    println!("ready");
    thread::spawn(move || answer(&names));
    plain.set_nonblocking(true)?;
    thread::spawn(move || accept_now_and_then(&plain));
    for stream in tls.incoming() {
        let stream = stream?;
        thread::spawn(move || host(stream));
    }
    Ok(())
}

/// Who connects there only connects, and what a process does that is woken by it would be measured as well.
fn accept_now_and_then(plain: &TcpListener) {
    loop {
        thread::sleep(Duration::from_millis(20));
        while plain.accept().is_ok() {}
    }
}

/// One address (type A), for five minutes, whatever is asked.
fn answer(names: &UdpSocket) -> io::Result<()> {
    let mut message = [0; 512];
    loop {
        let (count, from) = names.recv_from(&mut message)?;
        names.send_to(&answered(&message[..count]), from)?;
    }
}

/// The question with one answer behind it (RFC 1035 section 4). What else the question had is left out.
fn answered(question: &[u8]) -> Vec<u8> {
    let name = question[12..].iter().position(|byte| *byte == 0).unwrap_or(0);
    let end = (12 + name + 5).min(question.len());
    let is_v4 = question.get(end - 3) == Some(&1);
    let count = u8::from(is_v4);
    let mut told = [&question[..2], &[0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0], &question[12..end]].concat();
    if is_v4 {
        told.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4]);
        told.extend(HOST);
    }
    told
}

fn host(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut header = [0; HEADER];
    stream.read_exact(&mut header)?;
    stream.read_exact(&mut vec![0; hello::body_of(header)])?;
    stream.write_all(&hello::server())?;
    let mut order = [0; ORDER];
    // Most have come for the greeting only.
    stream.read_exact(&mut order)?;
    let (_, number) = order.split_last_chunk::<8>().ok_or(io::ErrorKind::InvalidData)?;
    let bytes = u64::from_be_bytes(*number);
    match order[HEADER] {
        SEND => return send(&mut stream, bytes, None),
        SEND_SLOWLY => return send(&mut stream, bytes, Some(LINK)),
        _ => {}
    }
    io::copy(&mut (&stream).take(bytes), &mut io::sink())?;
    stream.write_all(b".")
}

/// So many bytes, no more of them in a second than the link lets through.
pub(super) fn send(stream: &mut TcpStream, bytes: u64, link: Option<u64>) -> io::Result<()> {
    let (piece, begun, mut sent) = (vec![b'x'; PIECE], Instant::now(), 0);
    while sent < bytes {
        let count = (bytes - sent).min(PIECE as u64);
        stream.write_all(&piece[..count as usize])?;
        sent += count;
        let due = link.map_or(Duration::ZERO, |link| Duration::from_nanos(sent * 1_000_000_000 / link));
        thread::sleep(due.saturating_sub(begun.elapsed()));
    }
    Ok(())
}

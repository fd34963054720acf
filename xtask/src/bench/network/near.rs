//! The near side: looks up, connects, greets and transfers, and tells how long each took. It may be guarded: it has no more
//! than its sockets and one file.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::far::send;
use super::hello::{self, HEADER};
use super::orders::{HOST, LINK, NAME, PIECE, PLAIN, READ, RESOLVER, SEND, SEND_SLOWLY, TLS, order};
use crate::bench::report::Table;

/// What is measured, in the order of [`Found`].
pub(super) const FIGURES: [&str; 7] = [
    "connect, straight to the address of a name",
    "look-up of a known name",
    "handshake: connect, ClientHello, first byte of the answer",
    "download of 256 MB",
    "upload of 256 MB",
    "download of 256 MB at 10 Gbit/s",
    "upload of 256 MB at 10 Gbit/s",
];

/// What the near side does.
#[derive(clap::Args)]
pub(crate) struct Work {
    /// Where it tells what it found
    #[arg(long)]
    into: PathBuf,
    /// Nothing for so many seconds, after one look-up if there is a network
    #[arg(long)]
    idle: Option<u64>,
    /// An idle one has a network to use
    #[arg(long)]
    online: bool,
    /// Bytes of a transfer
    #[arg(long, default_value_t = 256_000_000)]
    bytes: u64,
}

/// Microseconds, by figure; a side that has no such thing has none.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Found([Vec<f64>; FIGURES.len()]);

impl Found {
    /// What a near side has written.
    pub(super) fn read(text: &str) -> Result<Self> {
        serde_json::from_str(text).with_context(|| format!("the near side told {text:?}"))
    }

    /// Adds the samples to a side's row.
    pub(super) fn add_to(self, tables: &mut [Table], row: usize) {
        for (table, samples) in tables.iter_mut().zip(self.0) {
            samples.into_iter().for_each(|sample| table.rows[row].samples.push(sample));
        }
    }
}

/// Samples of a process; the first of each kind warm up.
const SAMPLES: usize = 100;
const WARM_UP: usize = 10;

/// Does it.
pub(super) fn work(work: &Work) -> Result<()> {
    let way = Way::of_environment()?;
    way.await_proxy();
    if let Some(seconds) = work.idle {
        if work.online {
            look_up()?;
            way.greeted()?;
        }
        std::thread::sleep(Duration::from_secs(seconds));
        return std::fs::write(&work.into, "").context("cannot tell");
    }
    let mut found = Found::default();
    if matches!(way, Way::Straight) {
        found.0[1] = times(look_up)?;
        found.0[0] = times(|| connected(PLAIN))?;
    }
    found.0[2] = times(|| way.greeted())?;
    found.0[3].extend(way.transfer(|| way.download(work.bytes, SEND))?);
    found.0[4].extend(way.transfer(|| way.upload(work.bytes, None))?);
    found.0[5].extend(way.transfer(|| way.download(work.bytes, SEND_SLOWLY))?);
    found.0[6].extend(way.transfer(|| way.upload(work.bytes, Some(LINK)))?);
    std::fs::write(&work.into, serde_json::to_string(&found)?).context("cannot tell")
}

fn times<T>(mut act: impl FnMut() -> Result<T>) -> Result<Vec<f64>> {
    let all: Vec<f64> = (0..SAMPLES + WARM_UP).map(|_| timed(&mut act)).collect::<Result<_>>()?;
    Ok(all[WARM_UP..].to_vec())
}

/// Microseconds. What it made is dropped afterwards.
fn timed<T>(act: impl FnOnce() -> Result<T>) -> Result<f64> {
    let begun = Instant::now();
    let made = act()?;
    let took = begun.elapsed();
    drop(made);
    Ok(took.as_nanos() as f64 / 1000.0)
}

/// A question for the name's address (RFC 1035 section 4), by a socket of its own, and its answer.
fn look_up() -> Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    socket.connect((Ipv4Addr::from(RESOLVER.0), RESOLVER.1))?;
    let mut question = vec![1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in NAME.split('.') {
        question.push(label.len() as u8);
        question.extend(label.as_bytes());
    }
    question.extend([0, 0, 1, 0, 1]);
    socket.send(&question).context("the question")?;
    let mut answer = [0; 512];
    let count = socket.recv(&mut answer).context("no answer")?;
    ensure!(answer[..count].ends_with(&HOST), "the answer has not the address: {:?}", &answer[..count]);
    Ok(socket)
}

fn connected(port: u16) -> Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::from(HOST), port)).context("to the host")?;
    Ok(stream)
}

/// How the host is reached.
enum Way {
    Straight,
    /// By a proxy that is told the name (RFC 9110 section 9.3.6), and what it wants to hear of who asks.
    Proxy(String, String),
}

impl Way {
    /// As curl reads it: `HTTPS_PROXY=http://user:password@host:port`.
    fn of_environment() -> Result<Self> {
        let Ok(proxy) = std::env::var("HTTPS_PROXY") else { return Ok(Self::Straight) };
        let rest = proxy.trim_start_matches("http://").trim_end_matches('/');
        let Some((user, place)) = rest.rsplit_once('@') else {
            return Ok(Self::Proxy(rest.to_owned(), String::new()));
        };
        let header = format!("Proxy-Authorization: Basic {}\r\n", BASE64.encode(user));
        Ok(Self::Proxy(place.to_owned(), header))
    }

    /// The sandbox runtime may start the program before its proxy listens.
    fn await_proxy(&self) {
        let Self::Proxy(place, _) = self else { return };
        for _ in 0..100 {
            if TcpStream::connect(place).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn connected(&self) -> Result<TcpStream> {
        let Self::Proxy(place, header) = self else {
            let stream = connected(TLS)?;
            stream.set_nodelay(true)?;
            return Ok(stream);
        };
        let mut stream = TcpStream::connect(place).context("to the proxy")?;
        stream.set_nodelay(true)?;
        let order = format!("CONNECT {NAME}:{TLS} HTTP/1.1\r\nHost: {NAME}:{TLS}\r\n{header}\r\n");
        stream.write_all(order.as_bytes())?;
        let mut told = Vec::new();
        let mut byte = [0];
        while !told.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).context("the proxy")?;
            told.push(byte[0]);
        }
        let told = String::from_utf8_lossy(&told).into_owned();
        ensure!(told.split(' ').nth(1) == Some("200"), "the proxy says {told:?}");
        Ok(stream)
    }

    /// A connection on which the server has begun to answer.
    fn greeted(&self) -> Result<TcpStream> {
        let mut stream = self.connected()?;
        stream.write_all(&hello::client(NAME))?;
        stream.read_exact(&mut [0]).context("the greeting")?;
        Ok(stream)
    }

    /// The same when it has said all of its greeting.
    fn ready(&self) -> Result<TcpStream> {
        let mut stream = self.greeted()?;
        let mut header = [22; HEADER];
        stream.read_exact(&mut header[1..])?;
        stream.read_exact(&mut vec![0; hello::body_of(header)])?;
        Ok(stream)
    }

    /// How long a transfer took. The sandbox runtime loses the end of some: then there is no figure, and it is told.
    fn transfer(&self, act: impl FnOnce() -> Result<()>) -> Result<Option<f64>> {
        match (timed(act), self) {
            (Ok(took), _) => Ok(Some(took)),
            (Err(error), Self::Straight) => Err(error),
            (Err(error), Self::Proxy(..)) => {
                eprintln!("a transfer failed: {error:#}");
                Ok(None)
            }
        }
    }

    fn download(&self, bytes: u64, how: u8) -> Result<()> {
        let mut stream = self.ready()?;
        stream.write_all(&order(how, bytes))?;
        let (mut piece, mut came) = (vec![0; PIECE], 0);
        while came < bytes {
            let count = stream.read(&mut piece)?;
            ensure!(count > 0, "it ended after {came} bytes");
            came += count as u64;
        }
        Ok(())
    }

    fn upload(&self, bytes: u64, link: Option<u64>) -> Result<()> {
        let mut stream = self.ready()?;
        stream.write_all(&order(READ, bytes))?;
        send(&mut stream, bytes, link)?;
        stream.read_exact(&mut [0]).context("the end of the upload")
    }
}

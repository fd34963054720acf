//! What a connection over the loopback interface costs a server: bare, and where the supervisor judges its address and
//! makes it, with both sides waking each other on one processor and without that. Tells one line of JSON: for each, the
//! median of every round, in nanoseconds. The rounds take turns, so that a busy machine is busy for all of them.
#![expect(clippy::print_stdout, reason = "a benchmark tells by itself")]

#[path = "../tests/attacks/sandbox.rs"]
#[expect(dead_code, reason = "shared with the tests, which use all of it")]
mod sandbox;

use std::net::TcpStream;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::Command as Process;
use std::time::{Duration, Instant};

use enforce::{DenialListener, ListenError};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, accept, bind, getsockname, listen, setsockopt,
    socket, sockopt,
};
use policy::Support;
use sandbox::*;

/// Connections of a round.
const CONNECTIONS: usize = 2000;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["enter", ..] => std::process::exit(enforce::enter_main(std::env::args_os().skip(2)).into()),
        ["connect", port] => connect(port.parse().expect("a port")),
        words => compare(words.iter().find_map(|word| word.parse().ok()).unwrap_or(10)),
    }
}

/// The server: tells the median.
fn connect(port: u16) {
    let mut took: Vec<u128> = (0..CONNECTIONS).map(|_| one(port).as_nanos()).collect();
    took.sort_unstable();
    println!("{}", took[CONNECTIONS / 2]);
}

fn one(port: u16) -> Duration {
    let begun = Instant::now();
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("it is allowed");
    let took = begun.elapsed();
    // Closed hard, so that its port is free at once.
    let hard = nix::libc::linger { l_onoff: 1, l_linger: 0 };
    setsockopt(&stream, sockopt::Linger, &hard).expect("a socket can");
    took
}

fn compare(rounds: usize) {
    enforce::become_subreaper().expect("Linux 3.4");
    let peer = Peer::new();
    let mut support = enforce::probe();
    (support.ebpf, support.cgroup) = Default::default();
    assert!(support.seccomp_gate, "the supervisor can carry calls out here");
    let mut seen: [Vec<u64>; 3] = Default::default();
    for round in 0..rounds {
        for turn in 0..3 {
            let way = (round + turn) % 3;
            seen[way].push(measure(way, &peer.port, &support));
            peer.forget();
        }
    }
    let [bare, in_turn, apart] = seen;
    println!("{}", serde_json::json!({ "bare": bare, "gate": in_turn, "gate_without_sync_wake_up": apart }));
}

/// Nobody accepts while it is measured: the kernel makes connections by itself as long as its queue has room.
struct Peer {
    listener: OwnedFd,
    port: String,
}

impl Peer {
    fn new() -> Self {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let listener = socket(AddressFamily::Inet, SockType::Stream, flags, None).expect("TCP");
        bind(listener.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).expect("loopback");
        listen(&listener, Backlog::new(CONNECTIONS as i32 + 1).expect("valid")).expect("bound");
        let name: SockaddrIn = getsockname(listener.as_raw_fd()).expect("bound");
        Self { listener, port: name.port().to_string() }
    }

    /// Empties the queue.
    fn forget(&self) {
        while let Ok(connection) = accept(self.listener.as_raw_fd()) {
            nix::unistd::close(connection).expect("it was made a moment ago");
        }
    }
}

fn measure(way: usize, port: &str, support: &Support) -> u64 {
    if way == 0 {
        let out = Process::new(own_program()).args(["connect", port]).output().expect("itself");
        return String::from_utf8_lossy(&out.stdout).trim().parse().expect("a number");
    }
    let mut plan = runtime();
    reach(&mut plan, &[port.parse().expect("a port")]);
    let command = command(own_program(), &["connect", port]);
    let (mut guard, pipes) = start_with(&plan, support, &command, nothing()).expect("it starts");
    let mut listener = guard.denials().expect("reports");
    if way == 2 {
        listener.wake_anywhere().expect("Linux 6.6");
    }
    serve(&mut listener);
    let [mut out, mut err] = [pipes.out, pipes.err].map(std::fs::File::from);
    line(&mut out).parse().unwrap_or_else(|_| {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut err, &mut text).expect("a pipe");
        unreachable!("the server said: {text}")
    })
}

fn serve(listener: &mut DenialListener) {
    loop {
        listener.wait(None, None).expect("reports");
        match listener.serve() {
            Err(ListenError::Ended) => return,
            served => drop(served.expect("reports")),
        }
    }
}

fn line(from: &mut impl std::io::Read) -> String {
    let mut text = String::new();
    let mut byte = [0];
    while from.read(&mut byte).expect("a pipe") == 1 && byte[0] != b'\n' {
        text.push(byte[0].into());
    }
    text
}

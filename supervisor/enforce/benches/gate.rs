//! What a connection over the loopback interface costs a server: bare, and where the supervisor judges its address and
//! makes it. Tells one line of JSON: for each, the median of every round, in nanoseconds. The rounds take turns, so that a
//! busy machine is busy for all of them.
#![expect(clippy::print_stdout, reason = "a benchmark tells by itself")]

#[path = "../tests/attacks/sandbox.rs"]
#[expect(dead_code, reason = "shared with the tests, which use all of it")]
mod sandbox;

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::process::Command as Process;
use std::time::{Duration, Instant};

use enforce::{DenialListener, ListenError};
use sandbox::*;

/// Connections of a round.
const CONNECTIONS: usize = 2000;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["enter", ..] => std::process::exit(enforce::enter_main(std::env::args_os().skip(2)).into()),
        ["connect", port] => connect(port.parse().expect("a port")),
        ["accept"] => accept(),
        ["guard", port] => guard(port),
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
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it is allowed");
    let took = begun.elapsed();
    // The peer has accepted and closed: nobody ever waits in its queue.
    assert_eq!(stream.read(&mut [0]).expect("the end"), 0, "the peer says nothing");
    took
}

/// The peer, a process of its own.
fn accept() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback");
    println!("{}", listener.local_addr().expect("bound").port());
    // Whoever closes first holds the port: the peer does, so that the server's ports are free again.
    listener.incoming().for_each(drop);
}

fn compare(rounds: usize) {
    let mut peer = Process::new(own_program())
        .arg("accept")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("itself");
    let port = line(peer.stdout.as_mut().expect("a pipe"));
    let mut seen: [Vec<u64>; 2] = Default::default();
    for round in 0..rounds {
        for turn in 0..2 {
            let way = (round + turn) % 2;
            seen[way].push(measure(["connect", "guard"][way], &port));
        }
    }
    peer.kill().and_then(|()| peer.wait()).expect("it is ours");
    let [bare, gate] = seen;
    println!("{}", serde_json::json!({ "bare": bare, "gate": gate }));
}

fn measure(way: &str, port: &str) -> u64 {
    let out = Process::new(own_program()).args([way, port]).output().expect("itself");
    assert!(out.status.success(), "{way}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim().parse().expect("a number")
}

/// The supervisor, a process of its own: whoever ends a server ends all children. Tells what the server tells.
fn guard(port: &str) {
    enforce::become_subreaper().expect("Linux 3.4");
    let mut support = enforce::probe();
    (support.ebpf, support.cgroup) = Default::default();
    assert!(support.seccomp_gate, "the supervisor can carry calls out here");
    let mut plan = runtime();
    reach(&mut plan, &[port.parse().expect("a port")]);
    let command = command(own_program(), &["connect", port]);
    let (mut guard, pipes) = start_with(&plan, &support, &command, nothing()).expect("it starts");
    serve(&mut guard.denials().expect("reports"));
    println!("{}", line(&mut std::fs::File::from(pipes.out)));
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

fn line(from: &mut impl Read) -> String {
    let mut text = String::new();
    let mut byte = [0];
    while from.read(&mut byte).expect("a pipe") == 1 && byte[0] != b'\n' {
        text.push(byte[0].into());
    }
    text
}

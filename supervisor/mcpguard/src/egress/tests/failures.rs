//! What breaks, and what is scarce.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::world::{World, echo, hello};
use crate::egress::descriptors::Shares;

/// Whether what is said to the host comes back.
fn is_carried(mut stream: TcpStream) -> bool {
    let said = hello("api.example");
    let mut heard = vec![0; said.len()];
    stream.write_all(&said).is_ok() && stream.read_exact(&mut heard).is_ok() && heard == said
}

fn refuses(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

fn eventually(mut holds: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    while Instant::now() < until {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    false
}

#[test]
fn when_one_socket_breaks_both_doors_close_and_open_again_and_what_was_learned_is_kept() {
    for kind in ["proxy", "questions"] {
        let mut world = World::new();
        let host = echo();
        world.look_up("api.example");
        assert!(is_carried(world.connect(host)), "{kind}");
        world.break_sockets(kind);
        let (resolver, proxy) = (world.doors.resolver, world.doors.proxy);
        // Whoever comes before the loop has noticed is a stranger, for whom this world's backend would look for half a second.
        std::thread::sleep(Duration::from_millis(20));
        assert!(eventually(|| refuses(resolver) && refuses(proxy)), "{kind}: the doors stay open");
        assert!(eventually(|| !refuses(resolver) && !refuses(proxy)), "{kind}: the doors stay closed");
        // Without a new look-up.
        assert!(is_carried(world.connect(host)), "{kind}");
        assert_eq!(world.look_up("api.example").0, 0, "{kind}");
    }
}

#[test]
fn a_connection_that_stands_goes_on_while_the_doors_are_closed() {
    let mut world = World::new();
    world.look_up("api.example");
    let mut stream = world.connect(echo());
    let said = hello("api.example");
    let mut heard = vec![0; said.len()];
    for round in 0..2 {
        stream.write_all(&said).expect("sent");
        stream.read_exact(&mut heard).expect("carried");
        assert_eq!(heard, said);
        if round == 0 {
            world.break_sockets("proxy");
            let proxy = world.doors.proxy;
            assert!(eventually(|| refuses(proxy)));
        }
    }
}

#[test]
fn without_pipes_bytes_are_copied() {
    let world = World::sharing(Shares { connections: 4, pipes: 0 });
    world.look_up("api.example");
    let mut stream = world.connect(echo());
    let data: Vec<u8> = (0..100_u8).cycle().take(16_000).collect();
    let record = [&[23, 3, 3], &(data.len() as u16).to_be_bytes()[..], &data].concat();
    for said in std::iter::once(hello("api.example")).chain(std::iter::repeat_n(record, 50)) {
        let mut heard = vec![0; said.len()];
        stream.write_all(&said).expect("sent");
        stream.read_exact(&mut heard).expect("carried");
        assert!(heard == said);
    }
}

#[test]
fn whoever_finds_no_place_waits_for_one() {
    let world = World::sharing(Shares { connections: 1, pipes: 1 });
    let host = echo();
    world.look_up("api.example");
    let mut first = world.connect(host);
    let said = hello("api.example");
    let mut heard = vec![0; said.len()];
    first.write_all(&said).expect("sent");
    first.read_exact(&mut heard).expect("carried");
    let mut second = world.connect(host);
    second.set_read_timeout(Some(Duration::from_millis(300))).expect("a timeout");
    second.write_all(&said).expect("sent");
    let waits = second.read_exact(&mut heard).expect_err("nobody has taken it");
    assert!(matches!(waits.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{waits}");
    drop(first);
    second.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    second.read_exact(&mut heard).expect("there is a place");
    assert_eq!(heard, said);
}

//! Connections.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use enforce::Egress;

use super::world::{TOOL, World, echo, hello};
use crate::egress::By;

/// Sends, says that it is all, and hears everything that comes back.
fn say(mut stream: TcpStream, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut writer = stream.try_clone()?;
    let bytes = bytes.to_vec();
    let sending = std::thread::spawn(move || {
        let _ = writer.write_all(&bytes);
        let _ = writer.shutdown(Shutdown::Write);
    });
    let mut heard = Vec::new();
    let result = stream.read_to_end(&mut heard);
    sending.join().expect("no panic");
    result.map(|_| heard)
}

fn is_reset(result: &std::io::Result<Vec<u8>>) -> bool {
    matches!(result, Err(error) if error.kind() == ErrorKind::ConnectionReset)
}

#[test]
fn what_is_said_to_an_allowed_name_arrives_unchanged_in_both_directions() {
    let world = World::new();
    let host = echo();
    world.look_up("api.example");
    // Records of application data: until the server has answered, what follows a hello is looked at.
    let body: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let records = body.chunks(1 << 14).map(|data| {
        let length = u16::try_from(data.len()).expect("short").to_be_bytes();
        [&[23, 3, 3], &length[..], data].concat()
    });
    let said = std::iter::once(hello("api.example")).chain(records).collect::<Vec<_>>().concat();
    let heard = say(world.connect(host), &said).expect("carried");
    assert!(heard == said, "{} of {} bytes", heard.len(), said.len());
}

#[test]
fn other_names_names_at_other_addresses_and_no_name_are_refused_and_told() {
    let mut world = World::new();
    let host = echo();
    world.look_up("api.example");
    let elsewhere: SocketAddr = "127.0.0.9:443".parse().expect("an address");
    for (wanted, bytes, what) in [
        (host, hello("neighbour.example"), "neighbour.example".to_owned()),
        (elsewhere, hello("api.example"), "api.example".to_owned()),
        (host, b"GET / HTTP/1.1\r\nHost: api.example\r\n\r\n".to_vec(), host.to_string()),
    ] {
        let heard = say(world.connect(wanted), &bytes);
        assert!(is_reset(&heard), "{what}: {heard:?}");
        let refused = world.refused();
        assert_eq!((refused.by, &refused.what), (By::Proxy, &what));
    }
}

#[test]
fn a_name_that_was_not_looked_up_is_not_spoken_to() {
    let mut world = World::new();
    let heard = say(world.connect(echo()), &hello("api.example"));
    assert!(is_reset(&heard), "{heard:?}");
    assert!(world.refused().reason.contains("not looked up"));
}

#[test]
fn whoever_was_not_led_to_the_door_is_sent_away() {
    let world = World::new();
    world.look_up("api.example");
    let stream = TcpStream::connect(("127.0.0.1", world.doors.proxy)).expect("it is open");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    let heard = say(stream, &hello("api.example"));
    assert!(!matches!(&heard, Ok(heard) if !heard.is_empty()), "{heard:?}");
}

#[test]
fn a_connection_of_a_tool_rests_while_no_call_of_it_is_in_flight() {
    let world = World::new();
    let host = echo();
    world.backend.follow(1 | TOOL, 1);
    world.look_up("tool.example");
    let mut stream = world.connect(host);
    let first = hello("tool.example");
    stream.write_all(&first).expect("sent");
    let mut heard = vec![0; first.len()];
    stream.read_exact(&mut heard).expect("carried");
    world.backend.follow(1, 1);
    stream.write_all(&[23, 3, 3, 0, 1, 42]).expect("sent");
    stream.set_read_timeout(Some(Duration::from_millis(300))).expect("a timeout");
    let mut later = [0; 6];
    let rested = stream.read(&mut later).expect_err("nothing comes");
    assert!(matches!(rested.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{rested}");
    world.backend.follow(1 | TOOL, 2);
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    stream.read_exact(&mut later).expect("it goes on");
    assert_eq!(later, [23, 3, 3, 0, 1, 42]);
}

#[test]
fn an_address_where_nobody_listens_is_told_by_a_reset() {
    let world = World::new();
    world.look_up("api.example");
    let nobody: SocketAddr = "127.0.0.1:1".parse().expect("an address");
    let heard = say(world.connect(nobody), &hello("api.example"));
    assert!(is_reset(&heard), "{heard:?}");
}

#[test]
fn closed_doors_are_closed_and_doors_that_are_opened_again_are_open() {
    let mut world = World::new();
    let door = ("127.0.0.1", world.doors.proxy);
    assert!(TcpStream::connect(door).is_ok());
    world = World::new();
    let refused = TcpStream::connect(door).expect_err("its world is gone");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    world.look_up("api.example");
    assert!(say(world.connect(echo()), &hello("api.example")).is_ok());
}

#[test]
fn many_connections_at_once_are_carried() {
    let world = World::new();
    let host = echo();
    world.look_up("api.example");
    let begun = Instant::now();
    let mut streams: Vec<TcpStream> = (0..200).map(|_| world.connect(host)).collect();
    let first = hello("api.example");
    for stream in &mut streams {
        stream.write_all(&first).expect("sent");
    }
    for stream in &mut streams {
        let mut heard = vec![0; first.len()];
        stream.read_exact(&mut heard).expect("carried");
        assert_eq!(heard, first);
    }
    assert!(begun.elapsed() < Duration::from_secs(60));
}

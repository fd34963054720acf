//! Look-ups.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::world::{World, question, read_answer};
use crate::egress::By;

const REFUSED: u8 = 5;

#[test]
fn an_address_is_open_when_its_answer_arrives() {
    let world = World::new();
    assert_eq!(world.look_up("API.example"), (0, vec![[127, 0, 0, 1].into()]));
    let learned = world.backend.learned.lock().expect("no panic");
    let grant = learned[&[127, 0, 0, 1].into()].grants[0];
    assert_eq!((grant.classes, grant.rule, grant.checked), (1, 0, 1));
}

#[test]
fn other_names_are_refused_and_told() {
    let mut world = World::new();
    assert_eq!(world.look_up("secret.evil.example"), (REFUSED, vec![]));
    let refused = world.refused();
    assert_eq!((refused.by, &refused.what[..]), (By::Resolver, "secret.evil.example"));
    assert!(world.backend.learned.lock().expect("no panic").is_empty());
}

#[test]
fn what_a_tool_may_look_up_is_refused_while_no_call_of_it_is_in_flight() {
    use enforce::Egress;
    let mut world = World::new();
    assert_eq!(world.look_up("tool.example").0, REFUSED);
    assert!(world.refused().reason.contains("in flight"));
    world.backend.follow(1 | super::world::TOOL, 7);
    assert_eq!(world.look_up("tool.example").0, 0);
}

#[test]
fn an_answer_whose_address_cannot_be_made_known_is_not_given_out() {
    let world = World::new();
    *world.backend.full.lock().expect("no panic") = true;
    let (code, addresses) = world.look_up("api.example");
    assert_eq!((code, addresses), (2, vec![]), "SERVFAIL");
}

#[test]
fn questions_come_by_tcp_too_one_after_the_other() {
    let world = World::new();
    let mut stream = TcpStream::connect(("127.0.0.1", world.doors.resolver)).expect("open");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    for (name, code) in [("api.example", 0), ("other.example", REFUSED), ("api.example", 0)] {
        let question = question(name);
        let length = u16::try_from(question.len()).expect("short").to_be_bytes();
        stream.write_all(&[&length[..], &question].concat()).expect("sent");
        let mut length = [0; 2];
        stream.read_exact(&mut length).expect("an answer");
        let mut answer = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut answer).expect("all of it");
        assert_eq!(read_answer(&answer).0, code, "{name}");
    }
}

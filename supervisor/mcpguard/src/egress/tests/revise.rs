//! Another policy while connections are open.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use enforce::Egress;
use policy::plan::{ClassMask, NetworkPlan};

use super::world::{TOOL, World, echo, hello, plan};
use crate::egress::{Teach, revise};

/// A connection over which a name was said and heard.
fn carried(world: &World, name: &str, host: std::net::SocketAddr) -> TcpStream {
    world.look_up(name);
    let mut stream = world.connect(host);
    let said = hello(name);
    stream.write_all(&said).expect("sent");
    stream.read_exact(&mut vec![0; said.len()]).expect("carried");
    stream
}

fn goes_on(stream: &mut TcpStream) -> bool {
    let record = [23, 3, 3, 0, 1, 42];
    let mut heard = [0; 6];
    stream.write_all(&record).is_ok() && stream.read_exact(&mut heard).is_ok()
}

/// Without the tool's name; `other.example` is everybody's.
fn next() -> NetworkPlan {
    let mut next = plan();
    next.domains[1].name = "other.example".to_owned();
    next.domains[1].classes = ClassMask::ALWAYS;
    next
}

fn teach(world: &World) -> Teach {
    let backend = Arc::clone(&world.backend);
    Box::new(move |address, learned| backend.learn_next(address, learned))
}

#[test]
fn connections_that_are_not_allowed_any_more_end_and_the_others_go_on() {
    let world = World::new();
    let host = echo();
    world.backend.follow(1 | TOOL, 1);
    let (mut stays, mut goes) = (carried(&world, "api.example", host), carried(&world, "tool.example", host));
    let ready = revise::ask(&world.revisions, next(), 3, teach(&world)).expect("ready");
    // What was learned for a name that stays is known under the new policy before it holds, with its rules' numbers.
    let known = world.backend.next.lock().expect("no panic").clone();
    let (address, learned) = known.iter().next().expect("one address");
    assert!(address.is_loopback());
    let rules: Vec<u32> =
        learned.grants.iter().filter(|grant| grant.classes != 0).map(|it| it.rule).collect();
    assert_eq!(rules, [abi::stamped(0, 3)]);
    ready.commit();
    assert!(goes_on(&mut stays));
    goes.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    assert!(!matches!(goes.read(&mut [0; 1]), Ok(1..)), "it is cut");
    assert_ne!(world.look_up("tool.example").0, 0);
    assert_eq!(world.look_up("other.example").0, 0);
    assert!(goes_on(&mut carried(&world, "other.example", host)));
}

#[test]
fn nobody_is_answered_until_it_is_decided_and_without_a_decision_nothing_changes() {
    let world = World::new();
    let host = echo();
    world.backend.follow(1 | TOOL, 1);
    let mut open = carried(&world, "tool.example", host);
    let ready = revise::ask(&world.revisions, next(), 1, teach(&world)).expect("ready");
    let began = Instant::now();
    std::thread::scope(|both| {
        let asked = both.spawn(|| (world.look_up("tool.example").0, began.elapsed()));
        std::thread::sleep(Duration::from_millis(300));
        drop(ready);
        let (code, waited) = asked.join().expect("no panic");
        assert_eq!(code, 0);
        assert!(waited >= Duration::from_millis(250), "{waited:?}");
    });
    assert!(goes_on(&mut open));
    assert_ne!(world.look_up("other.example").0, 0);
}

#[test]
fn an_address_that_cannot_be_made_known_changes_nothing() {
    let world = World::new();
    let host = echo();
    let mut open = carried(&world, "api.example", host);
    let full: Teach = Box::new(|_, _| Err(enforce::LearnError::Full));
    let refused = revise::ask(&world.revisions, next(), 1, full).expect_err("refused");
    assert!(refused.contains("as many addresses"), "{refused}");
    assert!(goes_on(&mut open));
}

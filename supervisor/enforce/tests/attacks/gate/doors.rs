//! Names: the resolver's and the proxy's doors, to which the server is led without knowing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};

use abi::{LEARNINGS, Learned, Learning};
use enforce::{Attempt, Doors, Egress};
use policy::Plan;
use policy::plan::{ClassMask, DomainRule, Records, RuleId, Verify};

use super::SUPPORT;
use super::scene::echo;
use crate::attacker::{REFUSED, THROUGH};
use crate::sandbox::*;
use crate::{Named, Test};

pub(super) fn tests() -> Vec<Test> {
    let tests: [Named; 5] = [
        ("a name server is asked at the resolver's door", resolver),
        ("a learned address is reached through the proxy", || proxy(Ipv4Addr::new(192, 0, 2, 1).into())),
        ("a learned address of IPv6 is reached through the proxy", || {
            proxy(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into())
        }),
        ("an address that was not learned is closed", unlearned),
        ("what has come to its end is closed", ended),
    ];
    tests.map(|(name, test)| -> Test { (format!("gate: {name}"), Box::new(test)) }).into()
}

/// Where connections that came to the proxy wanted to go.
type Arrived = Arc<Mutex<Vec<Option<SocketAddr>>>>;

struct Open {
    doors: Doors,
    proxies: Vec<TcpListener>,
}

/// Both doors on both loopback addresses.
fn open() -> Open {
    let both = |port| {
        let hosts = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        hosts.map(|host| TcpListener::bind((host, port)).expect("a free port"))
    };
    let free =
        || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback").local_addr().expect("bound").port();
    let doors = Doors { resolver: free(), proxy: free() };
    for listener in both(doors.resolver) {
        std::thread::spawn(move || listener.incoming().count());
    }
    for host in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        echo(UdpSocket::bind((host, doors.resolver)).expect("a free port"), Arc::default());
    }
    Open { doors, proxies: both(doors.proxy).into() }
}

/// One domain, on a port where hosts are named.
pub(super) fn plan() -> Plan {
    let mut plan = runtime();
    plan.network.domains.push(DomainRule {
        name: "api.example".into(),
        subdomains_only: false,
        classes: ClassMask::ALWAYS,
        verify: Verify::Name,
        records: Records::default(),
        from: RuleId(3),
    });
    plan.network.ports = vec![443];
    plan
}

fn learned(until_ns: u64) -> Learned {
    let mut grants = [Learning::default(); LEARNINGS];
    grants[0] = Learning { classes: 1, until_ns, rule: 3, checked: 1 };
    Learned { grants }
}

/// An address that needs no proxy.
pub(super) fn learned_directly() -> Learned {
    let mut learned = learned(u64::MAX);
    learned.grants[0].checked = 0;
    learned
}

/// Runs one way with the doors open; the proxy asks at once where each connection wanted to go.
fn go(words: &[&str], knows: impl FnOnce(&dyn Egress)) -> Result<(Ran, Arrived), String> {
    let Open { doors, proxies } = open();
    let words: Vec<&str> = std::iter::once("attack").chain(words.iter().copied()).collect();
    let mut command = command(own_program(), &words);
    command.doors = Some(doors);
    let (guard, pipes) = start_with(&plan(), &SUPPORT, &command, nothing())?;
    let egress = guard.egress().ok_or("the supervisor decides")?;
    knows(&*egress);
    let arrived = Arrived::default();
    for proxy in proxies {
        let (egress, arrived) = (Arc::clone(&egress), Arc::clone(&arrived));
        std::thread::spawn(move || {
            for connection in proxy.incoming().flatten() {
                let peer = connection.peer_addr().expect("it was connected a moment ago");
                arrived.lock().expect("nobody panics").push(egress.arrived(peer));
            }
        });
    }
    let ran = finish(guard, pipes, &command)?;
    // What was connected is accepted within moments.
    std::thread::sleep(std::time::Duration::from_millis(50));
    Ok((ran, arrived))
}

fn hold(condition: bool, seen: &dyn std::fmt::Debug) -> Result<(), String> {
    if condition { Ok(()) } else { Err(format!("{seen:#?}")) }
}

/// By UDP with and without a connection, and by TCP; each answer comes from whom was asked.
fn resolver() -> Result<(), String> {
    for server in ["192.0.2.53:53", "[2001:db8::53]:53"] {
        let (ran, _) = go(&["net-ask", server], |_| {})?;
        hold(ran.code() == Some(THROUGH) && ran.network.is_empty(), &ran)?;
    }
    Ok(())
}

fn proxy(address: IpAddr) -> Result<(), String> {
    let wanted = SocketAddr::new(address, 443);
    let (ran, arrived) = go(&["net-peer", &wanted.to_string()], |egress| {
        egress.learn(address, &learned(u64::MAX)).expect("room");
    })?;
    let arrived = arrived.lock().expect("nobody panics");
    hold(ran.code() == Some(THROUGH) && *arrived == [Some(wanted)], &(&ran, &arrived))
}

fn unlearned() -> Result<(), String> {
    let (ran, arrived) = go(&["net-connect", "192.0.2.1:443"], |egress| {
        egress.learn(Ipv4Addr::new(192, 0, 2, 2).into(), &learned(u64::MAX)).expect("room");
    })?;
    let denied = ran.network.first().map(|denial| denial.kind) == Some(Attempt::Connect);
    hold(ran.code() == Some(REFUSED) && denied && arrived.lock().expect("nobody panics").is_empty(), &ran)
}

/// QUIC to a checked port is closed, too: nobody could look at its name.
fn ended() -> Result<(), String> {
    let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let (ran, _) = go(&["net-connect", "192.0.2.1:443"], |egress| {
        egress.learn(address, &learned(1)).expect("room");
    })?;
    let rule = |ran: &Ran| ran.network.first().and_then(|denial| denial.rule) == Some(RuleId(3));
    hold(ran.code() == Some(REFUSED) && rule(&ran), &ran)?;
    let (ran, _) = go(&["net-send", "192.0.2.1:443", "sendto"], |egress| {
        egress.learn(address, &learned(u64::MAX)).expect("room");
    })?;
    hold(ran.code() == Some(REFUSED) && rule(&ran), &ran)
}

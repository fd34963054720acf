//! Figures of the inside: one message in, one message out, without sockets.
//!
//! `cargo bench -p mcpguard-names`

use std::net::IpAddr;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{Name, RData, Record, RecordType};
use names::{Answered, Asked, Limits, Names, Settings, Ticket, Transport};
use policy::plan::{ClassMask, DomainRule, NetworkPlan, Records, RuleId, Verify};

fn main() {
    divan::main();
}

const NOW: u64 = 1_000_000_000;

fn rule(name: &str, subdomains_only: bool) -> DomainRule {
    DomainRule {
        name: name.to_owned(),
        subdomains_only,
        classes: ClassMask::ALWAYS,
        verify: Verify::Name,
        records: Records::default(),
        from: RuleId(0),
    }
}

fn names() -> Names {
    let domains = vec![rule("api.example.org", false), rule("wild.test", true)];
    let limits =
        Limits { names_per_minute: u32::MAX, names: 1 << 20, addresses: 1 << 20, ..Limits::default() };
    let plan = NetworkPlan { domains, ..NetworkPlan::default() };
    Names::new(&plan, Settings { limits, ..Settings::default() })
}

fn question(name: &str) -> Vec<u8> {
    let mut message = Message::new(1, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(Name::from_ascii(name).expect("a name"), RecordType::A));
    message.to_vec().expect("a message")
}

fn reply(forwarded: &[u8], addresses: &[[u8; 4]]) -> Vec<u8> {
    let mut message = Message::from_vec(forwarded).expect("a message").into_response();
    let name = message.queries[0].name().clone();
    let record = |address: &[u8; 4]| Record::from_rdata(name.clone(), 600, RData::A(A((*address).into())));
    message.answers = addresses.iter().map(record).collect();
    message.to_vec().expect("a message")
}

fn forwarded(names: &mut Names, name: &str) -> (Ticket, Vec<u8>) {
    match names.ask(&question(name), Transport::Udp, 1, 7, NOW) {
        Asked::Forward { ticket, message } => (ticket, message),
        other => unreachable!("{other:?}"),
    }
}

/// A session that knows one name with these addresses.
fn knowing(name: &str, addresses: &[[u8; 4]]) -> Names {
    let mut names = names();
    let (ticket, message) = forwarded(&mut names, name);
    let answered = names.answered(ticket, &reply(&message, addresses), NOW);
    assert!(matches!(answered, Answered::Answer { changes, .. } if changes.len() == addresses.len()));
    names
}

#[divan::bench(args = [1, 8])]
fn kept_answer(bencher: Bencher<'_, '_>, addresses: u8) {
    let addresses: Vec<[u8; 4]> = (1..=addresses).map(|last| [8, 8, 8, last]).collect();
    let mut names = knowing("api.example.org", &addresses);
    let message = question("api.example.org");
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        let asked = names.ask(black_box(&message), Transport::Udp, 1, 7, NOW);
        assert!(matches!(asked, Asked::Answer(..)));
        asked
    });
}

#[divan::bench]
fn refusal(bencher: Bencher<'_, '_>) {
    let mut names = names();
    let message = question("some.evil.test");
    bencher
        .counter(ItemsCount::new(1_usize))
        .bench_local(|| names.ask(black_box(&message), Transport::Udp, 1, 7, NOW));
}

/// A question that goes to the upstream, and its answer.
#[divan::bench]
fn round_trip(bencher: Bencher<'_, '_>) {
    let mut names = names();
    let mut number = 0_u32;
    bencher
        .counter(ItemsCount::new(1_usize))
        .with_inputs(|| {
            number += 1;
            let [_, a, b, c] = number.to_be_bytes();
            let name = format!("n{number}.wild.test");
            let mut forwarded = Message::from_vec(&question(&name)).expect("a message");
            forwarded.metadata.id = 7;
            let reply = reply(&forwarded.to_vec().expect("a message"), &[[8, a, b, c]]);
            (question(&name), reply)
        })
        .bench_local_values(|(question, reply)| match names.ask(&question, Transport::Udp, 1, 7, NOW) {
            Asked::Forward { ticket, .. } => names.answered(ticket, &reply, NOW),
            other => unreachable!("{other:?}"),
        });
}

#[divan::bench]
fn may_speak(bencher: Bencher<'_, '_>) {
    let names = knowing("api.example.org", &[[8, 8, 8, 8]]);
    let address = IpAddr::from([8, 8, 8, 8]);
    bencher
        .counter(ItemsCount::new(1_usize))
        .bench_local(|| names.may_speak(black_box("api.example.org"), address, 1, NOW));
}

//! Any messages of a client and of an upstream in any order, while time passes: no answer holds an address that was not
//! made known for as long as the answer lives, none is an inner one, and only names that a rule names go on.
//!
//! The input is a list of pieces, each one byte of what to do, one byte of length and so many bytes:
//! 0: a client's message; 1: an upstream's; 2: the same with the right id and as a response; 3: the sections behind the
//! right header and question, the header's counts first; 4: time passes; 5: no upstream answers; 6: an address could not
//! be made known; 7: active classes; others: a good question of a client.

#![no_main]

use std::collections::HashMap;
use std::net::IpAddr;

use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RecordType};
use libfuzzer_sys::fuzz_target;
use names::{Answered, Asked, Change, Limits, Names, Settings, Ticket, Transport};
use policy::plan::{CidrRule, ClassId, ClassMask, DomainRule, NetworkPlan, Records, RuleId, Verify};

const SECOND: u64 = 1_000_000_000;
const ROOM: usize = 6;

fn rule(name: &str, subdomains_only: bool, class: usize) -> DomainRule {
    DomainRule {
        name: name.to_owned(),
        subdomains_only,
        classes: ClassMask::only(ClassId::new(class).expect("a class")),
        verify: Verify::Name,
        records: Records { srv: true, txt: true },
        from: RuleId(class as u32),
    }
}

fn names() -> Names {
    let domains = vec![rule("a.test", false, 0), rule("w.test", true, 1), rule("test", true, 2)];
    let ten =
        CidrRule { address: [10, 0, 0, 0].into(), prefix: 8, classes: ClassMask::ALWAYS, from: RuleId(9) };
    let plan = NetworkPlan { domains, cidrs: vec![ten], ..NetworkPlan::default() };
    let limits = Limits { lookups_per_minute: Some(600), names_per_minute: 30, addresses: ROOM, names: ROOM };
    let hosts = vec![("h.test".to_owned(), IpAddr::from([8, 8, 8, 8]))];
    Names::new(&plan, Settings { hosts, search: vec!["corp.test".to_owned()], limits })
}

struct World {
    names: Names,
    now: u64,
    active: u64,
    known: HashMap<IpAddr, u64>,
    waiting: Vec<(Ticket, Vec<u8>)>,
}

impl World {
    fn told(&mut self, changes: &[Change]) {
        for change in changes {
            assert!(!is_inner(change.address), "{}", change.address);
            let ends = change.learned.map(|learned| learned.grants.map(|grant| grant.until_ns));
            match ends.and_then(|ends| ends.into_iter().max()) {
                Some(until) => drop(self.known.insert(change.address, until)),
                None => drop(self.known.remove(&change.address)),
            }
        }
        assert!(self.known.values().filter(|until| **until > self.now).count() <= ROOM);
    }

    fn given(&self, bytes: &[u8]) {
        let answer = Message::from_vec(bytes).expect("what is given out can be read");
        assert!(answer.message_type == MessageType::Response && answer.authorities.is_empty());
        for record in &answer.answers {
            if let Some(address) = record.data.ip_addr() {
                let until = self.known.get(&address.to_canonical()).expect("made known");
                assert!(*until >= self.now + u64::from(record.ttl) * SECOND);
            }
        }
    }

    fn ask(&mut self, message: &[u8]) {
        let transport = if message.len() % 2 == 0 { Transport::Udp } else { Transport::Tcp };
        match self.names.ask(message, transport, self.active, message.len() as u16, self.now) {
            Asked::Answer(bytes, changes) => {
                self.told(&changes);
                self.given(&bytes);
                assert_eq!(bytes[..2], message[..2]);
            }
            Asked::Forward { ticket, message } => {
                let sent = Message::from_vec(&message).expect("what goes on can be read");
                let name = sent.queries[0].name().to_string();
                assert!(name == "a.test." || name.ends_with(".test."), "{name}");
                assert_eq!((sent.queries.len(), sent.answers.len(), sent.additionals.len()), (1, 0, 0));
                self.waiting.push((ticket, message));
            }
            Asked::Ignore => {}
        }
    }

    fn reply(&mut self, at: usize, reply: &[u8]) {
        match self.names.answered(self.waiting[at].0, reply, self.now) {
            Answered::Answer { message, withheld, changes } => {
                self.waiting.remove(at);
                self.told(&changes);
                self.given(&message);
                assert!(Message::from_vec(&withheld).expect("readable").answers.is_empty());
            }
            Answered::AgainByTcp | Answered::Ignored | Answered::Unable => {}
        }
    }

    fn piece(&mut self, what: u8, bytes: &[u8]) {
        let first = self.waiting.first().map(|(_, sent)| sent.clone());
        match (what, first) {
            (0, _) => self.ask(bytes),
            (1, Some(_)) => self.reply(0, bytes),
            (2, Some(sent)) if bytes.len() > 2 => {
                let mut reply = bytes.to_vec();
                reply[..2].copy_from_slice(&sent[..2]);
                reply[2] |= 0x80;
                self.reply(0, &reply);
            }
            (3, Some(sent)) if bytes.len() >= 3 => {
                let mut reply = sent;
                reply[2] = 0x81;
                reply[6..12].copy_from_slice(&[0, bytes[0], 0, bytes[1], 0, bytes[2]]);
                reply.extend_from_slice(&bytes[3..]);
                self.reply(0, &reply);
            }
            (4, _) => self.pass(bytes),
            (5, Some(_)) => {
                let (ticket, _) = self.waiting.remove(0);
                let failure = self.names.abandoned(ticket);
                self.given(&failure);
            }
            (6, _) if bytes.len() >= 4 => {
                let address = IpAddr::from([bytes[0], bytes[1], bytes[2], bytes[3]]);
                self.names.unlearn(address);
                self.known.remove(&address);
            }
            (7, _) => self.active = 1 | u64::from(bytes.first().copied().unwrap_or(0)),
            _ => self.ask(&question(what, bytes.len())),
        }
    }

    fn pass(&mut self, bytes: &[u8]) {
        self.now += bytes.iter().map(|byte| u64::from(*byte) * SECOND / 4).sum::<u64>();
        let changes = self.names.expire(self.now);
        self.told(&changes);
        assert!(self.known.values().all(|until| *until > self.now));
        assert!(self.names.next_expiry().is_none_or(|next| next > self.now));
        let facts = self.names.facts();
        assert!(facts.list.len() <= 256 && facts.list.iter().all(|fact| fact.times > 0));
    }
}

fn question(what: u8, length: usize) -> Vec<u8> {
    let names = ["a.test", "A.w.Test", "b.w.test", "h.test", "_x._tcp.a.test", "evil.example"];
    let kinds = [RecordType::A, RecordType::AAAA, RecordType::HTTPS, RecordType::TXT, RecordType::SRV];
    let name = Name::from_ascii(names[usize::from(what) % names.len()]).expect("a name");
    let mut message = Message::new(what.into(), MessageType::Query, OpCode::Query);
    message.add_query(Query::query(name, kinds[length % kinds.len()]));
    message.to_vec().expect("a message")
}

/// Written apart from the code that is tested: what no rule of this policy opens.
fn is_inner(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local() || v4.is_multicast() || v4.octets()[0] == 0,
        IpAddr::V6(v6) => {
            v6.is_loopback() || v6.is_multicast() || v6.is_unspecified() || v6.to_ipv4().is_some()
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let mut world =
        World { names: names(), now: SECOND, active: 7, known: HashMap::new(), waiting: Vec::new() };
    let changes = world.names.preset(world.now);
    world.told(&changes);
    let mut rest = data;
    while let [what, length, after @ ..] = rest {
        let (bytes, left) = after.split_at(usize::from(*length).min(after.len()));
        world.piece(*what, bytes);
        rest = left;
    }
});

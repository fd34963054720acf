//! A session, its client and its upstream. The clock is what the test says.

use std::net::IpAddr;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use names::{Answered, Asked, Change, Limits, Names, Settings, Ticket, Transport};
use policy::plan::{CidrRule, ClassId, ClassMask, DomainRule, NetworkPlan, Records, RuleId, Verify};

pub(crate) const SECOND: u64 = 1_000_000_000;
/// Only what always holds.
pub(crate) const ALWAYS: u64 = 1;

/// `name` or `*.name`, in a class.
pub(crate) fn rule(text: &str, class: usize) -> DomainRule {
    DomainRule {
        name: text.trim_start_matches("*.").to_owned(),
        subdomains_only: text.starts_with("*."),
        classes: ClassMask::only(ClassId::new(class).expect("a class")),
        verify: Verify::Name,
        records: Records::default(),
        from: RuleId(class as u32),
    }
}

pub(crate) fn range(address: &str, prefix: u8) -> CidrRule {
    CidrRule { address: ip(address), prefix, classes: ClassMask::ALWAYS, from: RuleId(99) }
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect(text)
}

/// The rules that most tests need: a name, a wildcard, and a name of a tool's (class 3).
pub(crate) fn plan() -> NetworkPlan {
    let domains = vec![rule("api.example.org", 0), rule("*.wild.test", 0), rule("tool.test", 3)];
    NetworkPlan { domains, ports: vec![443], ..NetworkPlan::default() }
}

pub(crate) struct Session {
    pub(crate) names: Names,
    pub(crate) now: u64,
    pub(crate) active: u64,
    pub(crate) transport: Transport,
    id: u16,
}

/// A question on its way to the upstream.
#[derive(Clone, Debug)]
pub(crate) struct Forwarded {
    pub(crate) ticket: Ticket,
    pub(crate) message: Message,
    pub(crate) bytes: Vec<u8>,
}

impl Session {
    pub(crate) fn new(plan: NetworkPlan) -> Self {
        Self::with(plan, Settings::default())
    }

    pub(crate) fn limited(plan: NetworkPlan, limits: Limits) -> Self {
        Self::with(plan, Settings { limits, ..Settings::default() })
    }

    pub(crate) fn with(plan: NetworkPlan, settings: Settings) -> Self {
        let names = Names::new(&plan, settings);
        Self { names, now: 1_000 * SECOND, active: ALWAYS, transport: Transport::Udp, id: 0 }
    }

    pub(crate) fn send(&mut self, message: &[u8]) -> Asked {
        self.id = self.id.wrapping_add(7919);
        self.names.ask(message, self.transport, self.active, self.id, self.now)
    }

    pub(crate) fn ask(&mut self, name: &str, kind: RecordType) -> Asked {
        self.send(&question(name, kind))
    }

    /// The answer that needs no upstream.
    pub(crate) fn answer(&mut self, name: &str, kind: RecordType) -> Message {
        match self.ask(name, kind) {
            Asked::Answer(bytes, _) => read(&bytes),
            other => panic!("{name} {kind}: {other:?}"),
        }
    }

    pub(crate) fn forwarded(&mut self, name: &str, kind: RecordType) -> Forwarded {
        forwarded(self.ask(name, kind))
    }

    pub(crate) fn reply(&mut self, ticket: Ticket, bytes: &[u8]) -> (Message, Vec<Change>) {
        match self.names.answered(ticket, bytes, self.now) {
            Answered::Answer { message, withheld, changes } => {
                let failure = read(&withheld);
                assert_eq!((failure.response_code, failure.answers.len()), (ResponseCode::ServFail, 0));
                (read(&message), changes)
            }
            // The only upstream.
            Answered::Unable => (read(&self.names.abandoned(ticket)), Vec::new()),
            other => panic!("{other:?}"),
        }
    }

    /// Asks, and lets the upstream answer with these records.
    pub(crate) fn resolve(
        &mut self,
        name: &str,
        kind: RecordType,
        records: &[Record],
    ) -> (Message, Vec<Change>) {
        let forwarded = self.forwarded(name, kind);
        let reply = forwarded.reply(records);
        self.reply(forwarded.ticket, &reply)
    }
}

impl Forwarded {
    /// The upstream's answer with these records.
    pub(crate) fn reply(&self, records: &[Record]) -> Vec<u8> {
        self.reply_with(|message| message.answers = records.to_vec())
    }

    pub(crate) fn reply_with(&self, change: impl FnOnce(&mut Message)) -> Vec<u8> {
        let mut message = Message::response(self.message.id, OpCode::Query);
        message.queries = self.message.queries.clone();
        message.metadata.recursion_desired = true;
        message.metadata.recursion_available = true;
        change(&mut message);
        message.to_vec().expect("a message")
    }
}

pub(crate) fn forwarded(asked: Asked) -> Forwarded {
    match asked {
        Asked::Forward { ticket, message } => Forwarded { ticket, message: read(&message), bytes: message },
        other => panic!("{other:?}"),
    }
}

pub(crate) fn query(name: &str, kind: RecordType) -> Message {
    let mut message = Message::new(4711, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(domain(name), kind));
    message
}

pub(crate) fn with_edns(mut message: Message, room: u16) -> Message {
    let mut edns = Edns::new();
    edns.set_max_payload(room);
    message.set_edns(edns);
    message
}

pub(crate) fn question(name: &str, kind: RecordType) -> Vec<u8> {
    query(name, kind).to_vec().expect("a message")
}

pub(crate) fn read(bytes: &[u8]) -> Message {
    Message::from_vec(bytes).expect("a message")
}

pub(crate) fn domain(name: &str) -> Name {
    let mut name = Name::from_ascii(name).expect(name);
    name.set_fqdn(true);
    name
}

pub(crate) fn address(name: &str, live: u32, address: &str) -> Record {
    let data = match ip(address) {
        IpAddr::V4(v4) => RData::A(A(v4)),
        IpAddr::V6(v6) => RData::AAAA(AAAA(v6)),
    };
    Record::from_rdata(domain(name), live, data)
}

pub(crate) fn alias(name: &str, live: u32, target: &str) -> Record {
    Record::from_rdata(domain(name), live, RData::CNAME(CNAME(domain(target))))
}

pub(crate) fn authority(zone: &str, live: u32, minimum: u32) -> Record {
    let soa = SOA::new(domain("ns.test"), domain("root.test"), 1, 2, 3, 4, minimum);
    Record::from_rdata(domain(zone), live, RData::SOA(soa))
}

/// The addresses in an answer.
pub(crate) fn addresses(message: &Message) -> Vec<IpAddr> {
    message.answers.iter().filter_map(|record| record.data.ip_addr()).collect()
}

/// What changes say: each address with its end in whole seconds from now on; `None`: forgotten.
pub(crate) fn ends(changes: &[Change], now: u64) -> Vec<(IpAddr, Option<u64>)> {
    let end = |change: &Change| {
        let learned = change.learned?;
        learned.grants.iter().map(|grant| grant.until_ns).max().map(|until| (until - now) / SECOND)
    };
    changes.iter().map(|change| (change.address, end(change))).collect()
}

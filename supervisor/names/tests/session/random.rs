//! Properties: nothing makes it panic, and no answer holds an address that is not known.

use std::collections::HashMap;
use std::net::IpAddr;

use hickory_proto::op::Message;
use hickory_proto::rr::{Record, RecordType};
use names::{Answered, Asked, Change, Limits, Transport};
use policy::plan::NetworkPlan;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::world::*;

const NAMES: [&str; 8] = [
    "api.example.org",
    "API.Example.org",
    "a.wild.test",
    "b.a.wild.test",
    "tool.test",
    "evil.test",
    "wild.test",
    "cdn.test",
];
const ADDRESSES: [&str; 9] = [
    "8.8.8.8",
    "8.8.4.4",
    "127.0.0.1",
    "169.254.169.254",
    "10.0.0.1",
    "2606:4700::1",
    "::1",
    "::ffff:10.0.0.1",
    "64:ff9b::8.8.8.8",
];
const KINDS: [RecordType; 4] = [RecordType::A, RecordType::AAAA, RecordType::HTTPS, RecordType::TXT];

#[derive(Clone, Debug)]
enum Step {
    Ask { name: usize, kind: usize, active: u64, edns: Option<u16>, tcp: bool },
    Reply { which: usize, records: Vec<(usize, usize, bool, u32)>, flips: Vec<(usize, u8)> },
    Abandon { which: usize },
    Wait { millis: u64 },
    Expire,
    Unlearn { address: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<usize>;
    let record = (index(), index(), prop::bool::weighted(0.3), prop_oneof![0_u32..200, any::<u32>()]);
    let flips = prop_oneof![3 => Just(vec![]), 1 => vec((index(), any::<u8>()), 1..4)];
    prop_oneof![
        5 => (index(), index(), 0_u64..16, prop::option::of(any::<u16>()), any::<bool>())
            .prop_map(|(name, kind, active, edns, tcp)| Step::Ask { name, kind, active: active | 1, edns, tcp }),
        5 => (index(), vec(record, 0..6), flips)
            .prop_map(|(which, records, flips)| Step::Reply { which, records, flips }),
        1 => index().prop_map(|which| Step::Abandon { which }),
        2 => (0_u64..50_000).prop_map(|millis| Step::Wait { millis }),
        1 => Just(Step::Expire),
        1 => index().prop_map(|address| Step::Unlearn { address }),
    ]
}

/// A session, and what whoever enforces has been told.
struct Checked {
    session: Session,
    known: HashMap<IpAddr, u64>,
    waiting: Vec<(String, Forwarded)>,
}

impl Checked {
    fn new() -> Self {
        let plan = NetworkPlan { cidrs: vec![range("10.0.0.0", 8)], ..plan() };
        let limits = Limits { addresses: 4, names: 4, ..Limits::default() };
        Self { session: Session::limited(plan, limits), known: HashMap::new(), waiting: Vec::new() }
    }

    fn told(&mut self, changes: &[Change]) {
        for change in changes {
            assert_eq!(change.address, change.address.to_canonical());
            match change.learned {
                Some(learned) => {
                    let last = learned.grants.iter().map(|grant| grant.until_ns).max().unwrap();
                    assert!(last > self.session.now);
                    self.known.insert(change.address, last);
                }
                None => drop(self.known.remove(&change.address)),
            }
        }
    }

    fn check(&self, name: &str, bytes: &[u8]) {
        let answer = read(bytes);
        assert_eq!((answer.authorities.len(), answer.additionals.len()), (0, 0));
        for record in &answer.answers {
            let Some(address) = record.data.ip_addr() else { continue };
            let until = self.known[&address.to_canonical()];
            assert!(until >= self.session.now + u64::from(record.ttl) * SECOND, "{record}");
            let last = self.session.now + u64::from(record.ttl) * SECOND - 1;
            let speak = self.session.names.may_speak(name, address, u64::MAX, last);
            assert!(record.ttl >= 10 && speak.is_ok(), "{name} {address}");
            let inner = [ip("127.0.0.1"), ip("169.254.169.254"), ip("::1")];
            assert!(!inner.contains(&address));
        }
    }

    fn run(&mut self, step: Step) {
        let pick = |index: usize, from: usize| if from == 0 { None } else { Some(index % from) };
        match step {
            Step::Ask { name, kind, active, edns, tcp } => {
                let name = NAMES[name % NAMES.len()];
                self.session.active = active;
                self.session.transport = if tcp { Transport::Tcp } else { Transport::Udp };
                let message = query(name, KINDS[kind % KINDS.len()]);
                let message = edns.map_or(message.clone(), |room| with_edns(message, room));
                match self.session.send(&message.to_vec().unwrap()) {
                    Asked::Answer(bytes, changes) => {
                        self.told(&changes);
                        self.check(name, &bytes);
                    }
                    Asked::Forward { ticket, message } => {
                        let forwarded = Forwarded { ticket, message: read(&message), bytes: message };
                        self.waiting.push((name.to_owned(), forwarded));
                    }
                    Asked::Ignore => panic!("a question was ignored"),
                }
            }
            Step::Reply { which, records, flips } => {
                let Some(at) = pick(which, self.waiting.len()) else { return };
                let (name, forwarded) = self.waiting[at].clone();
                let mut reply = forwarded.reply(&records.iter().map(made).collect::<Vec<_>>());
                for (at, flip) in flips {
                    let at = at % reply.len();
                    reply[at] ^= flip;
                }
                let now = self.session.now;
                match self.session.names.answered(forwarded.ticket, &reply, now) {
                    Answered::Answer { message, withheld, changes } => {
                        self.waiting.swap_remove(at);
                        self.told(&changes);
                        self.check(&name, &message);
                        assert_eq!(read(&withheld).answers, []);
                    }
                    Answered::AgainByTcp | Answered::Unable | Answered::Ignored => {}
                }
            }
            Step::Abandon { which } => {
                let Some(at) = pick(which, self.waiting.len()) else { return };
                let (_, forwarded) = self.waiting.swap_remove(at);
                assert_eq!(read(&self.session.names.abandoned(forwarded.ticket)).answers, []);
            }
            Step::Wait { millis } => self.session.now += millis * (SECOND / 1_000),
            Step::Expire => {
                let changes = self.session.names.expire(self.session.now);
                self.told(&changes);
                let now = self.session.now;
                assert!(self.session.names.next_expiry().is_none_or(|next| next > now));
                assert!(self.known.values().all(|until| *until > now), "{:?} at {now}", self.known);
            }
            Step::Unlearn { address } => {
                let address = ip(ADDRESSES[address % ADDRESSES.len()]).to_canonical();
                self.session.names.unlearn(address);
                self.known.remove(&address);
            }
        }
    }
}

fn made(&(name, value, is_alias, live): &(usize, usize, bool, u32)) -> Record {
    let name = NAMES[name % NAMES.len()];
    match is_alias {
        true => alias(name, live, NAMES[value % NAMES.len()]),
        false => address(name, live, ADDRESSES[value % ADDRESSES.len()]),
    }
}

/// A message as a client or an upstream would send it, with some bytes changed.
fn spoiled() -> impl Strategy<Value = Vec<u8>> {
    let flips = vec((any::<prop::sample::Index>(), any::<u8>()), 0..8);
    let records = vec((any::<usize>(), any::<usize>(), any::<bool>(), any::<u32>()), 0..5);
    (0..NAMES.len(), records, flips, any::<prop::sample::Index>()).prop_map(|(name, records, flips, cut)| {
        let mut message: Message = with_edns(query(NAMES[name], RecordType::A), 1232);
        message.answers = records.iter().map(made).collect();
        let mut bytes = message.to_vec().unwrap();
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let length = cut.index(bytes.len() * 4).min(bytes.len());
        bytes.truncate(length);
        bytes
    })
}

proptest! {
    #[test]
    fn no_answer_holds_an_address_that_is_not_known(steps in vec(step(), 1..60)) {
        let mut checked = Checked::new();
        for step in steps {
            checked.run(step);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop_oneof![vec(any::<u8>(), 0..300), spoiled()], tcp in any::<bool>()) {
        let mut session = Session::new(plan());
        session.transport = if tcp { Transport::Tcp } else { Transport::Udp };
        match session.send(&bytes) {
            Asked::Answer(answer, changes) => {
                prop_assert_eq!(&answer[..2], &bytes[..2]);
                prop_assert_eq!((read(&answer).answers.len(), changes.len()), (0, 0));
            }
            Asked::Forward { message, .. } => {
                let sent = read(&message);
                prop_assert_eq!((sent.queries.len(), sent.answers.len(), sent.additionals.len()), (1, 0, 0));
            }
            Asked::Ignore => {}
        }
        let sent = session.forwarded("api.example.org", RecordType::A);
        let _ = session.names.answered(sent.ticket, &bytes, session.now);
        let mut named = bytes;
        // With the right id the rest of it is looked at as well.
        if named.len() > 2 {
            named[..2].copy_from_slice(&sent.bytes[..2]);
            named[2] |= 0x80;
        }
        let _ = session.names.answered(sent.ticket, &named, session.now);
    }
}

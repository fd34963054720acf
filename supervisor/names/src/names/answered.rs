//! An upstream answers, or does not.

use std::net::IpAddr;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::HTTPS;
use hickory_proto::rr::{Name, RData, Record};

use super::Names;
use crate::addresses::Change;
use crate::body::Body;
use crate::cache::Kept;
use crate::pending::{Ticket, Waiting};
use crate::question::text;
use crate::service;
use crate::upstream::{Reading, Told};
use crate::{SECOND, Why};

/// For how long an answer holds, in seconds. Less would cut off clients that connect a little late, and more would keep
/// what the name has long left.
const LIFE: (u32, u32) = (30, 3600);
/// Addresses that hold for less than this are not given again: they must outlast the client's connecting.
const EARLY: u64 = 10 * SECOND;
/// For how long is believed that nothing of an answer may be given out, in seconds.
const MAX_ABSENT: u32 = 60;
/// Bytes of records that are kept; what is larger is asked for each time. It bounds the memory of the cache.
const MAX_KEPT: usize = 4096;

/// What becomes of an upstream's message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Answered {
    /// The client's answer. The ticket is done with.
    Answer {
        /// To be given out once the changes are made known.
        message: Vec<u8>,
        /// To be given out instead if one could not be; then [`Names::unlearn`] is called, too.
        withheld: Vec<u8>,
        /// What must be made known before.
        changes: Vec<Change>,
    },
    /// The upstream had no room for the answer: the same message goes to it by TCP. The ticket goes on.
    AgainByTcp,
    /// This upstream cannot say: an error, a referral, or malformed. Another one may; the ticket goes on.
    Unable,
    /// Not the answer. The ticket goes on.
    Ignored,
}

/// What a client is told.
struct Outcome {
    code: ResponseCode,
    records: Vec<Record>,
    /// In seconds.
    life: u32,
    /// How long before its end it is not given any more.
    early_ns: u64,
}

impl Names {
    /// A message of an upstream.
    pub fn answered(&mut self, ticket: Ticket, message: &[u8], now_ns: u64) -> Answered {
        let Some(waiting) = self.pending.get(ticket) else { return Answered::Ignored };
        match waiting.query.read(message) {
            Reading::Foreign => Answered::Ignored,
            Reading::Truncated if !waiting.by_tcp => {
                waiting.by_tcp = true;
                Answered::AgainByTcp
            }
            Reading::Truncated | Reading::Useless => {
                // The next one is asked by UDP first, as this one was.
                waiting.by_tcp = false;
                Answered::Unable
            }
            Reading::Told(told) => self.done(ticket, told, now_ns),
        }
    }

    /// No upstream could say: what the client is told. Nothing, if it was told something already.
    pub fn abandoned(&mut self, ticket: Ticket) -> Vec<u8> {
        self.pending.take(ticket).map(|waiting| failure(&waiting)).unwrap_or_default()
    }

    fn done(&mut self, ticket: Ticket, told: Told, now_ns: u64) -> Answered {
        let Some(waiting) = self.pending.take(ticket) else { return Answered::Ignored };
        let withheld = failure(&waiting);
        match self.settle(&waiting, told, now_ns) {
            Some((message, changes)) => Answered::Answer { message, withheld, changes },
            None => Answered::Answer { message: withheld.clone(), withheld, changes: Vec::new() },
        }
    }

    /// Learns what an upstream told. `None`: it cannot be.
    fn settle(&mut self, waiting: &Waiting, told: Told, now_ns: u64) -> Option<(Vec<u8>, Vec<Change>)> {
        let Outcome { code, records, life, early_ns } = self.outcome(waiting, told);
        let body = Body::write(code, (&waiting.query.name, waiting.query.kind), &records).ok()?;
        let until_ns = now_ns.saturating_add(u64::from(life) * SECOND);
        let addresses: Vec<IpAddr> = records.iter().filter_map(address).collect();
        let learned = self.learn_all(&waiting.name, &addresses, &waiting.grants, until_ns, now_ns);
        let noted = learned.map_err(|limit| self.facts.add(&waiting.name, limit.into(), waiting.active));
        let changes = noted.ok()?;
        let message = waiting.question.answer(&body, life);
        if body.len() <= MAX_KEPT {
            self.cache.keep(&waiting.name, Kept { kind: waiting.query.kind, body, until_ns, early_ns });
        }
        Some((message, changes))
    }

    /// What may be given out of it, and for how long it holds.
    fn outcome(&mut self, waiting: &Waiting, told: Told) -> Outcome {
        let Told { code, mut aliases, records, live, absent } = told;
        if records.is_empty() {
            return Outcome { code, records: aliases, life: absent, early_ns: 0 };
        }
        let allowed = self.allowed(waiting, records);
        if allowed.is_empty() {
            return Outcome { code, records: allowed, life: live.clamp(LIFE.0, MAX_ABSENT), early_ns: 0 };
        }
        aliases.extend(allowed);
        Outcome { code, records: aliases, life: live.clamp(LIFE.0, LIFE.1), early_ns: EARLY }
    }

    /// The records that may be given out, in a form in which they may.
    fn allowed(&mut self, waiting: &Waiting, records: Vec<Record>) -> Vec<Record> {
        let mut kept = Vec::with_capacity(records.len());
        for mut record in records {
            let data = match record.data {
                RData::A(_) | RData::AAAA(_) => self.reachable(waiting, record.data),
                RData::HTTPS(HTTPS(binding)) => service::cleaned(&binding, |name| self.is_named(name))
                    .map(|clean| RData::HTTPS(HTTPS(clean))),
                RData::SVCB(binding) => {
                    service::cleaned(&binding, |name| self.is_named(name)).map(RData::SVCB)
                }
                RData::SRV(_) | RData::TXT(_) => Some(record.data),
                _ => None,
            };
            if let Some(data) = data {
                record.data = data;
                kept.push(record);
            }
        }
        kept
    }

    fn reachable(&mut self, waiting: &Waiting, data: RData) -> Option<RData> {
        let address = data.ip_addr()?.to_canonical();
        if self.is_reachable(address, &waiting.grants) {
            return Some(data);
        }
        self.facts.add(&waiting.name, Why::Rebinding(address), waiting.active);
        None
    }

    fn is_named(&self, name: &Name) -> bool {
        text(name).is_some_and(|name| self.rules.names(&name))
    }
}

fn address(record: &Record) -> Option<IpAddr> {
    record.data.ip_addr().map(|address| address.to_canonical())
}

fn failure(waiting: &Waiting) -> Vec<u8> {
    waiting.question.empty(ResponseCode::ServFail)
}

//! What goes to an upstream, and what of its answer is an answer.

use hickory_proto::ProtoError;
use hickory_proto::op::{Edns, Header, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, DecodeError};

use crate::question::OUR_ROOM;

/// How many aliases are followed.
const MAX_CHAIN: usize = 16;
/// How many records of one name are taken; more of them are of no use to a client.
const MAX_RECORDS: usize = 64;
/// For how long the absence of something is believed, in seconds (RFC 2308 section 5 allows up to hours).
const ABSENT: (u32, u32) = (1, 60);

/// What an upstream is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asking {
    pub(crate) id: u16,
    pub(crate) name: Name,
    pub(crate) kind: RecordType,
    /// By EDNS: as the client does, because an upstream that does not know it is used without it on this host.
    pub(crate) edns: bool,
}

/// What a message of an upstream is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Not the answer to this question.
    Foreign,
    /// There was no room for the answer.
    Truncated,
    /// An answer of no use: an error of the upstream, a referral, or malformed.
    Useless,
    /// An answer.
    Told(Told),
}

/// What an upstream says about a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// `NoError` or `NXDomain`.
    pub(crate) code: ResponseCode,
    /// The aliases from the name to the end of the chain, in order.
    pub(crate) aliases: Vec<Record>,
    /// Records of the type that was asked for, at the end of the chain; empty: there are none.
    pub(crate) records: Vec<Record>,
    /// The shortest time to live of all these, in seconds.
    pub(crate) live: u32,
    /// For how long the absence of records is believed, in seconds.
    pub(crate) absent: u32,
}

impl Asking {
    pub(crate) fn message(&self) -> Result<Vec<u8>, ProtoError> {
        let mut message = Message::new(self.id, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(self.name.clone(), self.kind));
        if self.edns {
            let mut edns = Edns::new();
            edns.set_max_payload(OUR_ROOM);
            message.set_edns(edns);
        }
        message.to_vec()
    }

    pub(crate) fn read(&self, message: &[u8]) -> Reading {
        let mut decoder = BinDecoder::new(message);
        let Some(header) = self.head(&mut decoder) else { return Reading::Foreign };
        if header.truncation {
            return Reading::Truncated;
        }
        sections(&mut decoder, &header)
            .ok()
            .and_then(|sections| self.told(&header, &sections))
            .map_or(Reading::Useless, Reading::Told)
    }

    /// The header of the answer to this very question.
    fn head(&self, decoder: &mut BinDecoder<'_>) -> Option<Header> {
        let header = Header::read(decoder).ok()?;
        let is_answer = header.id == self.id
            && header.message_type == MessageType::Response
            && header.op_code == OpCode::Query
            && header.counts.queries == 1;
        if !is_answer {
            return None;
        }
        let query = Query::read(decoder).ok()?;
        let is_same = query.name() == &self.name
            && query.query_type() == self.kind
            && query.query_class() == DNSClass::IN;
        is_same.then_some(header)
    }

    fn told(&self, header: &Header, sections: &Sections) -> Option<Told> {
        if !matches!(header.response_code, ResponseCode::NoError | ResponseCode::NXDomain)
            || sections.more_code
        {
            return None;
        }
        let (aliases, owner) = self.chain(&sections.answers)?;
        let mut records = of(&sections.answers, &owner, self.kind);
        if header.response_code == ResponseCode::NXDomain {
            records.clear();
        }
        let absent = absent(&sections.authorities, &owner);
        if records.is_empty() && absent.is_none() && is_referral(&sections.authorities) {
            return None;
        }
        let live = aliases.iter().chain(&records).map(|record| seconds(record.ttl)).min().unwrap_or(0);
        let absent = absent.unwrap_or(0).clamp(ABSENT.0, ABSENT.1);
        Some(Told { code: header.response_code, aliases, records, live, absent })
    }

    /// Follows the aliases to the name that has the records. `None`: they lead nowhere.
    fn chain(&self, answers: &[Record]) -> Option<(Vec<Record>, Name)> {
        let mut owner = self.name.clone();
        let mut aliases = Vec::new();
        while of(answers, &owner, self.kind).is_empty() {
            let Some(alias) = of(answers, &owner, RecordType::CNAME).pop() else { break };
            let RData::CNAME(target) = &alias.data else { break };
            owner = target.0.to_lowercase();
            aliases.push(alias);
            if aliases.len() > MAX_CHAIN {
                return None;
            }
        }
        Some((aliases, owner))
    }
}

/// What is looked at besides the question.
struct Sections {
    answers: Vec<Record>,
    authorities: Vec<Record>,
    /// The code of the answer goes on in EDNS (RFC 6891 section 6.1.3), so it is an error.
    more_code: bool,
}

fn sections(decoder: &mut BinDecoder<'_>, header: &Header) -> Result<Sections, DecodeError> {
    let mut read =
        |count: u16, additional| Message::read_records(decoder, count.into(), additional, OpCode::Query);
    let (answers, _, _) = read(header.counts.answers, false)?;
    let (authorities, _, _) = read(header.counts.authorities, false)?;
    let (_, edns, _) = read(header.counts.additionals, true)?;
    if !decoder.is_empty() {
        return Err(DecodeError::InsufficientBytes);
    }
    Ok(Sections { answers, authorities, more_code: edns.is_some_and(|edns| edns.rcode_high() != 0) })
}

/// The records of one owner and type, class IN, under the name that was looked for.
fn of(records: &[Record], owner: &Name, kind: RecordType) -> Vec<Record> {
    let found = records.iter().filter(|record| {
        record.record_type() == kind && record.dns_class == DNSClass::IN && record.name == *owner
    });
    let renamed = found.take(MAX_RECORDS).cloned().map(|mut record| {
        record.name = owner.clone();
        record
    });
    renamed.collect()
}

/// RFC 2308 section 5: the lesser of the record's own time to live and its minimum field.
fn absent(authorities: &[Record], owner: &Name) -> Option<u32> {
    authorities.iter().find_map(|record| match &record.data {
        RData::SOA(soa) if record.name.zone_of(owner) => Some(seconds(soa.minimum).min(seconds(record.ttl))),
        _ => None,
    })
}

/// RFC 2308 section 2.2: servers and no start of authority. The upstream does not resolve, it sends elsewhere.
fn is_referral(authorities: &[Record]) -> bool {
    authorities.iter().any(|record| record.record_type() == RecordType::NS)
}

/// RFC 2181 section 8: 31 bits; what has more is zero.
fn seconds(live: u32) -> u32 {
    if live > i32::MAX as u32 { 0 } else { live }
}

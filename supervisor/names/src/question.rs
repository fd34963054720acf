//! A client's message: one question, or nothing that could be answered with more than an error.

use hickory_proto::op::{Header, HeaderCounts, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, DecodeError};

use crate::Transport;
use crate::body::{Body, HEADER};

/// The size of a UDP message that everybody takes (RFC 1035 section 4.2.1).
const PLAIN_ROOM: u16 = 512;
/// The size that we take and tell to both sides: it passes every network in one piece (DNS flag day 2020).
pub(crate) const OUR_ROOM: u16 = 1232;
/// An OPT record without options: root, type 41, size, extended code and version, flags, length (RFC 6891 section 6.1.2).
const OPT: usize = 11;

/// One question, as far as an answer needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    id: u16,
    recursion_desired: bool,
    checking_disabled: bool,
    /// The question as the client spelled it.
    wire: Box<[u8]>,
    /// Bytes that an answer may have.
    room: usize,
    /// The client speaks EDNS, so the answer does (RFC 6891 section 6.1.1).
    pub(crate) edns: bool,
    pub(crate) name: Box<str>,
    /// All labels are those of a host or a service.
    pub(crate) is_host: bool,
    pub(crate) kind: RecordType,
    pub(crate) class: DNSClass,
}

/// Why there is no question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// No message, or itself an answer: answering those would be an echo between two resolvers.
    Silence,
    /// This is the answer.
    Error(Vec<u8>),
}

impl Question {
    pub(crate) fn read(message: &[u8], transport: Transport) -> Result<Self, Unreadable> {
        let mut decoder = BinDecoder::new(message);
        let header = Header::read(&mut decoder).map_err(|_| Unreadable::Silence)?;
        if header.message_type == MessageType::Response {
            return Err(Unreadable::Silence);
        }
        let error = |code| Unreadable::Error(start(&header, code, false));
        if header.op_code != OpCode::Query {
            return Err(error(ResponseCode::NotImp));
        }
        let HeaderCounts { queries: 1, answers: 0, authorities: 0, additionals } = header.counts else {
            return Err(error(ResponseCode::FormErr));
        };
        let (query, end) = query(&mut decoder).map_err(|_| error(ResponseCode::FormErr))?;
        let edns = edns(&mut decoder, additionals).map_err(|_| error(ResponseCode::FormErr))?;
        let question = Self::new(&header, &query, message[HEADER..end].into(), edns, transport);
        match edns {
            Some((_, version)) if version > 0 => {
                Err(Unreadable::Error(question.empty(ResponseCode::BADVERS)))
            }
            _ => Ok(question),
        }
    }

    fn new(
        header: &Header,
        query: &Query,
        wire: Box<[u8]>,
        edns: Option<(u16, u8)>,
        transport: Transport,
    ) -> Self {
        let room = edns.map_or(PLAIN_ROOM, |(room, _)| room.max(PLAIN_ROOM));
        let host = text(query.name()).filter(|name| !name.is_empty());
        Self {
            id: header.id,
            recursion_desired: header.recursion_desired,
            checking_disabled: header.checking_disabled,
            wire,
            room: match transport {
                Transport::Udp => room.into(),
                Transport::Tcp => u16::MAX.into(),
            },
            edns: edns.is_some(),
            is_host: host.is_some() || query.name().is_root(),
            name: host.unwrap_or_else(|| escaped(query.name())).into(),
            kind: query.query_type(),
            class: query.query_class(),
        }
    }

    /// An answer whose records live for so many seconds; if the client has no room for it, it is told to ask by TCP.
    pub(crate) fn answer(&self, body: &Body, live: u32) -> Vec<u8> {
        let opt = if self.edns { OPT } else { 0 };
        if HEADER + self.wire.len() + body.len() + opt > self.room {
            return self.message(&Body::empty(body.code), 0, true);
        }
        self.message(body, live, false)
    }

    /// An answer without records.
    pub(crate) fn empty(&self, code: ResponseCode) -> Vec<u8> {
        self.message(&Body::empty(code), 0, false)
    }

    fn message(&self, body: &Body, live: u32, truncated: bool) -> Vec<u8> {
        let counts = [1, body.records, 0, self.edns.into()];
        let flags = flags(self.recursion_desired, self.checking_disabled, truncated, body.code);
        let mut message = Vec::with_capacity(HEADER + self.wire.len() + body.len() + OPT);
        write_header(&mut message, self.id, flags, counts);
        message.extend_from_slice(&self.wire);
        body.append_to(&mut message, live);
        if self.edns {
            let [high, low] = OUR_ROOM.to_be_bytes();
            message.extend_from_slice(&[0, 0, 41, high, low, body.code.high(), 0, 0, 0, 0, 0]);
        }
        message
    }
}

/// The question, which is not compressed: there is nothing before it that it could point to. Where it ends.
fn query(decoder: &mut BinDecoder<'_>) -> Result<(Query, usize), DecodeError> {
    let query = Query::read(decoder)?;
    let labels: usize = query.name().iter().map(|label| label.len() + 1).sum();
    let end = decoder.index();
    match end == HEADER + labels + 1 + 4 {
        true => Ok((query, end)),
        false => Err(DecodeError::UnrecognizedLabelCode(0xc0)),
    }
}

/// The size and version of EDNS, if the client speaks it. Other additional records are read and left.
fn edns(decoder: &mut BinDecoder<'_>, records: u16) -> Result<Option<(u16, u8)>, DecodeError> {
    let (_, edns, _) = Message::read_records(decoder, records.into(), true, OpCode::Query)?;
    match decoder.is_empty() {
        true => Ok(edns.map(|edns| (edns.max_payload(), edns.version()))),
        false => Err(DecodeError::InsufficientBytes),
    }
}

/// A name as rules spell it: lower case, without the trailing dot. `None` if a label has a byte that none of a host or a
/// service has: a dot within a label would read as two labels.
pub(crate) fn text(name: &Name) -> Option<String> {
    let mut text = String::with_capacity(name.len());
    for label in name.iter() {
        if !text.is_empty() {
            text.push('.');
        }
        for byte in label {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => {
                    text.push(char::from(byte.to_ascii_lowercase()));
                }
                _ => return None,
            }
        }
    }
    Some(text)
}

/// Any name as a person reads it (RFC 1035 section 5.1): for records only, no rule is spelled so.
fn escaped(name: &Name) -> String {
    let mut text = String::with_capacity(name.len());
    for label in name.iter() {
        if !text.is_empty() {
            text.push('.');
        }
        for byte in label {
            match byte {
                b'.' | b'\\' => text.extend(['\\', char::from(*byte)]),
                b'!'..=b'~' => text.push(char::from(byte.to_ascii_lowercase())),
                _ => text.push_str(&format!("\\{byte:03}")),
            }
        }
    }
    if text.is_empty() { ".".to_owned() } else { text }
}

/// An answer without even the question.
fn start(header: &Header, code: ResponseCode, truncated: bool) -> Vec<u8> {
    let mut message = Vec::with_capacity(HEADER);
    let mut flags = flags(header.recursion_desired, header.checking_disabled, truncated, code);
    flags |= u16::from(u8::from(header.op_code)) << 11;
    write_header(&mut message, header.id, flags, [0; 4]);
    message
}

/// RFC 1035 section 4.1.1 and RFC 4035 section 3.2.2: a response, recursion available, what the client set is set again.
/// It is not authoritative, and nothing was authenticated.
fn flags(recursion_desired: bool, checking_disabled: bool, truncated: bool, code: ResponseCode) -> u16 {
    let bit = |set: bool, at: u16| u16::from(set) << at;
    bit(true, 15)
        | bit(truncated, 9)
        | bit(recursion_desired, 8)
        | bit(true, 7)
        | bit(checking_disabled, 4)
        | u16::from(code.low())
}

fn write_header(message: &mut Vec<u8>, id: u16, flags: u16, counts: [u16; 4]) {
    let fields = [id, flags, counts[0], counts[1], counts[2], counts[3]];
    message.extend(fields.into_iter().flat_map(u16::to_be_bytes));
}

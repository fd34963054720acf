//! Records (RFC 8446 section 5.1): one ClientHello out of as many as it is cut into.

use std::borrow::Cow;

use tls_parser::{MAX_RECORD_LEN, TlsHandshakeType, TlsRecordHeader, TlsRecordType, parse_tls_record_header};

use crate::{Fault, MAX_HEAD};

/// The content type of a record that holds handshake messages.
pub(crate) const HANDSHAKE: u8 = TlsRecordType::Handshake.0;
/// Records that a ClientHello may be cut into. Clients use one, and those who want to pass a middlebox a few. The limit
/// makes each look at an unfinished hello cost the same, however it is cut.
pub(crate) const MAX_RECORDS: usize = 64;
/// Bytes of a record's header: type, version, length.
pub(super) const RECORD_HEADER: usize = 5;
/// Bytes of a handshake message's header: type, length.
const MESSAGE_HEADER: usize = 4;

/// A whole ClientHello.
pub(super) struct Message<'a> {
    /// The message without its header.
    pub(super) body: Cow<'a, [u8]>,
    /// The bytes of its records.
    pub(super) bytes: usize,
}

/// Where the pieces of the message lie.
#[derive(Default)]
struct Pieces {
    /// The end of the last whole record.
    end: usize,
    /// Bytes of the message in the whole records.
    length: usize,
    /// The beginning of the message, as far as it has come.
    header: [u8; MESSAGE_HEADER],
    known: usize,
}

/// The ClientHello that `bytes` begin with; `None` while it is not whole.
pub(super) fn client_hello(bytes: &[u8]) -> Result<Option<Message<'_>>, Fault> {
    let mut pieces = Pieces::default();
    for count in 1..=MAX_RECORDS {
        let Some((length, fragment)) = record(&bytes[pieces.end..])? else { return Ok(None) };
        pieces.learn(fragment)?;
        let wanted = pieces.wanted()?;
        if wanted.is_some_and(|wanted| pieces.length + length > wanted) {
            return Err(Fault::AfterHello);
        }
        if fragment.len() < length {
            return Ok(None);
        }
        pieces.end += RECORD_HEADER + length;
        pieces.length += length;
        if wanted == Some(pieces.length) {
            let body = body(&bytes[..pieces.end], count, pieces.length);
            return Ok(Some(Message { body, bytes: pieces.end }));
        }
    }
    Err(Fault::TooManyRecords)
}

/// The length that the next record says it has, and what has come of its content.
fn record(bytes: &[u8]) -> Result<Option<(usize, &[u8])>, Fault> {
    match *bytes {
        [kind, ..] if kind != HANDSHAKE => return Err(Fault::RecordType { kind }),
        [_, major, ..] if major != 3 => return Err(Fault::RecordVersion),
        _ => {}
    }
    let Ok((rest, TlsRecordHeader { len, .. })) = parse_tls_record_header(bytes) else { return Ok(None) };
    if len == 0 || len > MAX_RECORD_LEN {
        return Err(Fault::RecordLength);
    }
    let length = usize::from(len);
    Ok(Some((length, &rest[..rest.len().min(length)])))
}

impl Pieces {
    /// Takes the beginning of the message out of the next fragment.
    fn learn(&mut self, fragment: &[u8]) -> Result<(), Fault> {
        for (slot, byte) in self.header.iter_mut().skip(self.known).zip(fragment) {
            *slot = *byte;
            self.known += 1;
        }
        match self.header[0] {
            kind if self.known > 0 && kind != TlsHandshakeType::ClientHello.0 => {
                Err(Fault::HandshakeType { kind })
            }
            _ => Ok(()),
        }
    }

    /// The bytes of the whole message, header included, once it has said so.
    fn wanted(&self) -> Result<Option<usize>, Fault> {
        if self.known < MESSAGE_HEADER {
            return Ok(None);
        }
        let [_, high, middle, low] = self.header;
        let wanted = MESSAGE_HEADER + u32::from_be_bytes([0, high, middle, low]) as usize;
        if wanted + RECORD_HEADER > MAX_HEAD { Err(Fault::TooLong) } else { Ok(Some(wanted)) }
    }
}

/// The content of whole records, without the message's header. It is copied only if there are several.
fn body(records: &[u8], count: usize, length: usize) -> Cow<'_, [u8]> {
    if count == 1 {
        return Cow::Borrowed(&records[RECORD_HEADER + MESSAGE_HEADER..]);
    }
    let mut message = Vec::with_capacity(length);
    let mut rest = records;
    while let Ok(Some((length, fragment))) = record(rest) {
        message.extend_from_slice(fragment);
        rest = rest.get(RECORD_HEADER + length..).unwrap_or_default();
    }
    Cow::Owned(message.split_off(MESSAGE_HEADER))
}

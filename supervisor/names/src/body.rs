//! The records of an answer as bytes. They are written once, behind the question, so that names in them can point to it;
//! given out with another spelling of the question, whose length is the same, and with the time that is left.

use hickory_proto::ProtoError;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{DNSClass, Name, Record, RecordType};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder};

/// Bytes of a header (RFC 1035 section 4.1.1).
pub(crate) const HEADER: usize = 12;

/// The answer section of one name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) code: ResponseCode,
    pub(crate) records: u16,
    bytes: Box<[u8]>,
    /// Where in `bytes` the time to live of each record stands.
    lives: Box<[usize]>,
}

impl Default for Body {
    /// No error and no records.
    fn default() -> Self {
        Self::empty(ResponseCode::NoError)
    }
}

impl Body {
    /// No records.
    pub(crate) fn empty(code: ResponseCode) -> Self {
        Self { code, records: 0, bytes: Box::default(), lives: Box::default() }
    }

    /// # Errors
    /// More than 65,535 bytes.
    pub(crate) fn write(
        code: ResponseCode,
        question: (&Name, RecordType),
        records: &[Record],
    ) -> Result<Self, ProtoError> {
        let mut bytes = Vec::new();
        let mut encoder = BinEncoder::new(&mut bytes);
        encoder.emit_vec(&[0; HEADER])?;
        question.0.emit(&mut encoder)?;
        question.1.emit(&mut encoder)?;
        DNSClass::IN.emit(&mut encoder)?;
        let start = encoder.len();
        let mut lives = Vec::with_capacity(records.len());
        for record in records {
            lives.push(emit(record, &mut encoder)? - start);
        }
        let count = u16::try_from(records.len()).map_err(|_| ProtoError::Message("too many records"))?;
        let bytes = bytes.split_off(start).into();
        Ok(Self { code, records: count, bytes, lives: lives.into() })
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Appends the records, each with this time to live in seconds.
    pub(crate) fn append_to(&self, message: &mut Vec<u8>, live: u32) {
        let start = message.len();
        message.extend_from_slice(&self.bytes);
        for at in &self.lives {
            message[start + at..start + at + 4].copy_from_slice(&live.to_be_bytes());
        }
    }
}

/// Writes a record (RFC 1035 section 4.1.3); returns where its time to live stands.
fn emit(record: &Record, encoder: &mut BinEncoder<'_>) -> Result<usize, ProtoError> {
    record.name.emit(encoder)?;
    record.record_type().emit(encoder)?;
    DNSClass::IN.emit(encoder)?;
    let life = encoder.len();
    encoder.emit_u32(0)?;
    let length = encoder.place::<u16>()?;
    record.data.emit(encoder)?;
    let written = u16::try_from(encoder.len_since_place(&length))
        .map_err(|_| ProtoError::Message("a record of more than 65,535 bytes"))?;
    length.replace(encoder, written)?;
    Ok(life)
}

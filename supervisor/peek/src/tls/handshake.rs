//! After the first ClientHello: a server may ask for a second one, and that must name the same server.
//!
//! A HelloRetryRequest (RFC 8446 section 4.1.4) is answered by a second ClientHello in plain sight. It should be the first
//! one again, but servers need not compare the names. OpenSSL 3.0 does not: `s_server` that was asked for one name and then
//! for another presents the certificate of the second. Whoever looks at the first hello only is told one name while
//! another is served.

use tls_parser::TlsRecordType;

use super::Hello;
use super::records::{HANDSHAKE, RECORD_HEADER};
use crate::{Fault, Fed};

/// The random of a ServerHello that is a HelloRetryRequest: SHA-256 of "HelloRetryRequest" (RFC 8446 section 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];
/// The type of a ServerHello.
const SERVER_HELLO: u8 = 2;
/// Where the random of a ServerHello stands: after the record's header, the message's header and the version.
const RANDOM: usize = RECORD_HEADER + 4 + 2;
/// Where it ends.
const WHOLE: usize = RANDOM + RETRY.len();

/// Follows a handshake on both sides from the end of the first ClientHello until no other one can follow.
///
/// Give it what the server says with [`Self::from_server`] before it is passed on, and ask [`Self::from_client`] what may
/// be passed on, until it is [`Settled`](Self::is_settled). Then the connection is opaque and may be spliced.
#[derive(Clone, Debug)]
pub struct Handshake {
    server_name: Option<String>,
    stage: Stage,
    /// Bytes of the client's current record that are still to come.
    record: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The server has said too little to tell.
    Asked,
    /// The server wants another ClientHello.
    Again,
    Settled,
    Broken(Fault),
}

impl Handshake {
    /// A handshake whose first ClientHello ([`Hello::bytes`] bytes) is passed on.
    pub fn new(first: &Hello) -> Self {
        Self { server_name: first.server_name.clone(), stage: Stage::Asked, record: 0 }
    }

    /// Whether no other ClientHello can follow, so that nothing has to be looked at any more.
    pub fn is_settled(&self) -> bool {
        self.stage == Stage::Settled
    }

    /// Whether it is still open what the server answers. Until then [`Self::from_server`] must be told.
    pub fn awaits_server(&self) -> bool {
        self.stage == Stage::Asked
    }

    /// What the server says: everything so far. Some 50 bytes are enough.
    pub fn from_server(&mut self, bytes: &[u8]) {
        if self.stage == Stage::Asked {
            self.stage = match after_alert(bytes) {
                Some(bytes) => answer(bytes),
                None => Stage::Asked,
            };
        }
    }

    /// What of the client's bytes may be passed on; `bytes` begins with the first one that is not passed on yet.
    ///
    /// [`Fed::More`] waits for more bytes of the client or of the server. No client sends a handshake message before the
    /// server answered the first one, so nobody waits for long.
    ///
    /// # Errors
    /// [`Fault::OtherName`], and what a ClientHello can have. The fault stays.
    pub fn from_client(&mut self, bytes: &[u8]) -> Result<Fed, Fault> {
        let fed = self.next(bytes);
        if let Err(fault) = fed {
            self.stage = Stage::Broken(fault);
        }
        fed
    }

    fn next(&mut self, bytes: &[u8]) -> Result<Fed, Fault> {
        match (self.stage, bytes) {
            (Stage::Broken(fault), _) => Err(fault),
            (_, []) => Ok(Fed::More),
            (Stage::Settled, _) => Ok(Fed::Pass(bytes.len())),
            _ if self.record > 0 => Ok(self.pass(bytes)),
            (Stage::Asked, [HANDSHAKE, ..]) => Ok(Fed::More),
            (Stage::Again, [HANDSHAKE, ..]) => self.second(bytes),
            _ => self.other_record(bytes),
        }
    }

    /// The rest of a record.
    fn pass(&mut self, bytes: &[u8]) -> Fed {
        let passed = bytes.len().min(self.record);
        self.record -= passed;
        Fed::Pass(passed)
    }

    /// A record that is no handshake: early data, an alert, or the change of ciphers that middleboxes want to see.
    fn other_record(&mut self, bytes: &[u8]) -> Result<Fed, Fault> {
        let kind = TlsRecordType(bytes[0]);
        if !matches!(
            kind,
            TlsRecordType::ChangeCipherSpec | TlsRecordType::Alert | TlsRecordType::ApplicationData
        ) {
            return Err(Fault::RecordType { kind: kind.0 });
        }
        let Some(&[_, _, _, high, low]) = bytes.first_chunk::<RECORD_HEADER>() else { return Ok(Fed::More) };
        self.record = RECORD_HEADER + usize::from(u16::from_be_bytes([high, low]));
        Ok(self.pass(bytes))
    }

    fn second(&mut self, bytes: &[u8]) -> Result<Fed, Fault> {
        let bytes = &bytes[..bytes.len().min(crate::MAX_HEAD)];
        let Some(hello) = super::look(bytes)? else {
            return if bytes.len() == crate::MAX_HEAD { Err(Fault::TooLong) } else { Ok(Fed::More) };
        };
        if hello.server_name != self.server_name {
            return Err(Fault::OtherName);
        }
        self.stage = Stage::Settled;
        Ok(Fed::Pass(hello.bytes))
    }
}

/// What follows on an alert: servers warn before their hello that they do not know the name (RFC 6066 section 3).
fn after_alert(bytes: &[u8]) -> Option<&[u8]> {
    match *bytes {
        [kind, _, _, high, low, ref rest @ ..] if TlsRecordType(kind) == TlsRecordType::Alert => {
            rest.get(usize::from(u16::from_be_bytes([high, low]))..)
        }
        [kind, ..] if TlsRecordType(kind) == TlsRecordType::Alert => None,
        _ => Some(bytes),
    }
}

/// What a server's first handshake message means for the client's next one.
fn answer(bytes: &[u8]) -> Stage {
    let random = &bytes[bytes.len().min(RANDOM)..];
    match *bytes {
        [kind, ..] if kind != HANDSHAKE => Stage::Settled,
        // Cut within its random: nobody does that. Taken for the one that is more to be feared.
        [_, _, _, high, low, ..] if usize::from(u16::from_be_bytes([high, low])) < WHOLE - RECORD_HEADER => {
            Stage::Again
        }
        [_, _, _, _, _, message, ..] if message != SERVER_HELLO => Stage::Settled,
        _ if random.starts_with(&RETRY) => Stage::Again,
        _ if RETRY.starts_with(random) => Stage::Asked,
        _ => Stage::Settled,
    }
}

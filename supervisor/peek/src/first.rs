//! The first bytes: TLS or HTTP, and for whom.

use crate::http::{Head, HeadLines};
use crate::tls::{self, Hello};
use crate::{Fault, MAX_HEAD};

/// What is spoken at a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// TLS from the first byte.
    Tls,
    /// HTTP/1, or TLS: many HTTP ports serve either.
    Http,
}

/// What the bytes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peek {
    /// Nothing yet: wait for more.
    More,
    /// A whole ClientHello.
    Tls(Hello),
    /// A whole head of an HTTP/1 request; the first of the connection. Give the same bytes to [`crate::Requests`].
    Http(Head),
    /// The connection must not be passed on.
    Fault(Fault),
}

/// What the first bytes of a connection say; `bytes` is everything that the client has sent so far.
///
/// Of more than [`MAX_HEAD`] bytes the first [`MAX_HEAD`] count. Whoever asks again whenever a byte came should use
/// [`Peeking`], which looks at no byte of a head twice.
pub fn peek(bytes: &[u8], expect: Expect) -> Peek {
    Peeking::new(expect).look(bytes)
}

/// [`peek`] with a memory: however small the pieces are that bytes come in, the work is linear in the bytes.
#[derive(Clone, Debug)]
pub struct Peeking {
    expect: Expect,
    lines: HeadLines,
}

impl Peeking {
    /// A connection that has said nothing yet.
    pub fn new(expect: Expect) -> Self {
        Self { expect, lines: HeadLines::new() }
    }

    /// What `bytes` say: everything that the client has sent so far, so that each call's bytes begin with the last one's.
    pub fn look(&mut self, bytes: &[u8]) -> Peek {
        let bytes = &bytes[..bytes.len().min(MAX_HEAD)];
        let seen = match bytes.first() {
            None => Ok(None),
            Some(&first) => self.begun(first, bytes),
        };
        match seen {
            Ok(None) if bytes.len() == MAX_HEAD => Peek::Fault(Fault::TooLong),
            Ok(None) => Peek::More,
            Ok(Some(decision)) => decision,
            Err(fault) => Peek::Fault(fault),
        }
    }

    fn begun(&mut self, first: u8, bytes: &[u8]) -> Result<Option<Peek>, Fault> {
        match (first, self.expect) {
            (tls::HANDSHAKE, _) => Ok(tls::look(bytes)?.map(Peek::Tls)),
            (kind @ 20..=24, _) => Err(Fault::RecordType { kind }),
            (0x80.., _) => old_ssl(bytes, self.expect),
            (_, Expect::Tls) => Err(Fault::NotTls),
            (_, Expect::Http) => Ok(self.lines.look(bytes)?.map(Peek::Http)),
        }
    }
}

/// SSL 2 begins with a length whose highest bit is set, and the message type 1 (RFC 5246 appendix E.2).
fn old_ssl(bytes: &[u8], expect: Expect) -> Result<Option<Peek>, Fault> {
    match (bytes.get(2), expect) {
        (None, _) => Ok(None),
        (Some(1), _) => Err(Fault::Ssl2),
        (Some(_), Expect::Tls) => Err(Fault::NotTls),
        (Some(_), Expect::Http) => Err(Fault::NotHttp),
    }
}

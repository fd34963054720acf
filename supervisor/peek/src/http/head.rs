//! One head: request line and fields. httparse reads it; what it lets pass and servers read differently is refused before.

use std::mem::MaybeUninit;

use httparse::{Error, Request, Status};

use super::authority::{Authority, Host};
use super::fields::{After, Body, Fields, MAX_FIELDS};
use super::lines::Lines;
use super::target;
use crate::Fault;
use crate::fault::Speaker;

/// What the head of a request says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Head {
    /// Whom the request is for.
    pub host: Host,
    /// The port next to the host, 1–65535. `None`: the port of the connection's protocol.
    pub port: Option<u16>,
    /// Bytes of the head, the empty line included.
    pub bytes: usize,
    pub(super) body: Body,
    pub(super) after: After,
}

/// Waits for a head that is whole.
#[derive(Clone, Debug)]
pub(crate) struct HeadLines(Lines);

impl HeadLines {
    pub(crate) fn new() -> Self {
        Self(Lines::head())
    }

    /// The head that `bytes` begin with; each call's bytes begin with the last one's.
    pub(crate) fn look(&mut self, bytes: &[u8]) -> Result<Option<Head>, Fault> {
        self.0.end(bytes)?.map(|end| read(&bytes[..end])).transpose()
    }
}

fn read(bytes: &[u8]) -> Result<Head, Fault> {
    let mut headers = [MaybeUninit::uninit(); MAX_FIELDS];
    let mut request = Request::new(&mut []);
    let parsed = request.parse_with_uninit_headers(bytes, &mut headers).map_err(fault)?;
    let (Status::Complete(length), Some(method), Some(target), Some(version)) =
        (parsed, request.method, request.path, request.version)
    else {
        return Err(Fault::RequestLine);
    };
    if length != bytes.len() {
        return Err(Fault::RequestLine);
    }
    let fields = Fields::read(request.headers)?;
    let raw = fields.host.ok_or(Fault::NoHost)?;
    let host = Authority::read(raw).map_err(|why| Fault::Name { speaker: Speaker::HostField, why })?;
    target::check(method, target, &host)?;
    let (body, after) = (fields.body(version)?, fields.after(version));
    Ok(Head { host: host.host, port: host.port, bytes: length, body, after })
}

fn fault(error: Error) -> Fault {
    match error {
        Error::HeaderName | Error::HeaderValue => Fault::Field,
        Error::TooManyHeaders => Fault::TooManyFields,
        Error::Version => Fault::HttpVersion,
        Error::NewLine | Error::Status | Error::Token => Fault::RequestLine,
    }
}

//! A record: who, when, which number, after which record, what.

use std::fmt;
use std::io::{Read, Write};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::body::Body;
use crate::chain::{self, Digest, SealError};
use crate::escape::PlainJson;
use crate::revision::Revision;

/// The version of the record format; the `v` of every line.
pub const VERSION: u64 = 1;

/// What each line of a log starts with.
pub(crate) const LINE_START: &[u8] = b"{\"v\":1,\"time\":\"";

/// One line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// When it was written; UTC, microseconds.
    pub time: Timestamp,
    /// The session that wrote it.
    pub session: SessionId,
    /// Its number in the session, from 1 without gaps.
    pub seq: u64,
    /// The policy under which it was written; absent in what belongs to no policy, and in older logs.
    pub revision: Option<Revision>,
    /// The hash of the line before it.
    pub prev: Digest,
    /// What happened.
    pub body: Body,
    /// Its own hash.
    pub hash: Digest,
}

/// Why a line is not a record.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// The line was changed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The line is not JSON, or lacks a member, or has one that this version does not know.
    #[error("the line is not a record: {0}")]
    Json(#[from] serde_json::Error),
    /// A newer version of mcpguard wrote it.
    #[error("the record has format version {0}; this mcpguard reads version {VERSION}")]
    Version(String),
}

/// The members before the body, in the order of the line. No body has one of these names.
#[derive(Deserialize)]
struct Head {
    time: Timestamp,
    session: SessionId,
    seq: u64,
    #[serde(default)]
    revision: Option<Revision>,
    prev: Digest,
}

impl Record {
    /// Reads a line without its newline, and checks its own hash. Its place in the chain is for [`crate::verify`].
    ///
    /// # Errors
    /// The line was changed, or is not a record of this version.
    pub fn parse(line: &[u8]) -> Result<Self, ParseError> {
        let hash = chain::unseal(line)?;
        let mut members: Map<String, Value> = serde_json::from_slice(line)?;
        members.remove("hash");
        let version = members.remove("v").unwrap_or_default();
        if version != VERSION {
            return Err(ParseError::Version(version.to_string()));
        }
        let mut head = Map::new();
        for name in ["time", "session", "seq", "revision", "prev"] {
            head.extend(members.remove_entry(name));
        }
        let Head { time, session, seq, revision, prev } = serde_json::from_value(Value::Object(head))?;
        let body = serde_json::from_value(Value::Object(members))?;
        Ok(Self { time, session, seq, revision, prev, body, hash })
    }

    /// The line without its newline, byte for byte as [`crate::Log`] wrote it.
    ///
    /// # Errors
    /// None that a record which was read or written can cause.
    pub fn to_line(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut line = Vec::new();
        let Self { time, session, seq, revision, prev, body, hash: _ } = self;
        let place = Place { time: *time, session, seq: *seq, revision: *revision, prev: *prev };
        write_line(&mut line, &place, body)?;
        Ok(line)
    }
}

/// Where a new record stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// When it is written.
    pub time: Timestamp,
    /// The session that it is about.
    pub session: &'a SessionId,
    /// Its number in the session, from 1.
    pub seq: u64,
    /// The policy under which it is written, if it belongs to one.
    pub revision: Option<Revision>,
    /// The hash of the line before it.
    pub prev: Digest,
}

/// Appends the record's line, without newline, to the buffer and gives its hash. For whoever keeps a chain of its own;
/// [`crate::Log`] is the usual way. Cleans nothing: see [`crate::Redact`].
///
/// # Errors
/// The body has no JSON form. Then the buffer may hold a part of the line.
pub fn write_line(buffer: &mut Vec<u8>, at: &Place<'_>, body: &Body) -> Result<Digest, serde_json::Error> {
    let start = buffer.len();
    let Place { time, session, seq, revision, prev } = at;
    buffer.extend_from_slice(LINE_START);
    write!(buffer, "{time:.6}\",\"session\":\"{session}\",\"seq\":{seq}").map_err(serde_json::Error::io)?;
    if let Some(revision) = revision {
        write!(buffer, ",\"revision\":\"{revision}\"").map_err(serde_json::Error::io)?;
    }
    buffer.extend_from_slice(b",\"prev\":\"");
    buffer.extend_from_slice(&prev.hex());
    buffer.push(b'"');
    let joint = buffer.len();
    body.serialize(&mut serde_json::Serializer::with_formatter(&mut *buffer, PlainJson))?;
    // The body is an object with at least `event`: its brace becomes the comma, its closing brace the seal's.
    buffer[joint] = b',';
    buffer.pop();
    Ok(chain::seal(buffer, start))
}

/// The name of a session: 1 to 64 lower-case letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct SessionId(String);

impl SessionId {
    /// A random one: 16 hex digits.
    ///
    /// # Errors
    /// The kernel's random device cannot be read.
    pub fn generate() -> std::io::Result<Self> {
        let mut bytes = [0; 8];
        std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        Ok(Self(format!("{:016x}", u64::from_be_bytes(bytes))))
    }

    /// Takes a name that fits.
    pub fn new(name: impl Into<String>) -> Option<Self> {
        let name = name.into();
        let fits = (1..=64).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        fits.then_some(Self(name))
    }

    /// The name under which the host's log writes about itself. [`Self::generate`] never gives it.
    pub fn host() -> Self {
        Self("host".to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SessionId {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::new(name).ok_or("a session's name has 1 to 64 lower-case letters, digits and hyphens")
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

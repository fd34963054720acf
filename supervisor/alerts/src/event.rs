//! What rules look at: one fact, its fields borrowed from wherever they are.

use audit::{CallRef, Cause, OperationKind};

use crate::kind::{Kind, Layer, Verdict};

/// One fact. It is made from an audit record ([`Event::of`]), or by whoever knows of something that no record tells.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// What kind of record it is.
    pub kind: Kind,
    /// The record's number in its session; 0 where there is no record.
    pub seq: u64,
    /// The session.
    pub session: &'a str,
    /// The server's name; empty where it is not known.
    pub server: &'a str,
    /// Who called.
    pub caller: Option<&'a str>,
    /// The scopes that the caller holds.
    pub scopes: &'a [String],
    /// The tool that it is about.
    pub tool: Option<&'a str>,
    /// Calls that were in flight when it happened: any of them may be what it is about.
    pub in_flight: &'a [CallRef],
    /// How it went; `None` for what is neither done nor refused.
    pub verdict: Option<Verdict>,
    /// What it reached for.
    pub layer: Option<Layer>,
    /// Why it was refused.
    pub cause: Option<Cause>,
    /// What somebody did to a session or to the daemon.
    pub operation: Option<OperationKind>,
    /// The name or address of a host, without its port.
    pub host: Option<&'a str>,
    /// An absolute path, as the record names it.
    pub path: Option<&'a str>,
    /// The program that acted or was to be executed.
    pub program: Option<&'a str>,
    /// How often, where equal facts were put together. 0 counts as 1.
    pub count: u64,
}

impl Event<'_> {
    /// An event of which nothing but its kind is known.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            seq: 0,
            session: "",
            server: "",
            caller: None,
            scopes: &[],
            tool: None,
            in_flight: &[],
            verdict: None,
            layer: None,
            cause: None,
            operation: None,
            host: None,
            path: None,
            program: None,
            count: 1,
        }
    }
}

impl<'a> Event<'a> {
    /// The tools that it may be about.
    pub(crate) fn tools(&self) -> impl Iterator<Item = &'a str> {
        self.tool.into_iter().chain(self.in_flight.iter().map(|call| call.tool.as_str()))
    }

    /// What a person asks for first: the host, path, program or tool.
    pub(crate) fn subject(&self) -> Option<&'a str> {
        self.host.or(self.path).or(self.program).or(self.tools().next())
    }
}

/// What a record does not say itself and the one who reads it knows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin<'a> {
    /// The session.
    pub session: &'a str,
    /// The server's name.
    pub server: &'a str,
    /// The session's caller; a record that names one has the last word.
    pub caller: Option<&'a str>,
    /// The scopes that the caller holds.
    pub scopes: &'a [String],
}

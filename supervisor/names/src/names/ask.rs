//! A client asks.

use hickory_proto::ProtoError;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::DNSClass;

use super::Names;
use crate::addresses::Change;
use crate::pending::Ticket;
use crate::question::{Question, Unreadable};
use crate::rules::Permit;
use crate::{Limit, Transport, Why};

/// What becomes of a client's message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Asked {
    /// The answer, to be given out once the changes are made known. If one could not be: nothing is given out, and
    /// [`Names::unlearn`] is called.
    Answer(Vec<u8>, Vec<Change>),
    /// The message goes to an upstream by UDP; what comes back goes to [`Names::answered`].
    Forward {
        /// Names the question.
        ticket: Ticket,
        /// For the upstream.
        message: Vec<u8>,
    },
    /// Not worth an answer.
    Ignore,
}

/// When a question came, and what goes with it.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) active: u64,
    pub(super) id: u16,
    pub(super) now_ns: u64,
}

/// What a question is answered with instead.
pub(super) struct Refusal {
    code: ResponseCode,
    why: Option<Why>,
}

impl Refusal {
    pub(super) fn refused(why: impl Into<Why>) -> Self {
        Self { code: ResponseCode::Refused, why: Some(why.into()) }
    }

    pub(super) fn failed(limit: Limit) -> Self {
        Self { code: ResponseCode::ServFail, why: Some(limit.into()) }
    }
}

impl From<ProtoError> for Refusal {
    /// A message of ours that cannot be written.
    fn from(_: ProtoError) -> Self {
        Self { code: ResponseCode::ServFail, why: None }
    }
}

impl Names {
    /// A client's message. `active`: the active classes. `id`: a random number, which goes to an upstream and which an
    /// answer of it must carry.
    pub fn ask(&mut self, message: &[u8], transport: Transport, active: u64, id: u16, now_ns: u64) -> Asked {
        let question = match Question::read(message, transport) {
            Ok(question) => question,
            Err(Unreadable::Silence) => return Asked::Ignore,
            Err(Unreadable::Error(answer)) => return Asked::Answer(answer, Vec::new()),
        };
        let found = self
            .permit(&question, active)
            .and_then(|permit| self.look_up(&question, permit, Moment { active, id, now_ns }));
        found.unwrap_or_else(|Refusal { code, why }| {
            if let Some(why) = why {
                self.facts.add(&question.name, why, active);
            }
            Asked::Answer(question.empty(code), Vec::new())
        })
    }

    fn permit(&self, question: &Question, active: u64) -> Result<Permit, Refusal> {
        if question.class != DNSClass::IN {
            return Err(Refusal::refused(Why::Class(question.class.into())));
        }
        if !question.is_host {
            return Err(Refusal::refused(Why::NoHostName));
        }
        self.rules.permit(&question.name, question.kind, active).map_err(|why| {
            match why == Why::Unnamed && self.search.made(&question.name, &self.rules) {
                true => Refusal { code: ResponseCode::NXDomain, why: None },
                false => Refusal::refused(why),
            }
        })
    }
}

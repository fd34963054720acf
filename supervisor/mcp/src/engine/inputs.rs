//! Requests of the server to the client: sampling, elicitation, roots. As messages of their own in the handshake era,
//! embedded in results and task notifications (`inputRequests`) in the modern one.

use super::methods;
use crate::scan::Slot;
use crate::{message::Message, value, words};

/// Which requests of the server the policy lets through.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking {
    pub(super) sampling: bool,
    pub(super) elicitation: bool,
    pub(super) roots: bool,
}

impl Asking {
    /// Whether a message of its own with this method may go to the client; `None` if the protocol has none.
    pub(super) fn request(self, method: &str) -> Option<bool> {
        match method {
            "ping" => Some(true),
            method if methods::SERVER_TASKS.contains(&method) => Some(self.sampling || self.elicitation),
            method => self.embedded(method),
        }
    }

    fn embedded(self, method: &str) -> Option<bool> {
        match method {
            methods::SAMPLING => Some(self.sampling),
            methods::ELICITATION => Some(self.elicitation),
            methods::ROOTS => Some(self.roots),
            _ => None,
        }
    }

    /// The first embedded request of a message that may not go to the client.
    pub(super) fn refused_in(self, message: &Message<'_>) -> Option<String> {
        let nested = |slot| {
            message.raw(slot).filter(|raw| value::is_object(raw)).map(|task| self.refused_in_task(task))
        };
        [Slot::ResultInputRequests, Slot::ParamsInputRequests]
            .into_iter()
            .filter_map(|slot| message.raw(slot))
            .find_map(|raw| self.refused_of(raw))
            .or_else(|| nested(Slot::ResultTask).flatten())
    }

    fn refused_in_task(self, task: &[u8]) -> Option<String> {
        value::members(task).find_map(|(key, raw)| {
            let key: Vec<u8> = value::unescaped(key).collect();
            match key == b"inputRequests" || words::alike(&key, "inputRequests") {
                true => self.refused_of(raw),
                false => None,
            }
        })
    }

    fn refused_of(self, requests: &[u8]) -> Option<String> {
        if !value::is_object(requests) {
            return (requests != b"null").then(|| "inputRequests".to_owned());
        }
        value::members(requests).find_map(|(_, request)| self.refused_one(request))
    }

    /// The method of one embedded request unless it is allowed; what cannot be read is not allowed.
    fn refused_one(self, request: &[u8]) -> Option<String> {
        let ambiguous = || {
            value::members(request)
                .any(|(key, _)| words::alike(&value::unescaped(key).collect::<Vec<_>>(), "method"))
        };
        let method = value::member(request, "method").and_then(value::string).unwrap_or_default();
        (self.embedded(&method) != Some(true) || ambiguous()).then_some(method)
    }
}

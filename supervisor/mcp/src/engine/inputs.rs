//! Requests of the server to the client: sampling, elicitation, roots. As messages of their own in the handshake era,
//! embedded in results and task notifications (`inputRequests`) in the modern one.

use super::items::mistakable;
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
        embedded(message).into_iter().find_map(|requests| self.refused_of(requests))
    }

    fn refused_of(self, requests: &[u8]) -> Option<String> {
        if !value::is_object(requests) {
            return (requests != b"null").then(|| "inputRequests".to_owned());
        }
        value::members(requests).find_map(|(_, request)| self.refused_one(request))
    }

    /// The method of one embedded request unless it is allowed; what cannot be read is not allowed.
    fn refused_one(self, request: &[u8]) -> Option<String> {
        let ambiguous = || mistakable(request, &["method", "params"]).is_some();
        let method = value::member(request, "method").and_then(value::string).unwrap_or_default();
        (self.embedded(&method) != Some(true) || ambiguous()).then_some(method)
    }
}

/// The members of a message that hold requests, as they stand: an object of requests by their names, if it is what it should be.
pub(super) fn embedded<'a>(message: &Message<'a>) -> Vec<&'a [u8]> {
    let own = [Slot::ResultInputRequests, Slot::ParamsInputRequests].into_iter();
    let tasks = [Slot::ResultTask, Slot::ParamsTask].into_iter().filter_map(|slot| message.raw(slot));
    let of_task = tasks.filter(|raw| value::is_object(raw)).flat_map(value::members).filter(|(key, _)| {
        let key: Vec<u8> = value::unescaped(key).collect();
        key == b"inputRequests" || words::alike(&key, "inputRequests")
    });
    own.filter_map(|slot| message.raw(slot)).chain(of_task.map(|(_, requests)| requests)).collect()
}

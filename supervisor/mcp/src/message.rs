//! One JSON-RPC message in its line, and what kind of message it is.

use crate::id::RequestId;
use crate::scan::{Outline, Section, Slot, Whole};
use crate::value;

/// Characters of a method name that are accepted; the longest of the protocol has 40.
const MAX_METHOD: usize = 128;

/// A line that is one JSON text with one reading. Whether it is a JSON-RPC message is judged by the engine.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    line: &'a [u8],
    outline: &'a Outline,
}

impl<'a> Message<'a> {
    pub(crate) fn new(line: &'a [u8], outline: &'a Outline) -> Self {
        Self { line, outline }
    }

    /// The line as it came, without its newline. What is forwarded unchanged is this and `\n`.
    pub fn line(&self) -> &'a [u8] {
        self.line
    }

    pub(crate) fn raw(&self, slot: Slot) -> Option<&'a [u8]> {
        self.outline.raw(self.line, slot)
    }

    pub(crate) fn string(&self, slot: Slot) -> Option<String> {
        self.raw(slot).and_then(value::string)
    }

    pub(crate) fn outline(&self) -> &'a Outline {
        self.outline
    }

    pub(crate) fn has_lookalike(&self, section: Section) -> bool {
        self.outline.has_lookalike(section)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.line.len() as u64
    }

    /// The id if there is a readable one, whatever the rest is.
    pub(crate) fn id(&self) -> Option<RequestId> {
        self.raw(Slot::Id).and_then(RequestId::read)
    }

    pub(crate) fn shape(&self) -> Shape<'a> {
        match self.outline.whole {
            Whole::Object => self.object(),
            Whole::Array => Shape::Batch,
            Whole::Scalar => Shape::Invalid(Invalid::NotAnObject),
        }
    }

    fn object(&self) -> Shape<'a> {
        if self.has_lookalike(Section::Top) {
            return Shape::Invalid(Invalid::Lookalike);
        }
        if self.raw(Slot::Jsonrpc) != Some(br#""2.0""#) {
            return Shape::Invalid(Invalid::Version);
        }
        let id = match self.raw(Slot::Id) {
            None => None,
            Some(raw) => match RequestId::read(raw) {
                None => return Shape::Invalid(Invalid::Id),
                id => id,
            },
        };
        let payload = (self.raw(Slot::Method), self.raw(Slot::Result), self.raw(Slot::Error));
        match (payload, id) {
            ((Some(method), None, None), id) => self.call(method, id),
            ((None, Some(result), None), Some(id)) => Self::response(id, value::is_object(result)),
            ((None, None, Some(error)), Some(id)) => {
                let code = self.raw(Slot::ErrorCode).and_then(value::integer);
                Self::response(id, value::is_object(error) && code.is_some())
            }
            _ => Shape::Invalid(Invalid::Members),
        }
    }

    fn call(&self, method: &'a [u8], id: Option<RequestId>) -> Shape<'a> {
        if !self.raw(Slot::Params).is_none_or(value::is_object_or_null) {
            return Shape::Invalid(Invalid::Params);
        }
        // Every method name of the protocol is plain ASCII. An escape would only hide which one it is.
        let name = method.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
        match name.and_then(|name| std::str::from_utf8(name).ok()).filter(|name| plain(name)) {
            None => Shape::Invalid(Invalid::Method),
            Some(method) => match id {
                Some(id) => Shape::Request { id, method },
                None => Shape::Notification { method },
            },
        }
    }

    fn response(id: RequestId, well_formed: bool) -> Shape<'a> {
        if well_formed { Shape::Response { id } } else { Shape::Invalid(Invalid::Payload) }
    }
}

fn plain(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_METHOD
        && name.bytes().all(|b| b.is_ascii_graphic() && b != b'\\' && b != b'"')
}

/// The kinds of JSON-RPC message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape<'a> {
    Request { id: RequestId, method: &'a str },
    Notification { method: &'a str },
    Response { id: RequestId },
    Batch,
    Invalid(Invalid),
}

/// Why a JSON text is no JSON-RPC message with one reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// JSON-RPC messages are objects.
    #[error("a message must be a JSON object")]
    NotAnObject,
    /// `"jsonrpc"` is not exactly `"2.0"`.
    #[error("`jsonrpc` must be \"2.0\"")]
    Version,
    /// The id is null, fractional, too large or too long.
    #[error("`id` must be a string or an integer of at most 53 bits")]
    Id,
    /// The members do not make a request, a notification or a response, or make more than one of them.
    #[error("not exactly one of request, notification and response")]
    Members,
    /// The method is no plain name.
    #[error("`method` must be a plain name without escapes")]
    Method,
    /// MCP has named parameters only.
    #[error("`params` must be an object")]
    Params,
    /// The result or the error is not an object, or the error has no integer code.
    #[error("a response needs a result object or an error object with an integer code")]
    Payload,
    /// A key that some readers take for a word of the protocol (`Method`, `request_id`).
    #[error("a key that some readers take for a word of the protocol")]
    Lookalike,
    /// The result of a task that the policy keeps from the client, told of the server's own accord.
    #[error("the policy keeps this result of a task from the client")]
    Withheld,
    /// A server gives out a state, or takes back a request, that only the doorman can have given out.
    #[error("states and ids that begin with `mcpguard/` are the doorman's own")]
    Reserved,
    /// An array outside of revision 2025-03-26, an empty one, or one with an element that cannot be judged.
    #[error("batches exist only in protocol revision 2025-03-26 and need judgeable elements")]
    Batch,
}

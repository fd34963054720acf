//! The outline of a message: where the members that the doorman reads stand in the line.

use crate::words;

/// A half-open range of bytes in a line. Empty means absent: no JSON value is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    pub(crate) fn of(self, line: &[u8]) -> &[u8] {
        line.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// The members whose place is recorded. Everything else is only validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Jsonrpc,
    Id,
    Method,
    Params,
    Result,
    Error,
    ParamsName,
    ParamsArguments,
    ParamsMeta,
    ParamsRequestId,
    ParamsTaskId,
    ParamsTask,
    ParamsClientInfo,
    ParamsInputRequests,
    ParamsUri,
    ParamsRef,
    ParamsRequestState,
    ParamsInputResponses,
    ResultTools,
    ResultInputRequests,
    ResultRequestState,
    ResultResultType,
    ResultTask,
    ResultTaskId,
    ResultIsError,
    ResultMeta,
    ResultProtocolVersion,
    ResultServerInfo,
    ErrorCode,
}

impl Slot {
    /// Whether a verdict hangs on this member, so that no reader may find it under another key. The others only
    /// tell facts; servers and clients use keys such as `meta` and `is_error` beside them for their own purposes.
    fn decides(self) -> bool {
        match self {
            Self::Jsonrpc | Self::Id | Self::Method | Self::Params | Self::Result | Self::Error => true,
            Self::ParamsName | Self::ParamsArguments | Self::ParamsRequestId | Self::ParamsTaskId => true,
            Self::ParamsTask | Self::ParamsInputRequests | Self::ParamsUri | Self::ParamsRef => true,
            Self::ResultTools | Self::ResultInputRequests | Self::ResultRequestState | Self::ErrorCode => {
                true
            }
            Self::ParamsMeta | Self::ParamsClientInfo => false,
            Self::ParamsRequestState | Self::ParamsInputResponses => false,
            Self::ResultResultType | Self::ResultTask | Self::ResultTaskId | Self::ResultIsError => false,
            Self::ResultMeta | Self::ResultProtocolVersion | Self::ResultServerInfo => false,
        }
    }
}

const SLOTS: usize = Slot::ErrorCode as usize + 1;

/// The object that a key stands in, as far as the doorman reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Top,
    Params,
    Result,
    Error,
    Other,
}

/// What the line as a whole is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Whole {
    Object,
    Array,
    #[default]
    Scalar,
}

const TOP: &[(&str, Slot)] = &[
    ("jsonrpc", Slot::Jsonrpc),
    ("id", Slot::Id),
    ("method", Slot::Method),
    ("params", Slot::Params),
    ("result", Slot::Result),
    ("error", Slot::Error),
];
const PARAMS: &[(&str, Slot)] = &[
    ("name", Slot::ParamsName),
    ("arguments", Slot::ParamsArguments),
    ("_meta", Slot::ParamsMeta),
    ("requestId", Slot::ParamsRequestId),
    ("taskId", Slot::ParamsTaskId),
    ("task", Slot::ParamsTask),
    ("clientInfo", Slot::ParamsClientInfo),
    ("inputRequests", Slot::ParamsInputRequests),
    ("uri", Slot::ParamsUri),
    ("ref", Slot::ParamsRef),
    ("requestState", Slot::ParamsRequestState),
    ("inputResponses", Slot::ParamsInputResponses),
];
const RESULT: &[(&str, Slot)] = &[
    ("tools", Slot::ResultTools),
    ("inputRequests", Slot::ResultInputRequests),
    ("requestState", Slot::ResultRequestState),
    ("resultType", Slot::ResultResultType),
    ("task", Slot::ResultTask),
    ("taskId", Slot::ResultTaskId),
    ("isError", Slot::ResultIsError),
    ("_meta", Slot::ResultMeta),
    ("protocolVersion", Slot::ResultProtocolVersion),
    ("serverInfo", Slot::ResultServerInfo),
];
const ERROR: &[(&str, Slot)] = &[("code", Slot::ErrorCode)];

impl Section {
    fn words(self) -> &'static [(&'static str, Slot)] {
        match self {
            Self::Top => TOP,
            Self::Params => PARAMS,
            Self::Result => RESULT,
            Self::Error => ERROR,
            Self::Other => &[],
        }
    }

    /// The section that the value of this slot opens when it is an object.
    pub(crate) fn opened_by(slot: Option<Slot>) -> Self {
        match slot {
            Some(Slot::Params) => Self::Params,
            Some(Slot::Result) => Self::Result,
            Some(Slot::Error) => Self::Error,
            _ => Self::Other,
        }
    }
}

/// Where the members of one message stand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outline {
    pub(crate) whole: Whole,
    spans: [Span; SLOTS],
    /// Bit *n*: section *n* has a key that another reader could take for one of the protocol's words.
    lookalikes: u8,
}

impl Outline {
    pub(crate) fn span(&self, slot: Slot) -> Option<Span> {
        Some(self.spans[slot as usize]).filter(|span| span.end > 0)
    }

    /// The raw JSON of a member, if it is present.
    pub(crate) fn raw<'a>(&self, line: &'a [u8], slot: Slot) -> Option<&'a [u8]> {
        self.span(slot).map(|span| span.of(line))
    }

    pub(super) fn set(&mut self, slot: Slot, span: Span) {
        self.spans[slot as usize] = span;
    }

    /// The slot of a key in a section; remembers keys that only look like a word of the protocol.
    pub(super) fn slot(&mut self, section: Section, key: &[u8]) -> Option<Slot> {
        let words = section.words();
        if let Some((_, slot)) = words.iter().find(|(word, _)| word.as_bytes() == key) {
            return Some(*slot);
        }
        if words.iter().any(|(word, slot)| slot.decides() && words::alike(key, word)) {
            self.lookalikes |= 1 << section as u8;
        }
        None
    }

    pub(crate) fn has_lookalike(&self, section: Section) -> bool {
        self.lookalikes & (1 << section as u8) != 0
    }
}

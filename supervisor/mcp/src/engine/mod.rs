//! The engine: judges each message of a session. See [`Engine`].

mod access;
mod again;
mod answer;
mod approvals;
mod arguments;
mod blocked;
mod caller;
mod calls;
mod client;
mod content;
mod elicited;
mod flight;
mod flood;
mod in_flight;
mod inputs;
mod items;
mod listing;
mod methods;
mod negotiation;
mod pins;
mod rates;
mod refusal;
mod responses;
mod revise;
mod rounds;
mod rulebook;
mod schemas;
mod server;
mod structured;
mod tasks;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Instant;

use policy::plan::{
    AccessPlan, ApprovalsPlan, ClassId, ClassMask, OnViolation, ResponsesPlan, Rule, RuleId, SessionPlan,
};

use crate::fact::{Ending, Fact, Outcome, Refusal, Side};
use crate::frames::Frame;
use crate::id::RequestId;
use crate::judgement::{Forward, Judgement};
use crate::message::{Invalid, Message, Shape};
use crate::orders::{Orders, Surroundings};
use crate::scan::{Outline, Scanner};
use crate::screen::Screen;
use crate::value;

pub use approvals::{Decision, HeldCall, Undecided};
use arguments::Arguments;
pub use caller::Caller;
use flight::Flight;
use flood::Flood;
pub use in_flight::CallInFlight;
use inputs::Asking;
use items::ItemRules;
use negotiation::Session;
pub use pins::Pinning;
use pins::Pins;
use rates::{Bucket, ToolBuckets};
use rulebook::Rulebook;
use schemas::Schemas;
use tasks::Tasks;

/// Judges the messages of one session.
///
/// Feed it every frame of both directions in the order of arrival, and call [`Self::expire`] when the moment of
/// [`Self::deadline`] has come; the answers of `deadline` and [`Self::active`] change with each of these calls.
/// It has no clock and does no I/O. Time must not run backwards between calls.
pub struct Engine {
    rules: Rulebook,
    arguments: Arguments,
    schemas: Schemas,
    screen: Screen,
    items: ItemRules,
    /// What of the server is pinned.
    pins: Option<Pins>,
    /// Tools that are closed for what the server tells of them: what was found, and the rule.
    poisoned: BTreeMap<String, (String, RuleId)>,
    access: AccessPlan,
    approvals: ApprovalsPlan,
    /// The client says that its person can be asked.
    client_can_be_asked: bool,
    /// Questions of the doorman's own to the client, each about a held call.
    questions: BTreeMap<RequestId, RequestId>,
    limits: Limits,
    asking: Asking,
    extra_methods: BTreeSet<String>,
    on_refusal: OnViolation,
    session: Session,
    flight: Flight,
    /// Requests of the server that the client has not answered yet.
    server_requests: BTreeSet<RequestId>,
    tasks: Tasks,
    session_bucket: Bucket,
    tool_buckets: ToolBuckets,
    client_flood: Flood,
    server_flood: Flood,
    /// The number of the last call.
    seq: u64,
    /// For the elements of batches.
    scanner: Scanner,
}

/// Numbers that hold for the whole session.
struct Limits {
    calls_per_minute: Option<u32>,
    throttle: bool,
    calls_at_once: u32,
    /// Also the bytes that waiting calls may hold.
    message_bytes: u64,
    answer_bytes: Option<u64>,
    /// Structured answers must fit the tool's schema: the rule.
    output_schema: Option<RuleId>,
}

/// What holds for every message, whatever the tool.
fn of_the_session(session: SessionPlan, responses: &ResponsesPlan) -> (Limits, Asking, BTreeSet<String>) {
    // Every field is named: one that is added to the plan must be enforced here or left to another layer on purpose.
    let SessionPlan {
        max_requests_per_minute,
        throttle,
        max_message_bytes,
        max_concurrent_calls,
        extra_methods,
        sampling,
        elicitation,
        roots,
    } = session;
    let ResponsesPlan {
        max_bytes,
        validate_output_schema,
        // Looked at by `items`.
        max_items: _,
        max_depth: _,
        media_types: _,
        links: _,
    } = responses;
    let limits = Limits {
        calls_per_minute: max_requests_per_minute,
        throttle,
        calls_at_once: max_concurrent_calls,
        message_bytes: max_message_bytes,
        answer_bytes: *max_bytes,
        output_schema: *validate_output_schema,
    };
    let extra = extra_methods.into_iter().filter(|method| !methods::is_protocol(method)).collect();
    (limits, Asking { sampling, elicitation, roots }, extra)
}

/// What an element of a batch is. `initialize` is none (MCP 2025-03-26, "Lifecycle": it must not be part of a batch).
fn element_shape<'a>(element: &Message<'a>) -> Shape<'a> {
    match element.shape() {
        Shape::Request { method: "initialize", .. } => Shape::Invalid(Invalid::Batch),
        shape => shape,
    }
}

impl Engine {
    /// An engine for a new session of this caller. `rules` are those of the plan, so that refusals can say which rule it was
    /// and where it stands.
    pub fn new(orders: Orders, rules: &[Rule], caller: Caller, surroundings: &Surroundings) -> Self {
        let Orders { tools, access, approvals, session, responses, content, pins, on_refusal } = orders;
        let (limits, asking, extra_methods) = of_the_session(session, &responses);
        Self {
            arguments: Arguments::new(&tools, Rc::clone(&surroundings.tree)),
            rules: Rulebook::new(tools, caller, rules),
            schemas: Schemas::default(),
            screen: Screen::new(content, surroundings),
            items: ItemRules::new(responses, Rc::clone(&surroundings.tree)),
            pins: pins.zip(surroundings.pinning.clone()).map(|(plan, pinning)| Pins::new(plan, pinning)),
            poisoned: BTreeMap::new(),
            access,
            approvals,
            client_can_be_asked: false,
            questions: BTreeMap::new(),
            limits,
            asking,
            extra_methods,
            on_refusal,
            session: Session::default(),
            flight: Flight::default(),
            server_requests: BTreeSet::new(),
            tasks: Tasks::default(),
            session_bucket: Bucket::default(),
            tool_buckets: ToolBuckets::default(),
            client_flood: Flood::default(),
            server_flood: Flood::default(),
            seq: 0,
            scanner: Scanner::new(),
        }
    }

    /// Judges a line of the client.
    pub fn from_client(&mut self, frame: &Frame<'_>, now: Instant) -> Judgement {
        self.judge(Side::Client, frame, now)
    }

    /// Judges a line of the server.
    pub fn from_server(&mut self, frame: &Frame<'_>, now: Instant) -> Judgement {
        self.judge(Side::Server, frame, now)
    }

    /// When [`Self::expire`] has to be called next.
    pub fn deadline(&self) -> Option<Instant> {
        self.flight.deadline()
    }

    /// Ends the calls whose time is up: an error to the client, a cancellation to the server, no grants any more.
    pub fn expire(&mut self, now: Instant) -> Judgement {
        let mut out = Judgement::default();
        while let Some(id) = self.flight.expired(now) {
            self.time_out(id, now, &mut out);
        }
        self.flight.come(now);
        self.start_waiting(now, &mut out);
        out
    }

    /// The grant classes that are active: class 0 and those of the calls at the server.
    pub fn active(&self) -> ClassMask {
        self.flight.active()
    }

    /// How many calls of a class have gone to the server so far, and how many of them are there now.
    pub fn calls_of(&self, class: ClassId) -> (u64, u32) {
        self.flight.calls_of(class)
    }

    /// The number of the last call that was admitted or waits; 0 before the first.
    pub fn last_call(&self) -> u64 {
        self.seq
    }

    /// The session has ended: what became of the calls that were open.
    pub fn finish(&mut self, why: Ending, now: Instant) -> Vec<Fact> {
        let mut out = Judgement::default();
        for id in self.flight.open_calls() {
            self.close_call(&id, Outcome::Lost(why), Refusal::SessionEnded, now, &mut out);
        }
        out.facts.extend(self.client_flood.rest());
        out.facts.extend(self.server_flood.rest());
        out.facts
    }

    fn judge(&mut self, side: Side, frame: &Frame<'_>, now: Instant) -> Judgement {
        let mut out = Judgement::default();
        out.forward = match (side, frame) {
            (_, Frame::Message(message)) => self.message(side, message, now, &mut out),
            (Side::Client, Frame::Malformed { reason, excerpt, bytes, id }) => {
                self.malformed_from_client(*reason, excerpt, *bytes, id.as_ref(), now, &mut out)
            }
            (Side::Server, Frame::Malformed { reason, excerpt, bytes, id }) => {
                self.malformed_from_server(*reason, excerpt, *bytes, id.as_ref(), now, &mut out)
            }
        };
        self.start_waiting(now, &mut out);
        out
    }

    fn message(&mut self, side: Side, message: &Message<'_>, now: Instant, out: &mut Judgement) -> Forward {
        match message.shape() {
            Shape::Batch => self.batch(side, message, now, out),
            shape => self.single(side, message, shape, now, out),
        }
    }

    fn single(
        &mut self,
        side: Side,
        message: &Message<'_>,
        shape: Shape<'_>,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        match (side, shape) {
            (Side::Client, Shape::Request { id, method }) => {
                self.client_request(id, method, message, now, out)
            }
            (Side::Client, Shape::Notification { method }) => {
                self.client_notification(method, message, now, out)
            }
            (Side::Client, Shape::Response { id }) => self.client_response(id, message, now, out),
            (Side::Client, Shape::Invalid(reason)) => self.invalid_from_client(message, reason, now, out),
            (Side::Client, Shape::Batch) => self.invalid_from_client(message, Invalid::Batch, now, out),
            (Side::Server, Shape::Request { id, method }) => {
                self.server_request(id, method, message, now, out)
            }
            (Side::Server, Shape::Notification { method }) => {
                self.server_notification(method, message, now, out)
            }
            (Side::Server, Shape::Response { id }) => self.server_response(id, message, now, out),
            (Side::Server, Shape::Invalid(reason)) => self.invalid_from_server(message, reason, now, out),
            (Side::Server, Shape::Batch) => self.invalid_from_server(message, Invalid::Batch, now, out),
        }
    }

    /// A batch of revision 2025-03-26: each element is judged like a message of its own, and what passes goes on as a
    /// batch. A batch with an element that is no object cannot be judged and is refused whole.
    fn batch(&mut self, side: Side, message: &Message<'_>, now: Instant, out: &mut Judgement) -> Forward {
        let elements = self.session.has_batches().then(|| self.outlines(message.line())).flatten();
        let Some(elements) = elements.filter(|elements| !elements.is_empty()) else {
            return self.single(side, message, Shape::Batch, now, out);
        };
        let mut passed: Vec<Vec<u8>> = Vec::new();
        let mut changed = false;
        for (line, outline) in &elements {
            let element = Message::new(line, outline);
            match self.single(side, &element, element_shape(&element), now, out) {
                Forward::Unchanged => passed.push(line.to_vec()),
                Forward::Rewritten(line) => {
                    changed = true;
                    passed.push(line);
                }
                Forward::Nothing => changed = true,
            }
        }
        match (changed, passed.is_empty()) {
            (false, _) => Forward::Unchanged,
            (true, true) => Forward::Nothing,
            (true, false) => Forward::Rewritten([&b"["[..], &passed.join(&b','), b"]"].concat()),
        }
    }

    /// The elements of a batch, each scanned on its own; `None` if one is no object.
    fn outlines<'a>(&mut self, batch: &'a [u8]) -> Option<Vec<(&'a [u8], Outline)>> {
        let batch = batch.trim_ascii();
        let scan = |line| {
            let outline = self.scanner.whole(line).ok()?;
            value::is_object(line).then_some((line, outline))
        };
        value::elements(batch).map(scan).collect()
    }
}

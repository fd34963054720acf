//! The session's way out to names: its resolver and proxy, and what they refused, for the journal and for the answer of
//! the call that it stopped.

use std::cell::{Cell, RefCell};
use std::io;
use std::time::{Duration, Instant};

use audit::{Action, Body, CallRef, Cause, Denial, Layer, Lost, LostKind};
use mcp::{CallInFlight, Engine};
use policy::Plan;
use policy::plan::{NetworkPlan, Rule};

use super::kernel::{Demand, Kernel};
use super::start::Server;
use super::translate::rule_ref;
use crate::egress::{By, DoorsOpen, Ready, Refused, Teach, Teller, Told, WayOut};

/// Different refusals in one batch.
const DISTINCT: usize = 64;

/// The shortest time between two batches.
const PAUSE: Duration = Duration::from_millis(50);

/// Refusals that are heard before others get their turn.
const TURN: usize = 1024;

/// A refusal, how often it happened, and the calls that were in flight when it was first heard.
struct Counted {
    refused: Refused,
    count: u64,
    calls: Vec<CallInFlight>,
}

/// What was refused on the way out; nothing where the policy allows no domains.
pub(super) struct Outside {
    /// Ends with the session.
    way: Option<WayOut>,
    told: RefCell<Told>,
    waiting: RefCell<Vec<Counted>>,
    crowded_out: Cell<u64>,
    due: Cell<Option<Instant>>,
    last: Cell<Option<Instant>>,
    rules: RefCell<Vec<Rule>>,
}

impl Outside {
    /// Starts serving at the doors that the server is led to.
    ///
    /// # Errors
    /// The thread cannot be started, or nobody decides about the session's addresses.
    pub(super) fn start(
        doors: Option<DoorsOpen>,
        plan: &Plan,
        server: &Server,
        (teller, told): (Teller, Told),
    ) -> io::Result<Self> {
        // Where nobody leads the server to the doors (a degraded start), nobody comes.
        let way = match (doors, server.guard.egress()) {
            (Some(doors), Some(backend)) => Some(WayOut::start(doors, &plan.network, backend, teller)?),
            _ => None,
        };
        Ok(Self {
            way,
            told: RefCell::new(told),
            waiting: RefCell::default(),
            crowded_out: Cell::new(0),
            due: Cell::new(None),
            last: Cell::new(None),
            rules: RefCell::new(plan.rules.clone()),
        })
    }

    /// Gets the way out ready for another policy, if there is one; see [`WayOut::revise`].
    pub(super) fn revise(
        &self,
        plan: &NetworkPlan,
        stamp: u8,
        teach: Teach,
    ) -> Result<Option<Ready>, String> {
        self.way.as_ref().map(|way| way.revise(plan, stamp.into(), teach)).transpose()
    }

    /// Tells by its rules from now on.
    pub(super) fn follow(&self, plan: &Plan) {
        self.rules.replace(plan.rules.clone());
    }

    /// Hears what has been refused so far; failed calls at the server will tell of it.
    pub(super) fn hear(&self, mut engine: Option<&mut Engine>, kernel: &Kernel) -> Option<Demand> {
        let mut told = self.told.borrow_mut();
        let mut demand = None;
        for _ in 0..TURN {
            let Some(refused) = told.now() else { break };
            let calls = engine.as_ref().map(|engine| engine.in_flight()).unwrap_or_default();
            if let Some(engine) = engine.as_mut().filter(|_| !calls.is_empty()) {
                engine.blocked(&sentence(&refused));
            }
            demand = demand.or_else(|| kernel.refused(&refused.detail, refused.over_limit, Instant::now()));
            self.add(refused, calls);
        }
        demand
    }

    /// The next host that was reached since this was asked last.
    pub(super) fn reached(&self) -> Option<String> {
        self.told.borrow_mut().reached()
    }

    fn add(&self, refused: Refused, calls: Vec<CallInFlight>) {
        let now = Instant::now();
        if self.due.get().is_none() {
            // The first one after a quiet time is due at once.
            self.due.set(Some(self.last.get().map_or(now, |last| now.max(last + PAUSE))));
        }
        let mut waiting = self.waiting.borrow_mut();
        if let Some(known) = waiting.iter_mut().find(|known| known.refused == refused && known.calls == calls)
        {
            known.count += 1;
        } else if waiting.len() < DISTINCT {
            waiting.push(Counted { refused, count: 1, calls });
        } else {
            self.crowded_out.set(self.crowded_out.get() + 1);
        }
    }

    /// Waits until there is something to hear or to write.
    pub(super) async fn stir(&self) {
        let due = async {
            match self.due.get() {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        // Borrowed for a moment at a time: others hear meanwhile.
        let ready = std::future::poll_fn(|context| self.told.borrow_mut().poll_ready(context));
        tokio::select! {
            () = due => {}
            () = ready => {}
        }
    }

    /// The records that are due.
    pub(super) fn records(&self, now: Instant, all: bool) -> Vec<Body> {
        if !all && self.due.get().is_none_or(|due| due > now) {
            return Vec::new();
        }
        self.due.set(None);
        self.last.set(Some(now));
        let mut records: Vec<Body> =
            self.waiting.borrow_mut().drain(..).map(|counted| self.record(counted)).collect();
        let lost = self.told.borrow().lost();
        let count = self.crowded_out.take() + lost;
        if count > 0 {
            let reason =
                Some("refused look-ups and connections, more than are written down at once".to_owned());
            records.push(Body::Lost(Lost { count, kind: LostKind::Refusals, reason }));
        }
        records
    }

    fn record(&self, Counted { refused, count, calls }: Counted) -> Body {
        let Refused { by, what, detail, reason, rule, over_limit, process } = refused;
        Body::Denial(Denial {
            layer: match by {
                By::Resolver => Layer::Resolver,
                By::Proxy => Layer::Proxy,
                By::Gate => Layer::Seccomp,
            },
            cause: if over_limit { Cause::Rate } else { Cause::Network },
            what,
            detail: Some(detail),
            action: Action::Denied,
            rule: rule.and_then(|id| self.rules.borrow().get(id.0 as usize).map(rule_ref)),
            reason: Some(reason),
            process: process.map(super::translate::process),
            calls: calls.into_iter().map(|call| CallRef { call: call.seq, tool: call.tool }).collect(),
            count,
            limit: None,
        })
    }
}

/// The sentence for the answer to the client.
fn sentence(refused: &Refused) -> String {
    format!("{} ({})", refused.detail, refused.reason)
}

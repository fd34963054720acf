//! What the kernel does for the session while it runs: the grants that follow the calls, what was denied, the limits that
//! were reached, and the proof, again and again, that the guard denies.
//!
//! ```text
//! engine.active() ──store──► mapped page ──► eBPF programs ──ring──► hear ──► batch ──► journal
//!                                                                     └─► engine.blocked: the failed call's answer
//! ```

mod batch;
mod budgets;
mod ground;
mod limits;
mod proof;
mod repeated;
mod revise;
mod tell;

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use abi::{EventKind, Reason};
use audit::{Action, Body, Cause};
use enforce::{Egress, KernelEvent, Pid};
use mcp::Engine;
use policy::Plan;
use policy::plan::{Consequence, OnViolation, ViolationKind};
use tokio::io::unix::AsyncFd;

use super::start::Server;
use super::stdio::polled;
use batch::Batch;
use budgets::Budgets;
use ground::{Ground, Heard};
use limits::Limits;
use proof::Proofs;
use repeated::Repetition;
use tell::Rules;
pub(crate) use tell::{because, denial};

/// Events that are heard before others get their turn.
const TURN: usize = 1024;

/// The descriptor that is readable when there are events.
struct Bell(OwnedFd);

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Bell {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// The kernel's part of one session; empty where mcpguard does not run as root.
pub(super) struct Kernel {
    ground: Option<RefCell<Ground>>,
    /// What else is to be written down.
    told: RefCell<Vec<Body>>,
    /// Whoever decides about addresses, if anybody does.
    gate: Option<Arc<dyn Egress>>,
    budgets: RefCell<Budgets>,
    bell: Option<RefCell<AsyncFd<Bell>>>,
    rules: RefCell<Rules>,
    /// Mask and call that were stored last.
    followed: Cell<(u64, u64)>,
    batch: RefCell<Batch>,
    repetition: RefCell<Option<Repetition>>,
    limits: RefCell<Limits>,
    proofs: RefCell<Proofs>,
    kills: Cell<[bool; 3]>,
    /// The server's process.
    server: Pid,
}

/// What must be done about what was heard.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// The session ends.
    End(String),
    /// The session is frozen.
    Freeze(String),
}

impl Kernel {
    /// Takes over what root's layers have of the session.
    pub(super) fn of(server: &mut Server, plan: &Plan, canary: Duration) -> io::Result<Self> {
        let own = server.guard.enclosure().map(|enclosure| Ground::Own(Box::new(enclosure)));
        let hosted =
            server.hosted.take().map(|hosted| hosted.listen().map(|()| Ground::Hosted(Box::new(hosted))));
        let ground = own.map(Ok).or(hosted).transpose()?;
        let bell = match ground.as_ref().and_then(Ground::bell) {
            Some(bell) => Some(RefCell::new(polled(Bell(bell.try_clone_to_owned()?))?)),
            None => None,
        };
        let proofs = RefCell::new(Proofs::new(ground.as_ref().and_then(Ground::own), canary));
        let kills = |kind: OnViolation| kind == OnViolation::Kill;
        Ok(Self {
            ground: ground.map(RefCell::new),
            told: RefCell::default(),
            gate: server.guard.egress(),
            budgets: RefCell::new(Budgets::of(plan)),
            bell,
            rules: RefCell::new(Rules::of(plan)),
            followed: Cell::new((1, 0)),
            batch: RefCell::default(),
            repetition: RefCell::new(plan.on_violation.repeated.map(Repetition::new)),
            limits: RefCell::new(Limits::of(plan)),
            proofs,
            kills: Cell::new(
                [plan.on_violation.file, plan.on_violation.network, plan.on_violation.exec].map(kills),
            ),
            server: server.guard.pid(),
        })
    }

    /// Whoever decides about addresses.
    pub(super) fn gate(&self) -> Option<Arc<dyn Egress>> {
        self.gate.clone()
    }

    /// Makes the grants and the budgets those of the calls at the server.
    pub(super) fn follow(&self, engine: &Engine) {
        let gate = self.gate.as_deref();
        if let Some(gate) = gate {
            self.budgets.borrow_mut().begin(engine, gate);
        }
        self.open(engine);
        if let Some(gate) = gate {
            self.budgets.borrow_mut().end(engine, gate);
        }
    }

    /// One store, and none if nothing has changed.
    fn open(&self, engine: &Engine) {
        let now = (engine.active().bits(), engine.last_call());
        if self.followed.get() == now {
            return;
        }
        if let Some(ground) = &self.ground {
            ground.borrow().follow(now.0, now.1);
        }
        if let Some(gate) = &self.gate {
            gate.follow(now.0, now.1);
        }
        self.followed.set(now);
    }

    /// Hears what has been denied so far; failed calls at the server will tell of it. No system call if there is nothing.
    pub(super) fn hear(&self, engine: &mut Engine) -> Option<Demand> {
        self.listen(Some(engine)).1
    }

    /// The same where no call is ever in flight.
    pub(super) fn hear_alone(&self) -> Option<Demand> {
        self.listen(None).1
    }

    /// Hears everything that is left, once nobody can cause more.
    pub(super) fn hear_out(&self) {
        while self.listen(None).0 {}
    }

    /// Up to a turn's worth of events; whether there may be more, and what they demand.
    fn listen(&self, mut engine: Option<&mut Engine>) -> (bool, Option<Demand>) {
        let Some(ground) = &self.ground else { return (false, None) };
        let mut ground = ground.borrow_mut();
        ground.catch_up();
        let Some(first) = ground.hear() else { return (false, None) };
        let mut first = Some(first);
        let calls = engine.as_ref().map(|engine| engine.in_flight()).unwrap_or_default();
        let now = Instant::now();
        let mut demand = None;
        for _ in 0..TURN {
            // Only what is dealt with in this turn is taken out.
            let event = match first.take().or_else(|| ground.hear()) {
                None => return (false, demand),
                Some(Heard::Event(event)) => event,
                Some(Heard::Told(body)) => {
                    self.told.borrow_mut().push(body);
                    continue;
                }
                Some(Heard::Over(why)) => return (false, demand.or(Some(Demand::End(why)))),
            };
            if !self.proofs.borrow_mut().is_canary(&event) {
                demand = demand.or_else(|| self.demands(&event, now));
                if let Some(engine) = engine.as_mut().filter(|_| !calls.is_empty()) {
                    engine.blocked(&self.rules.borrow().sentence(&event));
                }
                self.batch.borrow_mut().add(event.clone(), &calls, now);
            }
        }
        (true, demand)
    }

    /// What the policy wants to happen because something was refused on the way out to the network.
    /// A rate slows down and does not kill by itself.
    pub(super) fn refused(&self, attempt: &str, over_limit: bool, now: Instant) -> Option<Demand> {
        if self.kills.get()[1] && !over_limit {
            return Some(Demand::End(attempt.to_owned()));
        }
        self.too_many(attempt, now)
    }

    /// What the policy wants to happen because of one event.
    fn demands(&self, event: &KernelEvent, now: Instant) -> Option<Demand> {
        let attempt = tell::attempt(event);
        // A rate slows down, and an error of ours is nobody's fault: neither kills by itself (`verdict::action`).
        let kills =
            self.kills.get()[kind_of(event)] && !matches!(event.reason, Reason::Rate | Reason::Internal);
        if event.action == abi::Action::Killed || kills {
            return Some(Demand::End(attempt));
        }
        self.too_many(&attempt, now)
    }

    /// Counts a denial; what it leads to if there were too many.
    fn too_many(&self, attempt: &str, now: Instant) -> Option<Demand> {
        let mut repetition = self.repetition.borrow_mut();
        match repetition.as_mut()?.count(now)? {
            Consequence::Freeze => Some(Demand::Freeze(format!("too many denials, the last one: {attempt}"))),
            Consequence::Kill => Some(Demand::End(format!("too many denials, the last one: {attempt}"))),
        }
    }

    /// Waits until there is something to hear, to write or to prove.
    pub(super) async fn stir(&self) {
        let due = self.batch.borrow().due();
        let (rings, timer) = (self.rings(), self.timer(due));
        tokio::select! {
            () = rings => {}
            () = timer => {}
        }
    }

    #[expect(clippy::await_holding_refcell_ref, reason = "only this future uses the bell")]
    async fn rings(&self) {
        let Some(bell) = &self.bell else { return std::future::pending().await };
        let mut bell = bell.borrow_mut();
        match bell.readable_mut().await {
            Ok(mut ready) => ready.clear_ready(),
            Err(_) => std::future::pending().await,
        }
    }

    async fn timer(&self, due: Option<Instant>) {
        let next =
            [due, self.limits.borrow().next(), self.proofs.borrow().next()].into_iter().flatten().min();
        let told = (!self.told.borrow().is_empty()).then(Instant::now);
        match told.or(next).filter(|_| self.ground.is_some()) {
            Some(at) => tokio::time::sleep_until(at.into()).await,
            None => std::future::pending().await,
        }
    }

    /// The records that are due: denials, what the ring had no room for, limits that were reached.
    pub(super) fn records(&self, now: Instant, all: bool) -> Vec<Body> {
        let Some(ground) = &self.ground else { return Vec::new() };
        let mut ground = ground.borrow_mut();
        let rules = self.rules.borrow();
        let mut records: Vec<Body> = self.told.take();
        if all || self.batch.borrow().due().is_some_and(|due| due <= now) {
            let (counted, crowded_out) = self.batch.borrow_mut().take(now);
            records.extend(counted.iter().map(|counted| Body::Denial(rules.denial(counted))));
            records.extend(tell::crowded_out(&crowded_out));
            records.extend(ground.dropped());
        }
        records.extend(self.limits.borrow_mut().records(&ground, &rules, now, all));
        records
    }

    /// Starts, watches and judges the canary; an error says which proof failed.
    pub(super) fn prove(&self, now: Instant) -> Result<(), String> {
        let Some(ground) = &self.ground else { return Ok(()) };
        let mut ground = ground.borrow_mut();
        ground.own_mut().map_or(Ok(()), |enclosure| self.proofs.borrow_mut().go_on(enclosure, now))
    }

    /// The record of a frozen session.
    pub(super) fn frozen(&self, why: &str) -> Body {
        self.rules.borrow().about_the_session(Cause::Repeated, Action::Frozen, why)
    }

    /// The record of a proof that failed.
    pub(super) fn unproven(&self, failed: &str) -> Body {
        self.rules.borrow().about_the_session(Cause::Proof, Action::Killed, failed)
    }

    /// Stops every process of the session where it stands.
    pub(super) fn freeze(&self) -> Result<(), String> {
        match &self.ground {
            Some(ground) => ground.borrow().freeze(),
            None => Err("the session has no control group".to_owned()),
        }
    }

    /// Ends everything in the session's control group.
    pub(super) fn kill(&self) -> Result<(), String> {
        match &self.ground {
            Some(ground) => ground.borrow().kill(),
            None => Ok(()),
        }
    }
}

/// Which key of `on_violation` an event belongs to: the index in [`Kernel::kills`].
fn kind_of(event: &KernelEvent) -> usize {
    let kind = match event.kind {
        EventKind::Connect | EventKind::Send | EventKind::Bind | EventKind::Socket => ViolationKind::Network,
        EventKind::Unix | EventKind::Packet => ViolationKind::Network,
        EventKind::Exec | EventKind::MapCode => ViolationKind::Exec,
        _ => ViolationKind::File,
    };
    match kind {
        ViolationKind::Network => 1,
        ViolationKind::Exec => 2,
        _ => 0,
    }
}

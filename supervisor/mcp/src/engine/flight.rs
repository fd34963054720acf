//! Requests in flight: from the client to the server, one answer each, and the grants that follow them.
//!
//! A call's grant class is active from the moment it goes to the server until its answer comes, it is cancelled, or
//! it times out. A server may still be working on a cancelled call; its grants are gone nevertheless, at once: what
//! nobody waits for needs no rights. The late answer finds no open request and is dropped.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use policy::plan::{Approval, ClassId, ClassMask, MAX_CLASSES, RuleId};

use super::answer::Form;
use super::blocked::Blocked;
use crate::fact::Peer;
use crate::id::RequestId;
use crate::scan::Span;

/// Ids of cancelled and timed-out requests that are remembered.
const MAX_SETTLED: usize = 1024;

/// One open request of the client.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) method: Box<str>,
    pub(super) arrived: Instant,
    pub(super) deadline: Option<Instant>,
    /// The protocol version that the request itself names (2026-07-28 on).
    pub(super) version: Option<String>,
    /// What the client says about itself in this request.
    pub(super) client: Option<Peer>,
    /// Whether it asks for another page than the first.
    pub(super) cursor: bool,
    pub(super) call: Option<Call>,
}

/// What is more about an open request that is a tool call or goes on with one.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) seq: u64,
    pub(super) tool: String,
    pub(super) rule: RuleId,
    pub(super) class: ClassId,
    pub(super) exclusive: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) max_response_bytes: Option<u64>,
    pub(super) form: Form,
    /// What the kernel denied meanwhile.
    pub(super) blocked: Blocked,
    /// Set while the call waits for its turn.
    pub(super) waiting: Option<Waiting>,
}

/// A call that has not gone to the server yet.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) line: Vec<u8>,
    pub(super) arguments: Option<Span>,
    /// Set until it is approved; then its turn is waited for.
    pub(super) held: Option<Held>,
    /// Different approvers that have approved it.
    pub(super) approved: u8,
    /// A rate lets it go to the server from then on.
    pub(super) turn: Option<Instant>,
}

/// What a held call waits for.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) approval: Approval,
    /// Who has approved it.
    pub(super) given: BTreeSet<String>,
    /// What an approval is bound to.
    pub(super) digest: String,
    /// The call's answer was a question to the client, so that it waits for the client to come again, whatever is decided.
    pub(super) asked: bool,
    /// Somebody has denied it since.
    pub(super) denied: bool,
}

impl Held {
    /// Approvals that are still missing.
    pub(super) fn missing(&self) -> usize {
        usize::from(self.approval.approvers).saturating_sub(self.given.len())
    }

    /// Whether nothing can be decided about it any more.
    pub(super) fn is_decided(&self) -> bool {
        self.denied || self.missing() == 0
    }
}

impl Waiting {
    pub(super) fn arguments(&self) -> &[u8] {
        self.arguments.map(|span| span.of(&self.line)).unwrap_or_default()
    }
}

#[derive(Debug, Default)]
pub(super) struct Flight {
    open: BTreeMap<RequestId, Open>,
    deadlines: BTreeSet<(Instant, RequestId)>,
    /// Calls that wait, first come first served.
    queue: VecDeque<RequestId>,
    /// Calls that nobody has approved yet.
    held: BTreeSet<RequestId>,
    /// Calls whose turn by a rate is later, by that.
    paced: BTreeSet<(Instant, RequestId)>,
    queued_bytes: u64,
    running: u32,
    exclusive_runs: bool,
    active: Active,
    settled: Settled,
}

impl Flight {
    pub(super) fn get(&self, id: &RequestId) -> Option<&Open> {
        self.open.get(id)
    }

    /// The calls that the server has and has not answered.
    pub(super) fn at_server_mut(&mut self) -> impl Iterator<Item = &mut Call> {
        self.open.values_mut().filter_map(|open| open.call.as_mut()).filter(|call| call.waiting.is_none())
    }

    /// The same, to look at.
    pub(super) fn at_server(&self) -> impl Iterator<Item = &Call> {
        self.open.values().filter_map(|open| open.call.as_ref()).filter(|call| call.waiting.is_none())
    }

    /// The calls that have not gone to the server: those in the queue, first come first, then those of a later turn, then
    /// those that are held.
    pub(super) fn waiting_calls(&self) -> Vec<RequestId> {
        let paced = self.paced.iter().map(|(_, id)| id);
        self.queue.iter().chain(paced).chain(&self.held).cloned().collect()
    }

    /// Gives each call the class and the rule that its tool has from now on.
    pub(super) fn revise(&mut self, terms: impl Fn(&str) -> (ClassId, RuleId)) {
        for call in self.open.values_mut().filter_map(|open| open.call.as_mut()) {
            let (class, rule) = terms(&call.tool);
            if call.waiting.is_none() && call.class != class {
                self.active.remove(call.class);
                self.active.add(class);
            }
            (call.class, call.rule) = (class, rule);
        }
    }

    /// Whether the server has this request and has not answered it.
    pub(super) fn is_at_server(&self, id: &RequestId) -> bool {
        self.open.get(id).is_some_and(|open| open.call.as_ref().is_none_or(|call| call.waiting.is_none()))
    }

    /// Whether a new request may not have this id.
    pub(super) fn is_taken(&self, id: &RequestId) -> bool {
        self.open.contains_key(id) || self.settled.contains(id)
    }

    /// Open requests that are no calls.
    pub(super) fn others(&self) -> usize {
        self.open.len() - self.calls() as usize
    }

    /// Calls at the server, in the queue, of a later turn, and held.
    pub(super) fn calls(&self) -> u32 {
        self.running + (self.queue.len() + self.paced.len() + self.held.len()) as u32
    }

    /// The calls that nobody has approved yet.
    pub(super) fn held(&self) -> impl Iterator<Item = (&RequestId, &Call)> {
        self.held.iter().filter_map(|id| Some((id, self.open.get(id)?.call.as_ref()?)))
    }

    /// What a held call waits for.
    pub(super) fn held_of(&self, id: &RequestId) -> Option<&Held> {
        self.open.get(id)?.call.as_ref()?.waiting.as_ref()?.held.as_ref()
    }

    /// The same, to change.
    pub(super) fn held_mut(&mut self, id: &RequestId) -> Option<&mut Held> {
        self.open.get_mut(id)?.call.as_mut()?.waiting.as_mut()?.held.as_mut()
    }

    /// A held call is approved: it waits for its turn, and has its tool's whole time from now on.
    pub(super) fn approve(&mut self, id: &RequestId, now: Instant) {
        let Some(open) = self.open.get_mut(id) else { return };
        let Some(call) = open.call.as_mut() else { return };
        let Some(waiting) = call.waiting.as_mut() else { return };
        let Some(held) = waiting.held.take() else { return };
        waiting.approved = u8::try_from(held.given.len()).unwrap_or(u8::MAX);
        if let Some(deadline) = open.deadline.take() {
            self.deadlines.remove(&(deadline, id.clone()));
        }
        let begin = waiting.turn.map_or(now, |turn| turn.max(now));
        open.deadline = call.timeout.and_then(|timeout| begin.checked_add(timeout));
        self.deadlines.extend(open.deadline.map(|deadline| (deadline, id.clone())));
        self.held.remove(id);
        match waiting.turn.filter(|turn| *turn > now) {
            Some(turn) => drop(self.paced.insert((turn, id.clone()))),
            None => self.queue.push_back(id.clone()),
        }
    }

    /// The calls whose turn has come go into the queue.
    pub(super) fn come(&mut self, now: Instant) {
        while self.paced.first().is_some_and(|(turn, _)| *turn <= now) {
            self.queue.extend(self.paced.pop_first().map(|(_, id)| id));
        }
    }

    pub(super) fn queued_bytes(&self) -> u64 {
        self.queued_bytes
    }

    /// Whether a call that comes now has to wait: behind others, for the exclusive one, or to be alone itself.
    pub(super) fn must_wait(&self, exclusive: bool) -> bool {
        !self.queue.is_empty() || self.blocked(exclusive)
    }

    fn blocked(&self, exclusive: bool) -> bool {
        self.exclusive_runs || (exclusive && self.running > 0)
    }

    pub(super) fn add(&mut self, id: RequestId, open: Open) {
        if let Some(deadline) = open.deadline {
            self.deadlines.insert((deadline, id.clone()));
        }
        match &open.call {
            Some(Call { waiting: Some(waiting), .. }) => {
                self.queued_bytes += waiting.line.len() as u64;
                match (&waiting.held, waiting.turn) {
                    (Some(_), _) => drop(self.held.insert(id.clone())),
                    (None, Some(turn)) => drop(self.paced.insert((turn, id.clone()))),
                    (None, None) => self.queue.push_back(id.clone()),
                }
            }
            Some(call) => Self::start(&mut self.running, &mut self.exclusive_runs, &mut self.active, call),
            None => {}
        }
        self.open.insert(id, open);
    }

    fn start(running: &mut u32, exclusive_runs: &mut bool, active: &mut Active, call: &Call) {
        *running += 1;
        *exclusive_runs |= call.exclusive;
        active.add(call.class);
    }

    /// The first waiting call, if its turn has come.
    pub(super) fn ready(&self) -> Option<RequestId> {
        let id = self.queue.front()?;
        let exclusive = self.open.get(id)?.call.as_ref()?.exclusive;
        (!self.blocked(exclusive)).then(|| id.clone())
    }

    /// Calls whose answer was a question, and that wait for their client.
    pub(super) fn asked(&self) -> u32 {
        let asked = self.held.iter().filter(|id| self.held_of(id).is_some_and(|held| held.asked));
        u32::try_from(asked.count()).unwrap_or(u32::MAX)
    }

    /// The first waiting call, if its turn has come. It counts as being at the server from now on.
    pub(super) fn release(&mut self) -> Option<(RequestId, Waiting)> {
        let id = self.queue.front()?;
        let exclusive =
            self.open.get(id).and_then(|open| open.call.as_ref()).is_some_and(|call| call.exclusive);
        if self.blocked(exclusive) {
            return None;
        }
        let id = self.queue.pop_front()?;
        let call = self.open.get_mut(&id)?.call.as_mut()?;
        let waiting = call.waiting.take()?;
        self.queued_bytes -= waiting.line.len() as u64;
        Self::start(&mut self.running, &mut self.exclusive_runs, &mut self.active, call);
        Some((id, waiting))
    }

    /// Closes a request; its grants end here. `None` if it is not open.
    pub(super) fn remove(&mut self, id: &RequestId) -> Option<Open> {
        let open = self.open.remove(id)?;
        if let Some(deadline) = open.deadline {
            self.deadlines.remove(&(deadline, id.clone()));
        }
        match &open.call {
            Some(Call { waiting: Some(waiting), .. }) => {
                self.queued_bytes -= waiting.line.len() as u64;
                self.held.remove(id);
                self.paced.remove(&(waiting.turn.unwrap_or(open.arrived), id.clone()));
                self.queue.retain(|waits| waits != id);
            }
            Some(call) => {
                self.running -= 1;
                self.exclusive_runs &= !call.exclusive;
                self.active.remove(call.class);
            }
            None => {}
        }
        Some(open)
    }

    /// No answer is expected any more; one that comes is late.
    pub(super) fn settle(&mut self, id: RequestId) {
        self.settled.add(id);
    }

    pub(super) fn is_settled(&self, id: &RequestId) -> bool {
        self.settled.contains(id)
    }

    /// Whether the answer is a late one; it is so only once.
    pub(super) fn late(&mut self, id: &RequestId) -> bool {
        self.settled.remove(id)
    }

    /// When a request's time is up, or a call's turn comes.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadlines.first().into_iter().chain(self.paced.first()).map(|(time, _)| *time).min()
    }

    /// A request whose time is up.
    pub(super) fn expired(&self, now: Instant) -> Option<RequestId> {
        self.deadlines.first().filter(|(deadline, _)| *deadline <= now).map(|(_, id)| id.clone())
    }

    pub(super) fn active(&self) -> ClassMask {
        self.active.mask
    }

    /// Calls of a class: those that have begun so far, and those that are at the server now.
    pub(super) fn calls_of(&self, class: ClassId) -> (u64, u32) {
        let index = usize::from(class.number());
        (self.active.begun[index], self.active.holders[index])
    }

    /// Every open call, in the order of arrival.
    pub(super) fn open_calls(&self) -> Vec<RequestId> {
        let mut calls: Vec<_> =
            self.open.iter().filter_map(|(id, open)| open.call.as_ref().map(|call| (call.seq, id))).collect();
        calls.sort_unstable();
        calls.into_iter().map(|(_, id)| id.clone()).collect()
    }
}

/// How many calls hold each class.
#[derive(Debug)]
struct Active {
    holders: [u32; MAX_CLASSES],
    /// How many have held it so far.
    begun: [u64; MAX_CLASSES],
    mask: ClassMask,
}

impl Default for Active {
    fn default() -> Self {
        Self { holders: [0; MAX_CLASSES], begun: [0; MAX_CLASSES], mask: ClassMask::ALWAYS }
    }
}

impl Active {
    fn add(&mut self, class: ClassId) {
        self.holders[usize::from(class.number())] += 1;
        self.begun[usize::from(class.number())] += 1;
        self.mask = self.mask.union(ClassMask::only(class));
    }

    fn remove(&mut self, class: ClassId) {
        let holders = &mut self.holders[usize::from(class.number())];
        *holders = holders.saturating_sub(1);
        if *holders == 0 {
            self.mask = self.held();
        }
    }

    fn held(&self) -> ClassMask {
        let held = self.holders.iter().enumerate().filter(|(_, holders)| **holders > 0);
        held.filter_map(|(number, _)| ClassId::new(number))
            .fold(ClassMask::ALWAYS, |mask, class| mask.union(ClassMask::only(class)))
    }
}

/// Ids that were cancelled or timed out, the newest ones.
#[derive(Debug, Default)]
struct Settled {
    ids: BTreeSet<RequestId>,
    order: VecDeque<RequestId>,
}

impl Settled {
    fn add(&mut self, id: RequestId) {
        if self.order.len() >= MAX_SETTLED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        if self.ids.insert(id.clone()) {
            self.order.push_back(id);
        }
    }

    fn contains(&self, id: &RequestId) -> bool {
        self.ids.contains(id)
    }

    fn remove(&mut self, id: &RequestId) -> bool {
        let was = self.ids.remove(id);
        if was {
            self.order.retain(|other| other != id);
        }
        was
    }
}

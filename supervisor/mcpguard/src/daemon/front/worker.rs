//! What one client asks for, one request after another.

use std::cell::{Cell, RefCell};
use std::os::fd::OwnedFd;
use std::rc::Rc;

use control::message::Code;
use control::rights::{self, Reach};
use control::{Answer, Request, RequestId};
use enforce::keeper::Key;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::client::Asked;
use super::hub::Hub;
use super::line::Line;
use super::refusal::{Wrapped, refusal};
use super::revise::Pending;
use super::seats::Seat;
use super::{brought, limits, opening, operate, revise, session};
use crate::daemon::wire::{Ask, Peer};

/// A client that was admitted.
pub(super) struct Client {
    pub(super) hub: Rc<Hub>,
    pub(super) line: Rc<Line>,
    pub(super) peer: Peer,
    /// The connection's session, if one was opened or resumed.
    pub(super) session: Cell<Option<Key>>,
    /// The policy that was prepared on it.
    pub(super) pending: RefCell<Option<Pending>>,
    seat: Rc<Seat>,
    busy: Cell<usize>,
    active: Cell<Instant>,
    follows: Cell<bool>,
    /// Its session is over, and it knows.
    over: Cell<bool>,
}

impl Client {
    pub(super) fn new(hub: Rc<Hub>, line: Rc<Line>, peer: Peer, seat: Rc<Seat>) -> Self {
        let active = Cell::new(Instant::now());
        let (session, busy) = (Cell::new(None), Cell::new(0));
        let (follows, over) = (Cell::new(false), Cell::new(false));
        let pending = RefCell::default();
        Self { hub, line, peer, session, pending, seat, busy, active, follows, over }
    }

    /// A request has come.
    pub(super) fn begins(&self) {
        self.busy.set(self.busy.get() + 1);
    }

    fn finished(&self) {
        self.busy.set(self.busy.get().saturating_sub(1));
        self.active.set(Instant::now());
        self.line.changed.notify_one();
    }

    /// Whether nothing is being done for it.
    pub(super) fn is_idle(&self) -> bool {
        self.busy.get() == 0
    }

    /// When something was done for it last.
    pub(super) fn active(&self) -> Instant {
        self.active.get()
    }

    /// Whether it has a session, or follows: then it says nothing for as long as there is nothing to say.
    pub(super) fn is_patient(&self) -> bool {
        let is_there = |key| self.hub.sessions.borrow().get(key).is_some();
        let has_one = self.session.get().is_some_and(is_there);
        if self.session.get().is_some() && !has_one && !self.over.replace(true) {
            // Its time runs from the end of its session.
            self.active.set(Instant::now());
        }
        has_one || self.follows.get()
    }

    /// From now on it is told what it follows.
    pub(super) fn follows(&self) {
        self.follows.set(true);
    }

    /// The keeper does something for this connection.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<crate::daemon::wire::Answer, Wrapped> {
        use crate::daemon::wire::Answer;
        match self.hub.keeper.ask(self.line.number, ask, None).await?.0 {
            Answer::Refused(refused) => Err(refused.into()),
            answer => Ok(answer),
        }
    }

    /// Waits until the client has read enough of what it was told for more.
    pub(super) async fn room(&self) {
        while self.line.is_full() {
            self.line.drained.notified().await;
        }
    }

    /// The facts about it for decisions about rights. Guarded peers are not admitted.
    fn facts(&self) -> rights::Peer<'_> {
        let identity = &self.peer.identity;
        let place = if self.peer.guarded { rights::Place::Guarded } else { rights::Place::Free };
        rights::Peer { uid: identity.uid, gid: identity.gid, groups: &identity.groups, place }
    }
}

/// Answers until the connection is over and everything is answered, then leaves.
pub(super) async fn work(client: Rc<Client>, mut requests: UnboundedReceiver<Asked>) {
    while let Some((id, request, descriptors)) = requests.recv().await {
        if let Err(Wrapped(refused)) = handle(&client, id, request, descriptors).await {
            client.hub.refused(&client.peer, &refused);
            client.line.answer(id, Answer::Refused(refused), Vec::new());
        }
        // Only a session's first request weighs anything. Less is never too much.
        let _ = client.seat.open(0);
        client.finished();
    }
    let Client { hub, line, .. } = &*client;
    hub.sessions.borrow_mut().detach(line.number);
    hub.followers.remove(line.number);
    hub.keeper.say(&Ask::Leave(line.number));
}

async fn handle(
    client: &Rc<Client>,
    id: RequestId,
    request: Request,
    descriptors: Vec<OwnedFd>,
) -> Result<(), Wrapped> {
    let reach = may(client, &request, &descriptors)?;
    match request {
        Request::Open(open) => {
            let process = descriptors.into_iter().next();
            let process = process.ok_or_else(|| refusal(Code::Process, "no process was brought"))?;
            opening::open(client, id, *open, process).await
        }
        Request::Resume(resume) => session::resume(client, id, &resume).await,
        Request::Learn(learn) => session::learn(client, id, &learn).await,
        Request::Forget(forget) => session::forget(client, id, forget).await,
        Request::Arrived(arrived) => session::arrived(client, id, arrived).await,
        Request::Sync => session::sync(client, id).await,
        Request::Prepare(prepare) => {
            let process = descriptors.into_iter().next();
            let process = process.ok_or_else(|| refusal(Code::Process, "no process was brought"))?;
            revise::prepare(client, id, *prepare, process).await
        }
        Request::LearnNext(learn) => revise::learn(client, id, &learn).await,
        Request::Commit => revise::commit(client, id).await,
        Request::End(end) => session::end(client, id, end).await,
        Request::List => operate::list(client, id, reach).await,
        Request::Follow(filter) => operate::follow(client, id, filter),
        Request::Kill(selector) => operate::act(client, id, reach, &selector, rights::Act::Kill).await,
        Request::Freeze(selector) => operate::act(client, id, reach, &selector, rights::Act::Freeze).await,
        Request::Thaw(selector) => operate::act(client, id, reach, &selector, rights::Act::Thaw).await,
        Request::Quarantine(selector) => operate::quarantine(client, id, reach, &selector).await,
        Request::Release(release) => operate::release(client, id, &release).await,
        Request::Limits(limit) => limits::limits(client, id, reach, &limit).await,
        Request::Reload => operate::reload(client, id).await,
        Request::Status => operate::status(client, id),
        Request::Offer => operate::offer(client, id),
    }
}

/// What can be decided here is; the keeper asks the kernel about processes once more.
fn may(client: &Client, request: &Request, descriptors: &[OwnedFd]) -> Result<Reach, Wrapped> {
    let facts = client.facts();
    let brought = match (request, descriptors.first()) {
        (Request::Open(_), Some(process)) => match brought::facts(process, client.peer.process)? {
            Some(facts) => Some(facts),
            None => return Ok(Reach::Own(facts.uid)),
        },
        _ => None,
    };
    Ok(rights::decide(client.hub.settings.operators, &facts, request, brought.as_ref())?)
}

//! Opens a session: turns at the compiler, the list of policies in quarantine, the keeper.

use std::cell::RefCell;
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;
use std::sync::Arc;

use control::message::{Code, Open, Opened, Refusal, Skipped};
use control::{Answer, Event, PathBytes, RequestId};
use enforce::keeper::{Key, Order};
use policy::HostRules;
use policy::plan::Numbering;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::COMPILERS;
use super::compile::{Compiled, Wanted, compile};
use super::hub::Hub;
use super::line::Standing;
use super::log::Fact;
use super::memo::Memo;
use super::refusal::{Wrapped, refusal};
use super::session::odd;
use super::sessions::{Session, Stage};
use super::settings::Limits;
use super::words;
use super::worker::Client;
use crate::daemon::wire::{self, Ask};

/// The most bytes of paths and reasons that are told of what was skipped.
const MOST_SKIPPED: usize = 512 << 10;

/// Turns at the compiler: every user has one policy compiled at a time, so that nobody waits for a stranger's tenth.
pub(super) struct Compilers {
    limits: Limits,
    all: Semaphore,
    queues: RefCell<HashMap<u32, Rc<Queue>>>,
}

struct Queue {
    turn: Semaphore,
}

/// A place in the queue of a user.
pub(super) struct Place<'a> {
    compilers: &'a Compilers,
    queue: Option<Rc<Queue>>,
    uid: u32,
}

impl Compilers {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, all: Semaphore::new(COMPILERS), queues: RefCell::default() }
    }

    pub(super) fn place(&self, uid: u32) -> Result<Place<'_>, Refusal> {
        let mut queues = self.queues.borrow_mut();
        // Each place holds its queue once, and the table does.
        let waiting = |queue: &Rc<Queue>| Rc::strong_count(queue) - 1;
        let (own, all) = (queues.get(&uid).map_or(0, waiting), queues.values().map(waiting).sum::<usize>());
        if own >= self.limits.opening_of_user || all >= self.limits.opening {
            let sentence = "as many sessions are being opened as may be at once; try again in a moment";
            return Err(refusal(Code::Limit, sentence));
        }
        let queue = queues.entry(uid).or_insert_with(|| Rc::new(Queue { turn: Semaphore::new(1) }));
        Ok(Place { compilers: self, queue: Some(Rc::clone(queue)), uid })
    }

    pub(super) async fn compile(&self, place: &Place<'_>, wanted: Wanted) -> Result<Compiled, Refusal> {
        let failed =
            |_| refusal(Code::Internal, "the policy could not be compiled; the daemon's log says more");
        let own = match &place.queue {
            Some(queue) => Some(queue.turn.acquire().await.map_err(failed)?),
            None => None,
        };
        let any = self.all.acquire().await.map_err(failed)?;
        let compiled = spawn_blocking(move || compile(wanted)).await;
        drop((own, any));
        compiled.map_err(|_| refusal(Code::Internal, "the policy could not be compiled"))?
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queue = None;
        let mut queues = self.compilers.queues.borrow_mut();
        if queues.get(&self.uid).is_some_and(|queue| Rc::strong_count(queue) == 1) {
            queues.remove(&self.uid);
        }
    }
}

/// Opens a session for a process of the client's own.
pub(super) async fn open(
    client: &Rc<Client>,
    id: RequestId,
    open: Open,
    process: OwnedFd,
) -> Result<(), Wrapped> {
    let hub = &client.hub;
    let rules = hub.rules.borrow().now()?;
    let (name, uid) = (open.name.clone(), client.peer.identity.uid);
    // Kept until the session is there: what waits for the keeper counts as well.
    let place = hub.compilers.place(uid)?;
    let compiled = hub.compilers.compile(&place, wanted(open, uid, rules, hub)).await?;
    let revision = compiled.revision.clone();
    quarantined(client, &revision)?;
    let (policy, host_rules) = (compiled.policy.clone(), compiled.host_rules.clone());
    let memo = Memo::now(name.as_str(), &policy, &revision, host_rules, compiled.rules.clone());
    let order = Box::new(order(client, compiled, &memo)?);
    let key = order.key;
    // The kernel may tell of the session before the keeper says that it is there.
    hub.sessions.borrow_mut().insert(Session::opening(key, name, uid, client.peer.process, memo));
    let asked =
        hub.keeper.ask(client.line.number, &Ask::Open(client.line.number, order), Some(process)).await;
    let (opened, descriptors) = match asked {
        Ok((wire::Answer::Opened(opened), descriptors)) => (opened, descriptors),
        Ok((other, _)) => {
            hub.sessions.borrow_mut().remove(key);
            return Err(match other {
                wire::Answer::Refused(refused) => refused.into(),
                other => odd(&other),
            });
        }
        Err(error) => {
            hub.sessions.borrow_mut().remove(key);
            return Err(error.into());
        }
    };
    // Whoever has gone meanwhile, or was put into quarantine, or whose session is over already, gets none.
    if let Err(refused) = still_wanted(client, key, &revision) {
        hub.sessions.borrow_mut().remove(key);
        let _ = client.ask(&Ask::End(client.line.number)).await;
        return Err(refused.into());
    }
    begin(client, id, key, opened, descriptors);
    Ok(())
}

fn wanted(open: Open, uid: u32, rules: Option<Arc<HostRules>>, hub: &Hub) -> Wanted {
    Wanted { open, uid, rules, offer: hub.offer.clone(), numbering: Numbering::default(), stamp: 0 }
}

fn begin(
    client: &Rc<Client>,
    id: RequestId,
    key: Key,
    opened: enforce::keeper::Opened,
    descriptors: Vec<OwnedFd>,
) {
    let hub = &client.hub;
    let mut sessions = hub.sessions.borrow_mut();
    let Some(session) = sessions.get_mut(key) else { return };
    client.session.set(Some(key));
    session.stage = Stage::Running;
    hub.record(None, &Fact::Opened(session.about()));
    hub.publish(session, &Event::Opened(Box::new(session.summary())));
    let answer = Answer::Opened(Opened {
        session: words::id(key),
        slot: opened.slot,
        revision: session.memo.revision.clone(),
        skipped: skipped(&opened.skipped),
    });
    client.line.answer(id, answer, descriptors);
    if let Some(lost) = session.attach(&client.line, 0) {
        hub.lost(session, lost);
    }
}

pub(super) fn quarantined(client: &Client, revision: &str) -> Result<(), Refusal> {
    match client.hub.quarantine.borrow().holds(revision) {
        true => Err(refusal(
            Code::NotAllowed,
            format!("the policy (revision {revision}) is in quarantine; an operator may release it"),
        )),
        false => Ok(()),
    }
}

fn still_wanted(client: &Client, key: Key, revision: &str) -> Result<(), Refusal> {
    quarantined(client, revision)?;
    if client.line.standing() != Standing::Open {
        return Err(refusal(Code::Ending, "the connection ended while its session was opened"));
    }
    match client.hub.sessions.borrow().get(key) {
        Some(_) => Ok(()),
        None => Err(refusal(Code::Ending, "the session ended while it was opened")),
    }
}

fn order(client: &Client, compiled: Compiled, memo: &Memo) -> Result<Order, Refusal> {
    let Compiled { tables, limits, doors, unreachable, .. } = compiled;
    let key = key(client)?;
    Ok(Order { key, tables, limits, doors, unreachable, memo: memo.to_bytes() })
}

/// A number that no session has.
fn key(client: &Client) -> Result<Key, Refusal> {
    loop {
        let random = getrandom::u64().map_err(|error| {
            refusal(Code::Internal, format!("no random number for the session can be had: {error}"))
        })?;
        if client.hub.sessions.borrow().get(Key(random)).is_none() {
            return Ok(Key(random));
        }
    }
}

/// As many as fit into one answer.
pub(super) fn skipped(all: &[enforce::Skipped]) -> Vec<Skipped> {
    let mut bytes = 0;
    let told = all.iter().filter_map(|enforce::Skipped { path, reason }| {
        let path = PathBytes::new(path.as_os_str().as_bytes()).ok()?;
        Some(Skipped { path, reason: reason.clone() })
    });
    told.take_while(|Skipped { path, reason }| {
        // Bytes that are no text, and control characters, take more in JSON.
        bytes += 6 * path.as_bytes().len() + 6 * reason.len() + 64;
        bytes <= MOST_SKIPPED
    })
    .collect()
}

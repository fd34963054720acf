//! What the resolver and the proxy share: the names, the backend that they tell, and the way to tell of refusals.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use abi::Learned;
use enforce::LearnError;
use names::{Change, Facts, NameFact, Names, Settings, Why};
use policy::plan::NetworkPlan;
use tokio::sync::{Notify, Semaphore};

use super::clock::now_ns;
use super::descriptors::Shares;
use super::hosts::{Host, Upstreams};
use super::pipes::Pipes;
use super::revise::limits;
use super::teller::{By, Refused, Teller};
use super::turns::Turns;

/// Shared by everything on the thread.
#[derive(Clone)]
pub(super) struct Room(Rc<Shared>);

/// See [`Room`].
pub(super) struct Shared {
    plan: RefCell<NetworkPlan>,
    /// How often the session's policy was changed.
    stamp: Cell<u32>,
    pub(super) names: RefCell<Names>,
    pub(super) backend: Arc<dyn enforce::Egress>,
    pub(super) teller: Teller,
    pub(super) upstreams: Upstreams,
    /// Places for connections, which outlive the doors by which they came.
    pub(super) places: Arc<Semaphore>,
    pub(super) pipes: Pipes,
    pub(super) turns: Turns,
    /// Something was learned that may end earlier than what is waited for.
    learned: Notify,
    /// Another policy holds.
    revised: Notify,
}

impl std::ops::Deref for Room {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Room {
    /// Makes the addresses known that the host's own file has for allowed names.
    pub(super) fn new(
        plan: NetworkPlan,
        backend: Arc<dyn enforce::Egress>,
        teller: Teller,
        Host { names: hosts, upstreams }: Host,
        Shares { connections, pipes }: Shares,
    ) -> io::Result<Self> {
        let settings = Settings { hosts, search: upstreams.search.clone(), limits: limits(&plan) };
        let names = RefCell::new(Names::new(&plan, settings));
        let (learned, places, pipes) =
            (Notify::new(), Arc::new(Semaphore::new(connections)), Pipes::new(pipes));
        let room = Self(Rc::new(Shared {
            plan: RefCell::new(plan),
            stamp: Cell::new(0),
            names,
            backend,
            teller,
            upstreams,
            places,
            pipes,
            turns: Turns::default(),
            learned,
            revised: Notify::new(),
        }));
        let preset = room.names.borrow_mut().preset(now_ns());
        room.make_known(preset).map_err(io::Error::other)?;
        Ok(room)
    }

    /// Tells the backend what has changed. Returns when it holds.
    pub(super) fn make_known(&self, changes: Vec<Change>) -> Result<(), LearnError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.learned.notify_one();
        let mut made = Ok(());
        for Change { address, learned } in changes {
            let Some(learned) = learned else {
                self.backend.forget(address);
                continue;
            };
            if let Err(error) = self.backend.learn(address, &stamped(&learned, self.stamp.get())) {
                tracing::warn!("{address}: {error}");
                self.names.borrow_mut().unlearn(address);
                made = Err(error);
            }
        }
        made
    }

    /// The active classes.
    pub(super) fn active(&self) -> u64 {
        self.backend.moment().0
    }

    /// Tells of what the names refused.
    pub(super) fn tell_facts(&self) {
        let Facts { list, lost } = self.names.borrow_mut().facts();
        for NameFact { name, why, active: _, times } in list {
            let rule = if let Why::Inactive { rule } = why { Some(rule) } else { None };
            let refused = Refused {
                by: By::Resolver,
                detail: format!("look up {name}"),
                what: name,
                reason: why.to_string(),
                rule,
                over_limit: matches!(why, Why::Limit(_)),
                process: None,
            };
            for _ in 0..times {
                self.teller.tell(refused.clone());
            }
        }
        self.teller.lost(lost);
    }

    /// Takes back what has come to its end, at that very time. The kernel's programs look at the time themselves; this
    /// makes room, and rewrites what was put together.
    pub(super) async fn forget_in_time(&self) {
        loop {
            let next = self.names.borrow().next_expiry();
            let wait = async {
                match next {
                    Some(at) => tokio::time::sleep(Duration::from_nanos(at.saturating_sub(now_ns()))).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = wait => {}
                () = self.learned.notified() => continue,
            }
            let changes = self.names.borrow_mut().expire(now_ns());
            let _ = self.make_known(changes);
        }
    }

    /// Classes in which some rule allows a name.
    pub(super) fn classes_of(&self, name: &str) -> u64 {
        let plan = self.plan.borrow();
        let rules = plan.domains.iter().filter(|rule| rule.matches(name));
        rules.fold(0, |mask, rule| mask | rule.classes.bits())
    }

    /// Another policy holds from now on.
    pub(super) fn follow(&self, plan: NetworkPlan, names: Names, stamp: u32) {
        self.plan.replace(plan);
        self.names.replace(names);
        self.stamp.set(stamp);
        self.learned.notify_one();
        self.revised.notify_waiters();
    }

    /// Waits until a connection to this name is not allowed any more as it was: in these classes.
    pub(super) async fn is_cut(&self, name: &str, classes: u64) {
        loop {
            let revised = self.revised.notified();
            if self.classes_of(name) != classes {
                return;
            }
            revised.await;
        }
    }
}

/// The grants with their rules' numbers as the kernel's tables have them.
pub(super) fn stamped(learned: &Learned, revision: u32) -> Learned {
    let mut learned = *learned;
    learned.grants.iter_mut().for_each(|grant| grant.rule = abi::stamped(grant.rule, revision));
    learned
}

//! What was refused on the way out, and which hosts were reached, from the thread that knows to the one that writes it down.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use policy::plan::RuleId;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Refusals that wait to be written down.
const WAITING: usize = 4096;

/// Names that wait to be looked at.
const NAMES: usize = 1024;

/// Who refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum By {
    /// The resolver.
    Resolver,
    /// The proxy.
    Proxy,
    /// The supervisor, which carries out the server's calls about sockets where no eBPF program judges them.
    Gate,
}

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Refused {
    /// Who refused.
    pub(crate) by: By,
    /// The name, or the address where no name was said.
    pub(crate) what: String,
    /// What was wanted of it.
    pub(crate) detail: String,
    /// Why, in words.
    pub(crate) reason: String,
    /// The rule that decided, if one did.
    pub(crate) rule: Option<RuleId>,
    /// A limit was reached, not a grant missing.
    pub(crate) over_limit: bool,
    /// The process that tried, where that is known.
    pub(crate) process: Option<i32>,
}

/// The end that tells.
#[derive(Clone, Debug)]
pub(crate) struct Teller {
    refusals: Sender<Refused>,
    reached: Sender<String>,
    lost: Arc<AtomicU64>,
}

impl Teller {
    /// Tells a refusal. If nobody hears fast enough it is counted.
    pub(crate) fn tell(&self, refused: Refused) {
        tracing::debug!("refused by the {:?}: {} ({})", refused.by, refused.what, refused.reason);
        if self.refusals.try_send(refused).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Tells a name that was spoken and let through. No record has it, only alert rules look at it: what nobody hears fast
    /// enough is told by the next connection.
    pub(super) fn reached(&self, name: &str) {
        let _ = self.reached.try_send(name.to_owned());
    }

    /// So many were not even made into refusals.
    pub(super) fn lost(&self, count: u64) {
        self.lost.fetch_add(count, Ordering::Relaxed);
    }
}

/// The end that hears.
#[derive(Debug)]
pub(crate) struct Told {
    refusals: Receiver<Refused>,
    reached: Receiver<String>,
    /// What ended a wait.
    held: Option<Refused>,
    name: Option<String>,
    lost: Arc<AtomicU64>,
}

impl Told {
    /// What has been told already. Never waits.
    pub(crate) fn now(&mut self) -> Option<Refused> {
        self.held.take().or_else(|| self.refusals.try_recv().ok())
    }

    /// A name that was reached. Never waits.
    pub(crate) fn reached(&mut self) -> Option<String> {
        self.name.take().or_else(|| self.reached.try_recv().ok())
    }

    /// Whether something can be heard; if not, the task is woken when it can. Never ready once nobody can tell any more.
    pub(crate) fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.held.is_none()
            && let Poll::Ready(Some(refused)) = self.refusals.poll_recv(context)
        {
            self.held = Some(refused);
        }
        if self.name.is_none()
            && let Poll::Ready(Some(name)) = self.reached.poll_recv(context)
        {
            self.name = Some(name);
        }
        if self.held.is_some() || self.name.is_some() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Refusals that are only known by number, since this was last asked.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }
}

/// A way to tell of refusals from any thread.
pub(crate) fn pair() -> (Teller, Told) {
    let (refuse, refusals) = channel(WAITING);
    let (reach, reached) = channel(NAMES);
    let lost = Arc::new(AtomicU64::new(0));
    let teller = Teller { refusals: refuse, reached: reach, lost: Arc::clone(&lost) };
    (teller, Told { refusals, reached, held: None, name: None, lost })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_told_is_heard_by_whoever_asks_first_while_another_one_waits() {
        let (teller, told) = pair();
        let told = std::cell::RefCell::new(told);
        let refused = |what: &str| Refused {
            by: By::Proxy,
            what: what.to_owned(),
            detail: String::new(),
            reason: String::new(),
            rule: None,
            over_limit: false,
            process: None,
        };
        let waits = std::future::poll_fn(|context| told.borrow_mut().poll_ready(context));
        let hears = async {
            tokio::task::yield_now().await;
            assert_eq!(told.borrow_mut().now(), None);
            teller.tell(refused("first"));
            assert_eq!(told.borrow_mut().now(), Some(refused("first")));
            tokio::task::yield_now().await;
            teller.tell(refused("second"));
        };
        tokio::join!(waits, hears);
        assert_eq!(told.borrow_mut().now(), Some(refused("second")));
    }

    #[tokio::test]
    async fn names_are_heard_apart_from_refusals_and_wake_who_waits() {
        let (teller, mut told) = pair();
        teller.reached("api.example");
        std::future::poll_fn(|context| told.poll_ready(context)).await;
        assert_eq!(told.now(), None);
        assert_eq!((told.reached().as_deref(), told.reached()), (Some("api.example"), None));
        (0..2 * NAMES).for_each(|_| teller.reached("api.example"));
        assert_eq!((std::iter::from_fn(|| told.reached()).count(), told.lost()), (NAMES, 0));
    }
}

//! Another policy, put in force between two messages.

use std::sync::Arc;
use std::time::Instant;

use policy::plan::ClassMask;

use super::{Doorman, Side};
use crate::egress::Teach;
use crate::hosted::Committed;
use crate::session::ending::Ending;
use crate::session::reload::{Candidate, Kernels, Reloader, Reply};

/// Nothing has changed, or the session ends.
enum Stopped {
    Refused(Vec<String>),
    Ending(Ending),
}

impl From<Ending> for Stopped {
    fn from(ending: Ending) -> Self {
        Self::Ending(ending)
    }
}

impl From<String> for Stopped {
    fn from(why: String) -> Self {
        Self::Refused(vec![why])
    }
}

impl Doorman<'_> {
    pub(super) async fn reload(&self, reloader: &Reloader) -> Result<Reply, Ending> {
        let before = self.composed.borrow().plan.revision.clone();
        let unchanged =
            |refused| Reply { revision: before.clone(), before: before.clone(), refused, ..Reply::default() };
        let candidate = match self.candidate(reloader).await {
            Ok(Some(candidate)) => candidate,
            Ok(None) => return Ok(unchanged(Vec::new())),
            Err(refused) => return Ok(unchanged(refused)),
        };
        match self.put_in_force(&candidate).await {
            Ok(()) => {
                let revision = candidate.composed.plan.revision.clone();
                Ok(Reply { before, revision, later: candidate.later, refused: Vec::new() })
            }
            Err(Stopped::Refused(refused)) => Ok(unchanged(refused)),
            Err(Stopped::Ending(ending)) => Err(ending),
        }
    }

    async fn candidate(&self, reloader: &Reloader) -> Result<Option<Candidate>, Vec<String>> {
        let Some(stamp) = self.stamp.get().checked_add(1) else {
            return Err(vec!["its policy was changed 255 times, as often as it can be".to_owned()]);
        };
        let old = Arc::clone(&self.composed.borrow());
        reloader.candidate(&old, self.layers.kernel.keeper(), stamp).await
    }

    /// No message is judged from the first line to the last store: at no time do parts of both policies hold together.
    async fn put_in_force(&self, candidate: &Candidate) -> Result<(), Stopped> {
        let Candidate { composed, kernels, .. } = candidate;
        let (kernel, outside) = (self.layers.kernel, self.layers.outside);
        kernel.prepare(kernels)?;
        let judged = composed.support.ebpf.network;
        let ready = match self.teach(kernels).filter(|_| judged) {
            Some(teach) => outside.revise(&composed.plan.network, candidate.stamp, teach),
            None => Ok(None),
        };
        let ready = ready.inspect_err(|_| kernel.abandon())?;
        // What was denied until now is told of by the old policy's words.
        self.tell_all()?;
        let both = {
            let engine = self.engine.borrow();
            engine.active().union(engine.active_under(&composed.plan.tools))
        };
        self.commit(kernels, both)?;
        self.tell_all()?;
        let judgement = self.follow(candidate, ready.is_some())?;
        if let Some(ready) = ready {
            ready.commit();
        }
        Ok(self.apply(judgement, &[], Side::Client).await?)
    }

    /// How addresses are made known under the policy that is prepared; `None`: nobody here can be taught.
    fn teach(&self, kernels: &Kernels) -> Option<Teach> {
        match kernels {
            Kernels::None => None,
            Kernels::Own(_) => {
                let gate = self.layers.kernel.gate()?;
                Some(Box::new(move |address, learned| gate.learn_next(address, learned)))
            }
            Kernels::Daemon(next) => {
                let next = next.clone();
                Some(Box::new(move |address, learned| next.learn(address, learned)))
            }
        }
    }

    fn commit(&self, kernels: &Kernels, both: ClassMask) -> Result<(), Stopped> {
        let kernel = self.layers.kernel;
        kernel.hold(both.bits());
        match kernel.commit(kernels) {
            Committed::Done => Ok(()),
            Committed::Not(why) => {
                kernel.follow(&self.engine.borrow());
                kernel.abandon();
                Err(why.into())
            }
            Committed::Unknown(why) => {
                let _ = kernel.freeze();
                Err(Stopped::Ending(Ending::Failed(format!(
                    "whether the policy was changed is not known, because the host daemon was lost: {why}"
                ))))
            }
        }
    }

    /// Everything on this side judges and tells by the new policy. `way`: the way out does, too.
    fn follow(&self, candidate: &Candidate, way: bool) -> Result<mcp::Judgement, Ending> {
        let Candidate { composed, stamp, later, .. } = candidate;
        let plan = &composed.plan;
        let judgement = self.engine.borrow_mut().revise(super::orders(plan), &plan.rules, Instant::now());
        super::surroundings::warm(&plan.content, plan.pins.is_some());
        self.layers.kernel.revise(plan, *stamp, &self.engine.borrow());
        self.layers.kernel.follow(&self.engine.borrow());
        if way {
            self.layers.outside.follow(plan);
        }
        self.on_syscall.set(plan.on_violation.syscall);
        let old = self.composed.replace(Arc::clone(composed));
        self.stamp.set(*stamp);
        let written = self.journal.borrow_mut().revise(composed, &old.plan.revision, later);
        written.map_err(|error| Ending::AuditFailed(format!("{error:#}")))?;
        if let Some(card) = self.card {
            card.revise(&plan.name, &plan.revision);
        }
        Ok(judgement)
    }

    /// Hears and writes down what has been denied so far.
    fn tell_all(&self) -> Result<(), Ending> {
        self.hear()?;
        let now = Instant::now();
        self.record_kernel(self.layers.kernel.records(now, true))?;
        self.record_kernel(self.layers.outside.records(now, true))
    }
}

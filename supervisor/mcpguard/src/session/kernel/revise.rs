//! Another policy for the kernel's part.

use std::time::Instant;

use mcp::Engine;
use policy::Plan;
use policy::plan::OnViolation;

use super::Kernel;
use super::budgets::Budgets;
use super::ground::Ground;
use super::limits::Limits;
use super::repeated::Repetition;
use crate::hosted::Committed;
use crate::session::reload::{Keeper, Kernels};

/// Of a policy that was made ready for somebody else than [`Kernel::keeper`] names.
const KEPT_BY_ANOTHER: &str =
    "the session's rules are kept by somebody else than the policy was made ready for";

impl Kernel {
    /// Who would have to take another policy.
    pub(in crate::session) fn keeper(&self) -> Keeper {
        match self.ground.as_ref().map(|ground| ground.borrow()).as_deref() {
            Some(Ground::Own(enclosure)) if enclosure.is_watched() => Keeper::Own,
            Some(Ground::Hosted(hosted)) => Keeper::Daemon(hosted.place()),
            _ => Keeper::Nobody,
        }
    }

    /// Writes it down; nothing is decided by it yet.
    pub(in crate::session) fn prepare(&self, kernels: &Kernels) -> Result<(), String> {
        let Kernels::Own(revised) = kernels else { return Ok(()) };
        match self.ground.as_ref().map(|ground| ground.borrow_mut()).as_deref_mut() {
            Some(Ground::Own(enclosure)) => {
                enclosure.prepare(revised, self.server).map_err(|error| error.to_string())
            }
            _ => Err(KEPT_BY_ANOTHER.to_owned()),
        }
    }

    /// Forgets it.
    pub(in crate::session) fn abandon(&self) {
        if let Some(ground) = &self.ground
            && let Ground::Own(enclosure) = &mut *ground.borrow_mut()
        {
            enclosure.abandon();
        }
    }

    /// These classes hold, whatever calls are in flight, until grants follow the calls again. Of a class that only one of
    /// two policies has the other one knows nothing, so that what both would open is opened by neither too early.
    pub(in crate::session) fn hold(&self, active: u64) {
        let (_, call) = self.followed.get();
        if let Some(ground) = &self.ground {
            ground.borrow().follow(active, call);
        }
        if let Some(gate) = &self.gate {
            gate.follow(active, call);
        }
        self.followed.set((active, call));
    }

    /// Puts it in force, by one store.
    pub(in crate::session) fn commit(&self, kernels: &Kernels) -> Committed {
        let mut ground = self.ground.as_ref().map(|ground| ground.borrow_mut());
        match (ground.as_deref_mut(), kernels) {
            (_, Kernels::None) => Committed::Done,
            (Some(Ground::Own(enclosure)), Kernels::Own(revised)) => {
                let ended = self.proofs.borrow_mut().begin_again(enclosure, Instant::now());
                match ended.and_then(|()| enclosure.commit(revised).map_err(|error| error.to_string())) {
                    Ok(()) => Committed::Done,
                    Err(error) => Committed::Not(error),
                }
            }
            (Some(Ground::Hosted(hosted)), Kernels::Daemon(next)) => {
                let committed = next.commit();
                if matches!(committed, Committed::Done) {
                    hosted.follow_policy(next);
                }
                committed
            }
            _ => Committed::Not(KEPT_BY_ANOTHER.to_owned()),
        }
    }

    /// Tells by it from now on. The engine judges by it already.
    pub(in crate::session) fn revise(&self, plan: &Plan, stamp: u8, engine: &Engine) {
        let kills = |kind: OnViolation| kind == OnViolation::Kill;
        let of = &plan.on_violation;
        self.rules.borrow_mut().follow(plan, stamp);
        self.kills.set([of.file, of.network, of.exec].map(kills));
        self.repetition.replace(of.repeated.map(Repetition::new));
        let budgets = self.budgets.borrow().followed_by(plan, engine);
        self.budgets.replace(budgets);
        self.limits.replace(Limits::of(plan));
    }
}

impl Budgets {
    /// Those of another plan: of grants that stay the same, what was begun and spent goes on; calls in flight that have
    /// other grants now may spend what the new plan gives to one of their tool.
    fn followed_by(&self, plan: &Plan, engine: &Engine) -> Self {
        let mut new = Self::of(plan);
        for budget in &mut new.0 {
            match self.0.iter().find(|old| old.is_the_same(budget)) {
                Some(old) => *budget = old.clone(),
                None => budget.begin_behind(engine),
            }
        }
        new
    }
}

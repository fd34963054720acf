//! Budgets of calls: when one begins its class may spend more, and when it ends what is left is taken back.

use abi::Spending;
use enforce::Egress;
use mcp::Engine;
use policy::Plan;
use policy::plan::{CallBudget, ClassId};

/// The budgets of a session; none where the policy has none.
pub(super) struct Budgets(pub(super) Vec<OfClass>);

/// One budget of the calls of one class.
#[derive(Clone)]
pub(super) struct OfClass {
    class: ClassId,
    what: Spending,
    /// What one call may spend.
    each: u64,
    /// Calls that have begun so far.
    begun: u64,
    /// Calls at the server.
    running: u32,
    /// Up to where they may spend, from the session's start.
    granted: u64,
}

impl Budgets {
    pub(super) fn of(plan: &Plan) -> Self {
        let of_class = |(class, budget): (&ClassId, &CallBudget)| {
            let class = *class;
            let connections =
                budget.connections.map(|(each, _)| OfClass::new(class, Spending::Connections, each.into()));
            let bytes = budget.sent_bytes.map(|(each, _)| OfClass::new(class, Spending::SentBytes, each));
            connections.into_iter().chain(bytes)
        };
        Self(plan.budgets.iter().flat_map(of_class).collect())
    }

    /// Gives the calls that have begun what they may spend. Before their grants hold.
    pub(super) fn begin(&mut self, engine: &Engine, egress: &dyn Egress) {
        self.0.iter_mut().for_each(|budget| budget.begin(engine.calls_of(budget.class).0, egress));
    }

    /// Takes back what the calls that have ended did not spend. After their grants have ended.
    pub(super) fn end(&mut self, engine: &Engine, egress: &dyn Egress) {
        self.0.iter_mut().for_each(|budget| budget.end(engine.calls_of(budget.class).1, egress));
    }
}

impl OfClass {
    fn new(class: ClassId, what: Spending, each: u64) -> Self {
        Self { class, what, each, begun: 0, running: 0, granted: 0 }
    }

    /// Whether it is the same budget of the same grants.
    pub(super) fn is_the_same(&self, other: &Self) -> bool {
        (self.class, self.each) == (other.class, other.each) && self.what as usize == other.what as usize
    }

    /// Calls that are at the server already begin with the next look; those that ended before are past.
    pub(super) fn begin_behind(&mut self, engine: &Engine) {
        let (begun, running) = engine.calls_of(self.class);
        self.begun = begun.saturating_sub(running.into());
    }

    fn begin(&mut self, begun: u64, egress: &dyn Egress) {
        let new = begun - self.begun;
        if new == 0 {
            return;
        }
        self.begun = begun;
        self.running = self.running.saturating_add(u32::try_from(new).unwrap_or(u32::MAX));
        // What was spent while it was taken back was another call's.
        let from = self.granted.max(egress.spent(self.what, self.class.number()));
        self.grant(from.saturating_add(self.each.saturating_mul(new)), egress);
    }

    fn end(&mut self, running: u32, egress: &dyn Egress) {
        if running >= self.running {
            return;
        }
        self.running = running;
        // Nobody knows which of them has spent what: those that go on have what one call has, each.
        let spent = egress.spent(self.what, self.class.number());
        let most = spent.saturating_add(self.each.saturating_mul(running.into()));
        self.grant(most.min(self.granted), egress);
    }

    fn grant(&mut self, upto: u64, egress: &dyn Egress) {
        self.granted = upto;
        egress.grant(self.what, self.class.number(), upto);
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};
    use std::sync::atomic::{AtomicU64, Ordering};

    use abi::Learned;

    use super::*;

    /// A backend that only counts.
    #[derive(Debug, Default)]
    struct Purse {
        granted: AtomicU64,
        spent: AtomicU64,
    }

    impl Purse {
        /// Spends one, if it may.
        fn spend(&self) -> bool {
            let left = self.granted.load(Ordering::Relaxed) > self.spent.load(Ordering::Relaxed);
            left && self.spent.fetch_add(1, Ordering::Relaxed) < u64::MAX
        }

        fn spend_all(&self) -> usize {
            std::iter::from_fn(|| self.spend().then_some(())).count()
        }
    }

    impl Egress for Purse {
        fn learn(&self, _: IpAddr, _: &Learned) -> Result<(), enforce::LearnError> {
            Ok(())
        }
        fn learn_next(&self, _: IpAddr, _: &Learned) -> Result<(), enforce::LearnError> {
            Ok(())
        }
        fn forget(&self, _: IpAddr) {}
        fn arrived(&self, _: SocketAddr) -> Option<SocketAddr> {
            None
        }
        fn moment(&self) -> (u64, u64) {
            (1, 0)
        }
        fn follow(&self, _: u64, _: u64) {}
        fn grant(&self, _: Spending, _: u8, upto: u64) {
            self.granted.store(upto, Ordering::Relaxed);
        }
        fn spent(&self, _: Spending, _: u8) -> u64 {
            self.spent.load(Ordering::Relaxed)
        }
    }

    fn three_each() -> (OfClass, Purse) {
        (OfClass::new(ClassId::new(1).expect("1"), Spending::Connections, 3), Purse::default())
    }

    #[test]
    fn a_call_has_its_budget_and_leaves_nothing_to_the_next() {
        let (mut budget, purse) = three_each();
        assert_eq!(purse.spend_all(), 0, "before the first call");
        budget.begin(1, &purse);
        assert_eq!(purse.spend_all(), 3);
        budget.end(0, &purse);
        budget.begin(2, &purse);
        assert!(purse.spend());
        budget.end(0, &purse);
        assert_eq!(purse.spend_all(), 0, "what is left is taken back");
        budget.begin(3, &purse);
        assert_eq!(purse.spend_all(), 3);
    }

    #[test]
    fn calls_at_the_same_time_have_together_what_they_have_each() {
        let (mut budget, purse) = three_each();
        budget.begin(2, &purse);
        assert!([(); 4].iter().all(|()| purse.spend()));
        budget.end(1, &purse);
        assert_eq!(purse.spend_all(), 2, "never more than both had");
        budget.begin(3, &purse);
        budget.end(1, &purse);
        assert_eq!(purse.spend_all(), 3, "one ended and one began at once");
    }

    #[test]
    fn what_is_spent_while_it_is_taken_back_costs_the_next_call_nothing() {
        let (mut budget, purse) = three_each();
        budget.begin(1, &purse);
        budget.end(0, &purse);
        // A program that looked just before.
        purse.spent.fetch_add(1, Ordering::Relaxed);
        budget.begin(2, &purse);
        assert_eq!(purse.spend_all(), 3);
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let (mut budget, purse) = three_each();
        budget.each = u64::MAX;
        budget.begin(7, &purse);
        assert!(purse.spend());
        budget.end(6, &purse);
        budget.begin(8, &purse);
        assert!(purse.spend());
    }
}

//! What is counted on the way out: connections, the addresses that they go to, and what calls may spend. As the eBPF
//! programs count it (`ebpf/programs/src/spending.rs`).

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use abi::{Budget, CLASSES, DESTINATION_NS, Rate, Spending};
use verdict::rate::{Taken, take};
use verdict::{Denial, budget};

use super::bounded::Bounded;
use crate::encode::BudgetRule;

/// Addresses that are remembered; the oldest gives way to the newest, and costs a token again.
const MOST_DESTINATIONS: usize = 1 << 14;

/// A rate, and the rule that is told of when it is used up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limit {
    pub(super) rate: Rate,
    /// [`abi::NO_RULE`] if the policy limits nothing.
    pub(super) rule: u32,
}

/// The buckets of one session. The gate alone takes from them.
#[derive(Debug)]
pub(super) struct Counts {
    connections: Bucket,
    destinations: Bucket,
    /// Until when each address is remembered.
    known: Bounded<IpAddr, u64>,
}

#[derive(Debug)]
struct Bucket {
    kind: abi::Bucket,
    limit: Limit,
    back_at: u64,
}

impl Bucket {
    fn new(kind: abi::Bucket, limit: Limit) -> Self {
        Self { kind, limit, back_at: 0 }
    }

    fn take(&mut self, now_ns: u64) -> Result<(), Denial> {
        match take(&self.limit.rate, self.back_at, now_ns, 1) {
            Taken::Unlimited => Ok(()),
            Taken::Store(next) => {
                self.back_at = next;
                Ok(())
            }
            Taken::Over => Err(Denial { rule: self.limit.rule, ..Denial::rate(self.kind) }),
        }
    }
}

impl Counts {
    pub(super) fn new(connections: Limit, destinations: Limit) -> Self {
        Self {
            connections: Bucket::new(abi::Bucket::Connect, connections),
            destinations: Bucket::new(abi::Bucket::Destination, destinations),
            known: Bounded::new(MOST_DESTINATIONS),
        }
    }

    /// A new connection, now (`CLOCK_BOOTTIME`, nanoseconds).
    pub(super) fn connection(&mut self, now_ns: u64) -> Result<(), Denial> {
        self.connections.take(now_ns)
    }

    /// An address that the session goes to; it costs a token if it has not been for a while.
    pub(super) fn destination(&mut self, address: IpAddr, now_ns: u64) -> Result<(), Denial> {
        let address = address.to_canonical();
        if self.destinations.limit.rate.interval_ns == 0
            || self.known.get(&address).is_some_and(|until| *until > now_ns)
        {
            return Ok(());
        }
        self.destinations.take(now_ns)?;
        self.known.insert(address, now_ns.saturating_add(DESTINATION_NS));
        Ok(())
    }
}

/// What the calls of each class may spend in connections. The doorman grants, the gate spends.
#[derive(Debug)]
pub(super) struct Budgets {
    classes: u64,
    each: Box<[OfClass; CLASSES]>,
}

#[derive(Debug, Default)]
struct OfClass {
    granted: AtomicU64,
    spent: AtomicU64,
    rule: u32,
}

impl Budgets {
    pub(super) fn new(budgets: &[BudgetRule]) -> Self {
        let mut each = Box::new(std::array::from_fn::<_, CLASSES, _>(|_| OfClass::default()));
        let connections = budgets.iter().filter(|budget| budget.what == Spending::Connections);
        let classes = connections.fold(0, |classes, budget| {
            each[usize::from(budget.class) % CLASSES].rule = budget.rule;
            classes | 1 << budget.class
        });
        Self { classes, each }
    }

    /// One connection, to where these classes may go, under the active set.
    pub(super) fn connection(&self, granted: u64, active: u64) -> Result<(), Denial> {
        let charged = budget::charged(granted, active, self.classes);
        let charged = self.each.iter().enumerate().filter(|(class, _)| charged >> class & 1 != 0);
        for (_, of_class) in charged {
            // The gate alone spends.
            let spent = of_class.spent.load(Ordering::Relaxed);
            let seen =
                Budget { granted: of_class.granted.load(Ordering::Acquire), spent, ..Budget::default() };
            match budget::take(&seen, 1) {
                Some(next) => of_class.spent.store(next, Ordering::Release),
                None => return Err(Denial::budget(Spending::Connections, of_class.rule)),
            }
        }
        Ok(())
    }

    pub(super) fn grant(&self, class: u8, upto: u64) {
        self.each[usize::from(class) % CLASSES].granted.store(upto, Ordering::Release);
    }

    pub(super) fn spent(&self, class: u8) -> u64 {
        self.each[usize::from(class) % CLASSES].spent.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::Reason;

    fn limit(count: u64) -> Limit {
        let interval_ns = DESTINATION_NS / count;
        Limit { rate: Rate { interval_ns, window_ns: interval_ns * count }, rule: 7 }
    }

    #[test]
    fn connections_are_counted() {
        let mut counts = Counts::new(limit(2), Limit::default());
        assert!(counts.connection(5).is_ok() && counts.connection(6).is_ok());
        let over = Denial { reason: Reason::Rate, rule: 7, limit: abi::Bucket::Connect as u32 };
        assert_eq!(counts.connection(7), Err(over));
        assert!(counts.connection(5 + DESTINATION_NS / 2).is_ok(), "one has come back");
    }

    #[test]
    fn an_address_costs_once_a_minute_in_whichever_form() {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        let mut counts = Counts::new(Limit::default(), limit(2));
        let mut to = |text: &str, now_ns| counts.destination(address(text), now_ns).is_ok();
        assert!(to("10.0.0.1", 1) && to("10.0.0.1", 2) && to("::ffff:10.0.0.1", 3));
        assert!(to("10.0.0.2", 4) && !to("10.0.0.3", 5) && !to("2001:db8::1", 6));
        assert!(to("10.0.0.1", 7), "it is known");
        assert!(to("10.0.0.3", DESTINATION_NS / 2 + 5), "one has come back");
        assert!(to("10.0.0.1", DESTINATION_NS + 10), "it is forgotten, and costs the one that has come back");
        assert!(!to("10.0.0.2", DESTINATION_NS + 11), "it is forgotten too");
    }

    #[test]
    fn no_limit_limits_nothing_and_remembers_nothing() {
        let mut counts = Counts::new(Limit::default(), Limit::default());
        for number in 0..100_u32 {
            counts.connection(1).expect("no limit");
            counts.destination(std::net::Ipv4Addr::from_bits(number).into(), 1).expect("no limit");
        }
        assert!(counts.known.is_empty());
    }

    #[test]
    fn calls_spend_what_they_were_granted() {
        let budget = |class, rule| BudgetRule { what: Spending::Connections, class, rule };
        let bytes = BudgetRule { what: Spending::SentBytes, class: 3, rule: 30 };
        let budgets = Budgets::new(&[budget(1, 10), budget(2, 20), bytes]);
        budgets.grant(1, 1);
        budgets.grant(2, 3);
        assert_eq!(budgets.connection(0b10, 0b111), Ok(()));
        assert_eq!(budgets.connection(0b10, 0b111), Err(Denial::budget(Spending::Connections, 10)));
        assert_eq!(budgets.connection(0b10, 0b101), Ok(()), "not for this class");
        assert_eq!(budgets.connection(0b1001, 0b1101), Ok(()), "charged to the second class");
        assert_eq!((budgets.spent(1), budgets.spent(2), budgets.spent(3)), (1, 1, 0));
    }
}

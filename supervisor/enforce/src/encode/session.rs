//! Flags and rates of a session.

use std::time::Duration;

use abi::{BUCKETS, Bucket, Names, Rate, Spending, session_flags};
use policy::Plan;
use policy::plan::{CallBudget, ClassId, Consequence, OnViolation, RuleId, Violations};

use super::BudgetRule;
use super::places::Places;

const MINUTE: Duration = Duration::from_secs(60);

/// The flags of a session that is not live yet.
pub(super) fn flags(plan: &Plan, places: &Places, names: &Names) -> u32 {
    let Violations { file, network, exec, tool: _, syscall: _, repeated } = plan.on_violation;
    let kills = |kind| kind == OnViolation::Kill;
    let ends_it = repeated.is_some_and(|repeated| repeated.then == Consequence::Kill);
    // Who may write a program and execute it runs any code; that a library may not lie there would stop nobody.
    let code_anywhere = places.iter().any(|(_, place)| place.write != 0 && place.execute != 0);
    let all = [
        (plan.network.wants_ip(), session_flags::NETWORK),
        (plan.network.resolves(), session_flags::DOORS),
        (plan.network.listen.contains(&0), session_flags::LISTEN_ANY),
        (kills(file), session_flags::KILL_FILE),
        (kills(network), session_flags::KILL_NETWORK),
        (kills(exec), session_flags::KILL_EXEC),
        (ends_it, session_flags::KILL_REPEATED),
        (code_anywhere, session_flags::CODE_ANYWHERE),
        (*names != Names::default(), session_flags::NAMES),
        (names.prefix_lengths[0] != 0 || names.suffix_lengths[0] != 0, session_flags::NAME_ENDS),
    ];
    all.iter().filter(|(set, _)| *set).fold(0, |sum, (_, flag)| sum | flag)
}

/// The rates, by bucket. Freezing is the supervisor's; only what ends the session is counted in the kernel.
pub(super) fn rates(plan: &Plan) -> [Rate; BUCKETS] {
    let per_minute =
        |count: Option<u32>| count.map_or_else(Rate::default, |n| bucket(n.into(), n.into(), MINUTE));
    let mut rates = [Rate::default(); BUCKETS];
    rates[Bucket::Exec as usize] = per_minute(plan.limits.max_execs_per_minute);
    rates[Bucket::Open as usize] = per_minute(plan.limits.max_opens_per_minute);
    rates[Bucket::Connect as usize] = per_minute(plan.network.max_connections_per_minute);
    rates[Bucket::Destination as usize] = per_minute(plan.network.max_destinations_per_minute);
    if let Some(bytes) = plan.network.max_sent_bytes_per_minute {
        rates[Bucket::SentBytes as usize] = bucket(bytes, bytes, MINUTE);
    }
    if let Some(repeated) = plan.on_violation.repeated.filter(|repeated| repeated.then == Consequence::Kill) {
        // The last one of so many is the one that is over.
        let count = u64::from(repeated.count);
        rates[Bucket::Denial as usize] = bucket(count, count.saturating_sub(1), repeated.within);
    }
    rates
}

/// Who has a budget for each call.
pub(super) fn budgets(plan: &Plan) -> Vec<BudgetRule> {
    let of_class = |(class, budget): (&ClassId, &CallBudget)| {
        let CallBudget { connections, sent_bytes } = *budget;
        let connections = connections.map(|(_, rule)| (Spending::Connections, rule));
        let sent_bytes = sent_bytes.map(|(_, rule)| (Spending::SentBytes, rule));
        let class = class.number();
        let rule = move |(what, rule): (Spending, RuleId)| BudgetRule { what, class, rule: rule.0 };
        connections.into_iter().chain(sent_bytes).map(rule)
    };
    plan.budgets.iter().flat_map(of_class).collect()
}

/// `burst` tokens at once; `count` come back in a period, never more.
fn bucket(count: u64, burst: u64, period: Duration) -> Rate {
    let period = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX);
    let interval_ns = period.div_ceil(count.max(1)).max(1);
    Rate { interval_ns, window_ns: interval_ns.saturating_mul(burst) }
}

//! Denials for a rate: what was allowed until then is not recorded, so that only the limits are compared.

use audit::{Cause, Denial};

use crate::cli::replay::judge::Judge;
use crate::cli::replay::verdict::Verdict;

pub(super) fn verdict(judge: &Judge, denial: &Denial) -> Verdict {
    let Some((key, now)) = limit(judge, denial) else {
        return Verdict::unknown("the log does not tell which limit it was");
    };
    let rule = judge.written(key);
    match (now, denial.limit) {
        (None, _) => Verdict::allowed(),
        (Some(now), Some(then)) if now <= then => Verdict::denied(Cause::Rate, rule),
        // The rule as it was is the rule as it is.
        _ if same(denial, rule.as_ref()) => Verdict::denied(Cause::Rate, rule),
        _ => Verdict::unknown("what was allowed until then is not recorded").by(rule),
    }
}

fn same(denial: &Denial, now: Option<&audit::RuleRef>) -> bool {
    denial.rule.as_ref().zip(now).is_some_and(|(then, now)| then.text == now.text)
}

/// The key of the limit that was reached, and what it is now.
fn limit(judge: &Judge, denial: &Denial) -> Option<(&'static str, Option<u64>)> {
    let (network, limits) = (&judge.plan.network, &judge.plan.limits);
    let all = [
        ("filesystem.max_opens_per_minute", limits.max_opens_per_minute.map(u64::from)),
        ("execution.max_execs_per_minute", limits.max_execs_per_minute.map(u64::from)),
        ("network.max_connections_per_minute", network.max_connections_per_minute.map(u64::from)),
        ("network.max_sent_bytes_per_minute", network.max_sent_bytes_per_minute),
        ("network.max_destinations_per_minute", network.max_destinations_per_minute.map(u64::from)),
        ("network.max_lookups_per_minute", network.max_lookups_per_minute.map(u64::from)),
        ("network.max_names_per_minute", Some(network.max_names_per_minute.into())),
    ];
    let reason = denial.reason.as_deref().unwrap_or_default();
    let key = match &denial.rule {
        _ if reason.starts_with("more new names") => "network.max_names_per_minute",
        _ if reason.starts_with("more look-ups were made") => "network.max_lookups_per_minute",
        Some(rule) => rule.text.split(':').next()?,
        None => return None,
    };
    all.into_iter().find(|(known, _)| *known == key)
}

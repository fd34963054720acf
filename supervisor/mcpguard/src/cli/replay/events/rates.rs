//! Denials for a rate: what was allowed until then is not recorded, so that of the rate only the limits are compared. What
//! was to be done is judged as if it had been denied for itself: a rate that is gone opens nothing.

use abi::Reason;
use audit::{Cause, Denial};

use super::{files, network};
use crate::cli::replay::judge::Judge;
use crate::cli::replay::verdict::{Now, Verdict};
use crate::cli::why::Target;
use crate::session::because;

pub(super) fn verdict(judge: &Judge, denial: &Denial) -> Verdict {
    let Some((key, now)) = limit(judge, denial) else {
        return Verdict::unknown("the log does not tell which limit it was");
    };
    let access = access(judge, denial, key);
    if matches!(access.now, Now::Denied(_)) {
        return access;
    }
    let rule = judge.written(key);
    match (now, denial.limit) {
        (None, _) => access,
        (Some(now), Some(then)) if now <= then => Verdict::denied(Cause::Rate, rule),
        // The rule as it was is the rule as it is.
        _ if same(denial, rule.as_ref()) => Verdict::denied(Cause::Rate, rule),
        _ => Verdict::unknown("what was allowed until then is not recorded").by(rule),
    }
}

/// What the policy says of what was to be done.
fn access(judge: &Judge, denial: &Denial, key: &str) -> Verdict {
    let for_itself = |cause, detail: Option<&str>, reason: &str| Denial {
        cause,
        detail: detail.map(str::to_owned).or_else(|| denial.detail.clone()),
        reason: Some(reason.to_owned()),
        ..denial.clone()
    };
    let not_granted = because(Reason::NotGranted);
    if key.starts_with("network.") {
        return match Target::of(&denial.what) {
            Target::Other => Verdict::unknown("the log does not tell what was to be reached"),
            _ => network::verdict(judge, &for_itself(Cause::Network, None, network::UNNAMED[0])),
        };
    }
    if key.starts_with("execution.") {
        return files::verdict(judge, &for_itself(Cause::Program, None, not_granted));
    }
    // What the file was to be opened for is not recorded with a rate; whoever may write may read.
    let opened = |how| files::verdict(judge, &for_itself(Cause::File, Some(how), not_granted));
    let (read, both) = (opened("read"), opened("read and write"));
    match read.now == Now::Allowed && both.now != Now::Allowed {
        true => Verdict::unknown("the log does not tell whether the file was to be written").by(read.rule),
        false => read,
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

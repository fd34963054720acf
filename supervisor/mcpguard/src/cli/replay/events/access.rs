//! Denied prompts and resources, by their names and addresses.

use audit::{Cause, Denial};
use policy::plan::{Accesses, RuleId};

use crate::cli::replay::judge::Judge;
use crate::cli::replay::untold::{Asker, ForScopes, SCOPES};
use crate::cli::replay::verdict::Verdict;

/// The doorman writes down so many characters of a name.
const WRITTEN: usize = 128;
/// What a completion is for, a prompt or a resource, is not written down.
const COMPLETES: &str = "completion/complete";

/// What a denied request for a prompt or a resource would come to; `None`: it is about neither.
pub(super) fn verdict(judge: &Judge, asker: &Asker, denial: &Denial) -> Option<Verdict> {
    let access = &judge.plan.access;
    let method = denial.detail.as_deref()?.split_once(", request ")?.0;
    let rules = match method {
        "prompts/get" => &access.prompts,
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => &access.resources,
        COMPLETES if access.prompts.is_empty() && access.resources.is_empty() => {
            return Some(Verdict::allowed());
        }
        COMPLETES => return Some(Verdict::unknown("the log does not tell what was to be completed")),
        _ => return None,
    };
    Some(match denial.rule {
        Some(_) => by_name(judge, asker, rules, denial),
        None => without_rule(judge, rules, denial),
    })
}

/// A rule had closed it.
fn by_name(judge: &Judge, asker: &Asker, rules: &Accesses, denial: &Denial) -> Verdict {
    let name = &denial.what;
    if name.chars().count() >= WRITTEN && !rules.is_empty() {
        return Verdict::unknown("the log does not hold the whole name");
    }
    let rule = |(rule, _): (RuleId, bool)| judge.rule(rule);
    match asker.asked(|holds| rules.refused_to(name, holds)) {
        ForScopes::Open => Verdict::allowed(),
        ForScopes::Refused(by) => {
            Verdict::denied(if by.1 { Cause::Scope } else { Cause::Disabled }, rule(by))
        }
        ForScopes::Unknown(by) => Verdict::unknown(SCOPES).by(rule(by)),
    }
}

/// No rule had closed it: its address could be written in another way, or it could not be read. That is refused wherever
/// there are rules that it might get around.
fn without_rule(judge: &Judge, rules: &Accesses, denial: &Denial) -> Verdict {
    let access = &judge.plan.access;
    let all_open = access.prompts.is_empty() && access.resources.is_empty();
    match rules.is_empty() && (all_open || !denial.what.is_empty()) {
        true => Verdict::allowed(),
        false => Verdict::denied(Cause::Disabled, None),
    }
}

/// An answer to such a request was replaced for its length.
pub(super) fn too_large(judge: &Judge, denial: &Denial) -> Verdict {
    let now = judge.plan.responses.max_bytes;
    let rule = judge.written("responses.max_bytes");
    match (now, denial.limit) {
        (Some(now), Some(then)) if now <= then => Verdict::denied(Cause::ResponseSize, rule),
        _ => Verdict::unknown("the log does not hold how long the answer was").by(rule),
    }
}

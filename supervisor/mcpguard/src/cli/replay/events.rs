//! Recorded denials that are no calls: would they be denied still?

mod access;
mod files;
mod network;
mod rates;
mod syscalls;
mod words;

use audit::{Cause, Denial};
use policy::plan::RuleId;

use super::arguments::is_altered;
use super::judge::Judge;
use super::tally::{Kind, Seen, Tally};
use super::untold::{Asker, ForScopes, SCOPES};
use super::verdict::{Then, Verdict};

/// Names of tools that the doorman writes down of one list.
const NAMES: u64 = 256;

/// Judges a denial and counts it.
pub(super) fn judged(judge: &Judge, asker: &Asker, denial: &Denial, seen: &Seen, tally: &mut Tally) {
    if denial.cause == Cause::ToolDisabled {
        return listed(judge, asker, denial, seen, tally);
    }
    let verdict = if is_altered(&denial.what) {
        Verdict::unknown("the log does not hold the whole of what was denied")
    } else {
        verdict(judge, asker, denial)
    };
    let then = Then::Denied(denial.cause);
    tally.add(kind(denial.cause), &denial.what, denial.count.max(1), seen, then, &verdict);
}

fn kind(cause: Cause) -> Kind {
    match cause {
        Cause::File => Kind::File,
        Cause::Network => Kind::Network,
        Cause::Program => Kind::Program,
        Cause::Syscall => Kind::Syscall,
        Cause::Rate => Kind::Rate,
        Cause::UnknownMethod | Cause::ServerRequest | Cause::MessageSize | Cause::Malformed => Kind::Message,
        Cause::Protocol | Cause::Content | Cause::OutputSchema | Cause::ResponseSize => Kind::Message,
        _ => Kind::Other,
    }
}

fn verdict(judge: &Judge, asker: &Asker, denial: &Denial) -> Verdict {
    match denial.cause {
        Cause::File | Cause::Program => files::verdict(judge, denial),
        Cause::Network => network::verdict(judge, denial),
        Cause::Rate => rates::verdict(judge, denial),
        Cause::Syscall => syscalls::verdict(judge, denial),
        Cause::UnknownMethod => method(judge, &denial.what),
        Cause::ServerRequest => asks(judge, asked_for(denial)),
        Cause::Disabled | Cause::Scope => {
            access::verdict(judge, asker, denial).unwrap_or_else(|| Verdict::denied(denial.cause, None))
        }
        Cause::ResponseSize => access::too_large(judge, denial),
        Cause::Quarantine => quarantined(judge),
        Cause::MessageSize => message_size(judge, denial),
        Cause::Content if judge.plan.content.answers.is_empty() && !judge.plan.responses.judges_content() => {
            Verdict::allowed()
        }
        Cause::Content | Cause::OutputSchema => {
            Verdict::unknown("the log does not hold what the message says")
        }
        Cause::Resource | Cause::Repeated => {
            Verdict::unknown("the log does not tell what was used until then")
        }
        // No policy allows it: the protocol, the guard itself, what lies outside of the session.
        cause => Verdict::denied(cause, None),
    }
}

fn method(judge: &Judge, method: &str) -> Verdict {
    match judge.plan.session.extra_methods.iter().any(|extra| extra == method) {
        true => Verdict::allowed().by(judge.written("session.extra_methods")),
        false => Verdict::denied(Cause::UnknownMethod, None),
    }
}

/// What the server asked for: by itself, or in an answer.
fn asked_for(denial: &Denial) -> &str {
    let reason = denial.reason.as_deref().unwrap_or_default();
    reason.strip_prefix("it asks for ").unwrap_or(&denial.what)
}

/// What the server showed otherwise than somebody had accepted it, and is no tool.
fn quarantined(judge: &Judge) -> Verdict {
    let access = &judge.plan.access;
    match judge.plan.pins.is_none() && access.prompts.is_empty() && access.resources.is_empty() {
        true => Verdict::allowed(),
        false => Verdict::unknown("the log does not hold what the server shows of itself"),
    }
}

/// What the server asks of the client.
pub(super) fn asks(judge: &Judge, method: &str) -> Verdict {
    let session = &judge.plan.session;
    let (key, allowed) = match method {
        "sampling/createMessage" => ("sampling", session.sampling),
        "elicitation/create" => ("elicitation", session.elicitation),
        "roots/list" => ("roots", session.roots),
        _ => return Verdict::denied(Cause::ServerRequest, None),
    };
    let rule = judge.written(&format!("server_requests.{key}"));
    if allowed { Verdict::allowed().by(rule) } else { Verdict::denied(Cause::ServerRequest, rule) }
}

fn message_size(judge: &Judge, denial: &Denial) -> Verdict {
    let limit = judge.plan.session.max_message_bytes;
    let rule = judge.written("session.max_message_bytes");
    match words::bytes(denial.detail.as_deref().unwrap_or_default()) {
        Some(bytes) if bytes > limit => Verdict::denied(Cause::MessageSize, rule),
        None if denial.limit.is_some_and(|then| then >= limit) => Verdict::denied(Cause::MessageSize, rule),
        _ => Verdict::unknown("the log does not hold the message that was too long").by(rule),
    }
}

/// Tools that were cut out of a list.
fn listed(judge: &Judge, asker: &Asker, denial: &Denial, seen: &Seen, tally: &mut Tally) {
    let then = Then::Denied(Cause::ToolDisabled);
    let names: Vec<&str> = denial.detail.as_deref().unwrap_or_default().split(", ").collect();
    let told = names.len() as u64 == denial.count.min(NAMES) && !names.iter().any(|name| is_altered(name));
    let told = if told { names } else { Vec::new() };
    for name in &told {
        let verdict = match shown(judge, asker, name) {
            ForScopes::Refused(rule) => Verdict::denied(Cause::ToolDisabled, judge.rule(rule)),
            ForScopes::Unknown(rule) => Verdict::unknown(SCOPES).by(judge.rule(rule)),
            ForScopes::Open => Verdict::allowed().by(judge.rule(judge.tool(name).from)),
        };
        tally.add(Kind::Listed, name, 1, seen, then, &verdict);
    }
    let rest = denial.count.saturating_sub(told.len() as u64);
    if rest > 0 {
        let verdict = Verdict::unknown("the log does not name them");
        tally.add(Kind::Listed, "hidden tools", rest, seen, then, &verdict);
    }
}

/// The rule that hides a tool from the caller.
fn shown(judge: &Judge, asker: &Asker, tool: &str) -> ForScopes<RuleId> {
    let rule = judge.tool(tool);
    let closed = (!rule.enabled).then_some(rule.from);
    asker.asked(|holds| closed.or_else(|| judge.plan.tools.refused_to(tool, holds)))
}

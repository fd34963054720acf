//! What a refused or failed call is told, in words that a model can act on: the rule, the reason, what to do now.

use std::time::Duration;

use policy::plan::RuleId;
use serde_json::{Value, json};

use super::access::Closed;
use super::answer::Code;
use super::arguments::Objection;
use super::rulebook::Rulebook;
use crate::fact::{Refusal, Replacement};

/// Which call it is about.
pub(super) struct About<'a> {
    pub(super) tool: &'a str,
    pub(super) rule: RuleId,
    /// The policy author's reason.
    pub(super) why: Option<&'a str>,
    pub(super) timeout: Option<Duration>,
}

pub(super) fn code(refusal: Refusal) -> Code {
    match refusal {
        Refusal::Disabled
        | Refusal::ScopeMissing
        | Refusal::Argument
        | Refusal::Schema
        | Refusal::Unlisted
        | Refusal::Content
        | Refusal::Poisoned
        | Refusal::Quarantined
        | Refusal::NotApproved
        | Refusal::Denied
        | Refusal::RequestTooLarge { .. } => Code::Refused,
        Refusal::WaitedTooLong => Code::TimedOut,
        _ => Code::Busy,
    }
}

/// Why the call did not go to the server.
pub(super) fn refused(rules: &Rulebook, about: &About<'_>, refusal: Refusal) -> String {
    let rule = rule(rules, about.rule);
    let what = match refusal {
        Refusal::Disabled => format!(
            "{rule} disables this tool.{} Calling it again will not help: go on without it, or tell the user.",
            why(about.why)
        ),
        Refusal::ScopeMissing => format!(
            "{rule} wants a scope that this caller does not hold.{} Calling it again will not help: go on without it, \
             or tell the user.",
            why(about.why)
        ),
        // Those are told with what they object to: `objected`.
        Refusal::Argument | Refusal::Schema | Refusal::Unlisted | Refusal::Content => {
            "its arguments are refused.".to_owned()
        }
        Refusal::Poisoned => format!(
            "what the server tells about it is kept from you by {rule}. Go on without it, and tell the user."
        ),
        Refusal::NotApproved => format!(
            "{rule} wants it to be approved, and nobody has done so in time. It was not carried out. Tell the user, who can approve \
             it with `mcpguard approve` when it is called again."
        ),
        Refusal::Denied => format!(
            "it was denied by who was asked to approve it ({rule}). It was not carried out. Do not call it again: tell the user."
        ),
        Refusal::Quarantined => format!(
            "the server shows it otherwise than somebody has accepted it, or nobody has looked at it yet ({rule}). Go on without it, and \
             tell the user, who can look at it with `mcpguard pin diff` and accept it."
        ),
        Refusal::RequestTooLarge { limit } => {
            format!("the request is longer than the {limit} bytes that {rule} allows. Send less in one call.")
        }
        Refusal::SessionRate { limit, retry } => {
            format!("the policy allows {limit} tool calls per minute in this session. {}", again(retry))
        }
        Refusal::ToolRate { limit, retry } => {
            format!("{rule} allows {limit} calls of this tool per minute. {}", again(retry))
        }
        Refusal::TooManyCalls { limit } => {
            format!(
                "{limit} calls are in flight, and the policy allows no more at once. Wait until one has ended."
            )
        }
        Refusal::QueueFull => {
            "too much is waiting for a tool that runs alone. Wait until the open calls have ended.".to_owned()
        }
        Refusal::WaitedTooLong => format!(
            "it waited {} for a tool that runs alone ({rule}). It was not started; it may be called again.",
            seconds(about.timeout.unwrap_or_default())
        ),
        Refusal::CancelledWaiting => "it was cancelled before it was started.".to_owned(),
        Refusal::SessionEnded => "the session ended before it was started.".to_owned(),
    };
    format!("mcpguard refused `{}`: {what}", about.tool)
}

/// Why the call's arguments do not pass.
pub(super) fn objected(rules: &Rulebook, tool: &str, objection: &Objection) -> String {
    let Objection { reason: _, rule, sentence } = objection;
    let by = rule.map(|id| format!(" ({})", self::rule(rules, id))).unwrap_or_default();
    let reason = rule.and_then(|id| rules.words(id)?.reason.as_deref());
    let because = why(reason);
    let stop = if because.is_empty() { "" } else { "." };
    format!("mcpguard refused `{tool}`: {sentence}{by}{stop}{because}")
}

/// Why a request about a prompt or a resource does not go to the server.
pub(super) fn closed(rules: &Rulebook, method: &str, subject: &str, why: Closed) -> String {
    let subject = clipped(subject);
    let because = match why {
        Closed::Rule(id, scope) => {
            let what = if scope { "wants a scope that this caller does not hold" } else { "disables it" };
            let reason = rules.words(id).and_then(|words| words.reason.as_deref());
            format!("{} {what}.{}", rule(rules, id), self::why(reason))
        }
        Closed::Spelling => {
            "its address can be written in another way; write it in its plain form, without `.`, `..` and needless escapes.".to_owned()
        }
        Closed::Unreadable => "it names nothing that a rule could be found for.".to_owned(),
    };
    format!("mcpguard refused `{method}` of `{subject}`: {because}")
}

/// Why a prompt is not asked for.
pub(super) fn changed(rules: &Rulebook, method: &str, rule: RuleId) -> String {
    let rule = self::rule(rules, rule);
    format!(
        "mcpguard refused `{method}`: the server shows this prompt otherwise than somebody has accepted it ({rule})"
    )
}

/// Why a request that is no call does not go to the server: what its arguments hold.
pub(super) fn holds(rules: &Rulebook, method: &str, what: &str, rule: RuleId) -> String {
    let rule = self::rule(rules, rule);
    format!("mcpguard refused `{method}`: its arguments hold {what}, which {rule} keeps from the server")
}

/// The call got no answer in time.
pub(super) fn timed_out(rules: &Rulebook, about: &About<'_>) -> String {
    format!(
        "mcpguard ended `{}`: no answer within the {} that {} allows. The server was told to cancel it; \
         it may have had effects already.",
        about.tool,
        seconds(about.timeout.unwrap_or_default()),
        rule(rules, about.rule)
    )
}

/// The answer was withheld. `about` is absent for requests that are no tool calls.
pub(super) fn replaced(
    rules: &Rulebook,
    about: Option<&About<'_>>,
    method: &str,
    reason: &Replacement,
) -> String {
    let what = match reason {
        Replacement::TooLarge { limit } => {
            format!("it is longer than the {limit} bytes that the policy allows. Ask for less at once.")
        }
        Replacement::InputRefused { method } => {
            format!("it asks for `{}`, which the policy does not allow this server.", clipped(method))
        }
        Replacement::Malformed(fault) => format!("the server did not answer with a valid message ({fault})."),
        Replacement::Content { what, rule: id } => {
            format!("it holds {what}, which {} keeps from you. Tell the user.", rule(rules, *id))
        }
        Replacement::Misfit { why } => {
            format!("it is not what the tool itself declares: {}.", clipped(why))
        }
        Replacement::UnreadableList => {
            "the list of tools cannot be read, so it cannot be filtered.".to_owned()
        }
    };
    match about {
        Some(about) => {
            format!("mcpguard withheld the answer of `{}` ({}): {what}", about.tool, rule(rules, about.rule))
        }
        None => format!("mcpguard withheld the answer to `{}`: {what}", clipped(method)),
    }
}

/// The rule as `data` of a JSON-RPC error.
pub(super) fn data(rules: &Rulebook, rule: Option<RuleId>) -> Option<Value> {
    let words = rules.words(rule?)?;
    Some(json!({ "rule": words.text, "at": words.place }))
}

fn rule(rules: &Rulebook, rule: RuleId) -> String {
    match rules.words(rule) {
        Some(words) => format!("the policy rule `{}` ({})", words.text, words.place),
        None => "the policy".to_owned(),
    }
}

fn why(reason: Option<&str>) -> String {
    reason.map(|reason| format!(" Reason: {}.", reason.trim_end_matches('.'))).unwrap_or_default()
}

fn again(retry: Option<Duration>) -> String {
    match retry {
        Some(retry) => {
            format!("Try again in {}.", seconds(Duration::from_secs(retry.as_secs_f64().ceil() as u64)))
        }
        None => "That is none at all; trying again will not help.".to_owned(),
    }
}

fn seconds(duration: Duration) -> String {
    if duration.subsec_nanos() == 0 { format!("{} s", duration.as_secs()) } else { format!("{duration:?}") }
}

/// Text of a peer, short enough for a message or a fact.
pub(super) fn clipped(text: &str) -> String {
    text.chars().take(128).collect()
}

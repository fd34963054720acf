//! The words for what was judged.

use serde::Serialize;

use super::judge::Judge;
use super::tally::Kind;
use super::verdict::{Now, Then};

/// What this policy asks for and no log holds.
pub(super) fn limits(judge: &Judge) -> Vec<&'static str> {
    let mut limits = Vec::new();
    if !judge.plan.content.answers.is_empty() {
        limits.push("what answers say is not recorded: rules of `content.answers` are not judged");
    }
    if judge.plan.responses.validate_output_schema.is_some() {
        limits
            .push("schemas and structured answers are not recorded: `validate_output_schema` is not judged");
    }
    if judge.plan.pins.is_some() {
        limits.push("what servers show of themselves is not recorded: `pins` are not judged");
    }
    let access = &judge.plan.access;
    if !access.prompts.is_empty() || !access.resources.is_empty() {
        limits.push(
            "requests for prompts and resources that were allowed are not recorded: rules of `prompts` and `resources` are not judged for those",
        );
    }
    limits
}

pub(super) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Call => "call",
        Kind::Listed => "listed tool",
        Kind::File => "file",
        Kind::Network => "network",
        Kind::Program => "program",
        Kind::Syscall => "system call",
        Kind::Message => "message",
        Kind::Rate => "rate",
        Kind::Other => "other",
    }
}

pub(super) fn then_word(then: Then) -> String {
    match then {
        Then::Allowed => "allowed".to_owned(),
        Then::Approved(_) => "approved".to_owned(),
        Then::Denied(cause) => word(cause),
    }
}

pub(super) fn now_word(now: Now) -> String {
    match now {
        Now::Allowed => "allowed".to_owned(),
        Now::Denied(cause) => word(cause),
        Now::Waits(1) => "waits for an approval".to_owned(),
        Now::Waits(_) => "waits for two approvals".to_owned(),
        Now::Unknown => "unknown".to_owned(),
    }
}

/// The word that stands for a cause in the log.
pub(super) fn word(value: impl Serialize) -> String {
    let value = serde_json::to_value(value).ok();
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

//! A refusal on one line, why before anything long: most of a screen's lines are short.

use audit::{Body, CallRef, Cause, Denial, Record, RuleRef, for_people};
use serde::Serialize;

/// Characters that are kept of a line: more than any screen shows.
const LONGEST: usize = 512;

/// `10:02:51 write_file: tool_rate by `tools.write_file``, and `10:02:52 ebpf /etc/shadow: file ×3 by … during read_file[4]`.
pub(super) fn refusal(record: &Record) -> String {
    let (what, why) = match &record.body {
        Body::ToolCall(call) => (call.tool.clone(), reason(call.cause, call.rule.as_ref())),
        Body::ToolResult(result) => (result.tool.clone(), reason(result.cause, result.rule.as_ref())),
        Body::Denial(denial) => (subject(denial), circumstances(denial)),
        body => (body.event().to_owned(), String::new()),
    };
    let line = format!("{} {what}: {why}", record.time.strftime("%H:%M:%S"));
    for_people(&line.chars().take(LONGEST).collect::<String>()).into_owned()
}

fn subject(denial: &Denial) -> String {
    format!("{} {}", word(&denial.layer), denial.what)
}

fn circumstances(denial: &Denial) -> String {
    let Denial { cause, rule, count, calls, .. } = denial;
    let often = if *count == 1 { String::new() } else { format!(" ×{count}") };
    let calls: Vec<String> = calls.iter().map(|CallRef { call, tool }| format!("{tool}[{call}]")).collect();
    let during = if calls.is_empty() { String::new() } else { format!(" during {}", calls.join(", ")) };
    format!("{}{often}{}{during}", word(cause), by(rule.as_ref()))
}

fn reason(cause: Option<Cause>, rule: Option<&RuleRef>) -> String {
    format!("{}{}", cause.map(|cause| word(&cause)).unwrap_or_default(), by(rule))
}

fn by(rule: Option<&RuleRef>) -> String {
    rule.map(|rule| format!(" by `{}`", rule.text)).unwrap_or_default()
}

/// The word that stands for the value in the log.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

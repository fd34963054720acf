//! A record as one line for a person. Nothing in it can move the cursor, turn the text around or hide.

use std::fmt::Write as _;

use serde::Serialize;

use crate::body::{
    Alert, Approval, Body, CallRef, Carried, CoverageEntry, CoverageState, Degraded, Denial, Finding,
    Findings, Handshake, KernelDenial, Lost, Noise, Occasion, Operation, Pins, Policy, PolicyChanged,
    Process, Recovered, Repaired, Rotated, RuleRef, SessionEnd, SessionStart, ToolCall, ToolResult, Verdict,
};
use crate::escape::for_people;
use crate::record::Record;

/// Characters of arguments and other long texts on a line.
const MAX_SHOWN: usize = 160;

/// The record on one line: `2026-11-21T02:19:03.123456Z #4 refused delete_repo {"name":"x"}: tool_disabled …`.
pub fn render(record: &Record) -> String {
    let Record { time, seq, body, .. } = record;
    let mut line = format!("{time:.6} #{seq} ");
    // Writing into a String cannot fail.
    let _ = match body {
        Body::SessionStart(start) => session_start(&mut line, start, record),
        Body::Handshake(handshake) => handshake_line(&mut line, handshake),
        Body::ToolCall(call) => tool_call(&mut line, call),
        Body::ToolResult(result) => tool_result(&mut line, result),
        Body::Denial(denial) => denial_line(&mut line, denial),
        Body::Degraded(Degraded { rule, reason, remedy, floor: _ }) => {
            write!(line, "degraded {}: {reason}; would need: {remedy}", rule_text(rule))
        }
        Body::Noise(Noise { stream, bytes, lines, sample }) => {
            write!(
                line,
                "noise    {bytes} bytes in {lines} lines on {} are not MCP{}",
                word(stream),
                after(sample)
            )
        }
        Body::Lost(Lost { count, kind, reason }) => {
            write!(line, "lost     {count} {}{}", word(kind), after(reason))
        }
        Body::Rotated(Rotated { from, reason, removed }) => {
            let from = from.as_deref().unwrap_or("a file that is not there any more");
            write!(line, "rotated  carries on {from} ({}), removed: [{}]", word(reason), removed.join(", "))
        }
        Body::Recovered(Recovered { bytes, newlines, .. }) => {
            write!(
                line,
                "recovered the file did not end with a whole record: {bytes} bytes, {newlines} line breaks"
            )
        }
        Body::SessionEnd(end) => session_end(&mut line, end, record),
        Body::KernelDenial(KernelDenial { sequence, denial }) => denial_line(&mut line, denial)
            .and_then(|()| write!(line, " (session {}, kernel event {sequence})", record.session)),
        Body::Operation(operation) => operation_line(&mut line, operation, record),
        Body::Carried(Carried { sessions, more }) => {
            write!(line, "carried  {} sessions{}", sessions.len(), if *more { ", and more" } else { "" })
        }
        Body::Repaired(Repaired { bytes, .. }) => {
            write!(line, "repaired the last line was not whole: {bytes} bytes were cut off")
        }
        Body::PolicyChanged(changed) => policy_changed(&mut line, changed, record),
        Body::Findings(findings) => findings_line(&mut line, findings),
        Body::Approval(approval) => approval_line(&mut line, approval),
        Body::Pins(pins) => pins_line(&mut line, pins),
        Body::Alert(alert) => alert_line(&mut line, alert),
    };
    for_people(&line).into_owned()
}

fn session_start(line: &mut String, start: &SessionStart, record: &Record) -> std::fmt::Result {
    let SessionStart { policy, command, workspace, client, scopes, kernel, coverage, uid, mcpguard, .. } =
        start;
    write!(
        line,
        "start    session {}: {} under policy {} in {workspace}, uid {uid}",
        record.session,
        short(&command.join(" ")),
        policy_text(policy),
    )?;
    if let Some(client) = client {
        write!(line, ", for {}", process_text(client))?;
    }
    if !scopes.is_empty() {
        write!(line, " with the scopes {}", short(&scopes.join(" ")))?;
    }
    write!(line, "; {}", coverage_text(coverage))?;
    write!(line, "; mcpguard {mcpguard}, kernel {}, Landlock ABI {}", kernel.release, kernel.landlock_abi)
}

fn policy_changed(line: &mut String, changed: &PolicyChanged, record: &Record) -> std::fmt::Result {
    let PolicyChanged { policy, before, coverage, later } = changed;
    write!(
        line,
        "policy   session {}: under policy {} instead of {}; {}",
        record.session,
        policy_text(policy),
        revision_text(before),
        coverage_text(coverage)
    )?;
    match later.is_empty() {
        true => Ok(()),
        false => write!(line, "; from its next start on: {}", short(&later.join(" "))),
    }
}

fn approval_line(line: &mut String, approval: &Approval) -> std::fmt::Result {
    let Approval { call, tool, state, digest, arguments, by, missing, rule: _ } = approval;
    write!(line, "{:8} {tool}[{call}]", word(state))?;
    if let Some(arguments) = arguments {
        write!(line, " {}", short(&arguments.to_string()))?;
    }
    if let Some(by) = by {
        write!(line, " by {by}")?;
    }
    match missing {
        0 => write!(line, ", digest {}", digest.chars().take(12).collect::<String>()),
        missing => {
            write!(line, ", digest {}, {missing} to approve", digest.chars().take(12).collect::<String>())
        }
    }
}

fn pins_line(line: &mut String, pins: &Pins) -> std::fmt::Result {
    let Pins { state, weight, changes, closed, all_closed, tools, rule: _ } = pins;
    write!(line, "pins     {}", word(state))?;
    if let Some(tools) = tools {
        write!(line, ", {tools} tools")?;
    }
    if let Some(weight) = weight {
        write!(line, ", {weight}")?;
    }
    match (all_closed, closed.is_empty()) {
        (true, _) => write!(line, ", all of it is closed")?,
        (false, false) => write!(line, ", closed: {}", short(&closed.join(" ")))?,
        (false, true) => {}
    }
    match changes.is_empty() {
        true => Ok(()),
        false => write!(line, ": {}", short(&changes.join("; "))),
    }
}

fn alert_line(line: &mut String, alert: &Alert) -> std::fmt::Result {
    let Alert { name, severity, occasion, tool, subject, count, within_seconds, suppressed, rule, .. } =
        alert;
    write!(line, "alert    [{}] {name}: ", word(severity))?;
    match (occasion, within_seconds) {
        (Occasion::Matched, Some(seconds)) => write!(line, "{count} in {seconds} s")?,
        (Occasion::Matched, None) => write!(line, "{count}")?,
        (Occasion::GroupsDropped | Occasion::ValuesFull, _) => write!(line, "{count} {}", word(occasion))?,
    }
    if let Some(subject) = subject {
        write!(line, ", {}", short(subject))?;
    }
    if let Some(tool) = tool {
        write!(line, ", of the tool {}", short(tool))?;
    }
    if *suppressed > 0 {
        write!(line, ", {suppressed} more were not told")?;
    }
    why(line, None::<&Occasion>, None, rule.as_ref(), alert.reason.as_deref())
}

fn findings_line(line: &mut String, findings: &Findings) -> std::fmt::Result {
    let Findings { from, method, call, tool, found } = findings;
    let call = call.map(|call| format!("[{call}]")).unwrap_or_default();
    let tool = tool.as_ref().map(|tool| format!(" {tool}{call}")).unwrap_or_default();
    write!(line, "found    in {method}{tool} of the {}: ", word(from))?;
    let one = |finding: &Finding| {
        let Finding { name, kind, treatment, count, rule: _, excerpt } = finding;
        let times = if *count > 1 { format!(" ×{count}") } else { String::new() };
        let excerpt = excerpt.as_ref().map(|text| format!(" {:?}", short(text))).unwrap_or_default();
        format!("{} {name} ({}){times}{excerpt}", word(treatment), word(kind))
    };
    write!(line, "{}", found.iter().map(one).collect::<Vec<_>>().join("; "))
}

fn handshake_line(line: &mut String, handshake: &Handshake) -> std::fmt::Result {
    let Handshake { protocol, client, client_version, server, server_version } = handshake;
    let who = |name: &Option<String>, version: &Option<String>| {
        format!("{} {}", name.as_deref().unwrap_or("?"), version.as_deref().unwrap_or("?"))
    };
    write!(
        line,
        "hello    {} with {}, MCP {protocol}",
        who(client, client_version),
        who(server, server_version)
    )
}

fn tool_call(line: &mut String, call: &ToolCall) -> std::fmt::Result {
    let word = if call.verdict == Verdict::Allowed { "call    " } else { "refused " };
    write!(line, "{word} {}[{}]", call.tool, call.call)?;
    match &call.arguments {
        Some(arguments) => write!(line, " {}", short(&arguments.to_string()))?,
        None => write!(line, " ({} bytes of arguments)", call.argument_bytes)?,
    }
    if let Some(caller) = &call.caller {
        write!(line, " by {caller}")?;
    }
    if call.verdict == Verdict::Refused {
        why(line, call.cause.as_ref(), call.limit, call.rule.as_ref(), call.reason.as_deref())?;
    }
    Ok(())
}

fn tool_result(line: &mut String, result: &ToolResult) -> std::fmt::Result {
    let ToolResult { call, tool, outcome, duration_us, response_bytes, error_code, .. } = result;
    let milliseconds = (*duration_us / 1000, *duration_us % 1000);
    write!(
        line,
        "result   {tool}[{call}] {} after {}.{:03} ms",
        word(outcome),
        milliseconds.0,
        milliseconds.1
    )?;
    write!(line, ", {response_bytes} bytes")?;
    if let Some(code) = error_code {
        write!(line, ", error {code}")?;
    }
    if result.cause.is_some() || result.reason.is_some() {
        why(line, result.cause.as_ref(), result.limit, result.rule.as_ref(), result.reason.as_deref())?;
    }
    Ok(())
}

fn denial_line(line: &mut String, denial: &Denial) -> std::fmt::Result {
    let Denial { layer, cause, what, detail, action, rule, reason, process, calls, count, limit } = denial;
    write!(line, "{:8} {} {}", word(action), word(layer), short(what))?;
    if let Some(detail) = detail {
        write!(line, " ({})", short(detail))?;
    }
    if *count != 1 {
        write!(line, " ×{count}")?;
    }
    if let Some(process) = process {
        write!(line, " by {}", process_text(process))?;
    }
    for (index, CallRef { call, tool }) in calls.iter().enumerate() {
        write!(line, "{}{tool}[{call}]", if index == 0 { " during " } else { ", " })?;
    }
    why(line, Some(cause), *limit, rule.as_ref(), reason.as_deref())
}

fn session_end(line: &mut String, end: &SessionEnd, record: &Record) -> std::fmt::Result {
    let SessionEnd { reason, detail, exit_code, signal, calls, denials, duration_us, processes_killed } = end;
    write!(line, "end      session {}: {}{}", record.session, word(reason), after(detail))?;
    if let Some(code) = exit_code {
        write!(line, ", exit code {code}")?;
    }
    if let Some(signal) = signal {
        write!(line, ", signal {signal}")?;
    }
    write!(line, "; {calls} calls, {denials} denials, {} s", duration_us / 1_000_000)?;
    write!(line, ", {processes_killed} processes killed")
}

fn operation_line(line: &mut String, operation: &Operation, record: &Record) -> std::fmt::Result {
    let Operation { operation, by, uid, detail } = operation;
    write!(line, "{:8} session {} by {}", word(operation), record.session, word(by))?;
    if let Some(uid) = uid {
        write!(line, ", uid {uid}")?;
    }
    write!(line, "{}", after(detail))
}

/// `: tool_rate (limit 60) by tools.defaults… (file:line:column): reason`
fn why(
    line: &mut String,
    cause: Option<&impl Serialize>,
    limit: Option<u64>,
    rule: Option<&RuleRef>,
    reason: Option<&str>,
) -> std::fmt::Result {
    if let Some(cause) = cause {
        write!(line, ": {}", word(cause))?;
    }
    if let Some(limit) = limit {
        write!(line, " (limit {limit})")?;
    }
    if let Some(rule) = rule {
        write!(line, " by {}", rule_text(rule))?;
    }
    match reason {
        Some(reason) => write!(line, ": {}", short(reason)),
        None => Ok(()),
    }
}

/// `github (9a41c20f7b3e)`
fn policy_text(policy: &Policy) -> String {
    let Policy { name, revision, sources: _ } = policy;
    format!("{name} ({})", revision_text(revision))
}

/// As much of it as each record has.
fn revision_text(revision: &str) -> &str {
    revision.get(..12).unwrap_or(revision)
}

fn coverage_text(coverage: &[CoverageEntry]) -> String {
    let enforced = coverage.iter().filter(|entry| entry.state == CoverageState::Enforced).count();
    format!("{enforced} of {} rules enforced", coverage.len())
}

fn rule_text(rule: &RuleRef) -> String {
    let RuleRef { text, source, line, column, reason: _ } = rule;
    if *line == 0 { format!("`{text}` ({source})") } else { format!("`{text}` ({source}:{line}:{column})") }
}

fn process_text(process: &Process) -> String {
    format!("{}[{}]", process.program.as_deref().unwrap_or("process"), process.pid)
}

fn after(text: &Option<String>) -> String {
    text.as_deref().map(|text| format!(": {}", short(text))).unwrap_or_default()
}

/// The beginning of a long text.
fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// The word that stands for the value in the log.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

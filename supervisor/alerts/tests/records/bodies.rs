//! Records to look at.

use audit::{Action, Body, CallRef, Cause, Denial, Outcome, Process, ToolCall, ToolResult};

pub(crate) fn denial(layer: audit::Layer, cause: Cause, what: &str) -> Denial {
    Denial {
        layer,
        cause,
        what: what.to_owned(),
        detail: None,
        action: Action::Denied,
        rule: None,
        reason: None,
        process: Some(Process { pid: 7, program: Some("node".to_owned()) }),
        calls: vec![CallRef { call: 3, tool: "fetch".to_owned() }],
        count: 2,
        limit: None,
    }
}

pub(crate) fn call(verdict: audit::Verdict) -> Body {
    Body::ToolCall(ToolCall {
        call: 3,
        request_id: "3".to_owned(),
        tool: "shell".to_owned(),
        arguments: None,
        argument_bytes: 2,
        caller: Some("alice".to_owned()),
        verdict,
        cause: None,
        rule: None,
        reason: None,
        limit: None,
        waited_ms: 0,
        classes: vec![],
    })
}

pub(crate) fn result(outcome: Outcome) -> Body {
    Body::ToolResult(ToolResult {
        call: 3,
        tool: "shell".to_owned(),
        outcome,
        duration_us: 1,
        request_bytes: 1,
        response_bytes: 1,
        error_code: None,
        cause: None,
        rule: None,
        reason: None,
        limit: None,
    })
}

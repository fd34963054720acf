//! Tool calls as spans.
//!
//! A call's ids are derived from its session and number, so that records about the call, written by whichever process,
//! stand beside its span without any of them telling the other.

use std::sync::Arc;
use std::time::SystemTime;

use audit::{Digest, Outcome, SessionId, ToolCall, ToolResult, Verdict};
use jiff::{SignedDuration, Timestamp};
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use serde::Serialize;
use tokio::runtime::Runtime;

use super::client::Client;
use super::logs::number;
use super::{Collector, OtlpError, resource, scope};
use crate::metrics::Metrics;
use crate::sinks::{Deliver, Failure, Outlet};

/// Bytes that a span is counted with in the queue.
const SPAN_BYTES: usize = 2048;

/// Where tool calls are told as spans. Cheap to clone; never waits.
#[derive(Clone, Debug)]
pub struct Spans {
    outlet: Arc<Outlet<SpanData>>,
    scope: InstrumentationScope,
}

impl Spans {
    pub(super) fn new(outlet: Arc<Outlet<SpanData>>) -> Self {
        Self { outlet, scope: scope() }
    }

    /// Tells of a call that has ended: the call as it was recorded, when, and its result. A call that was refused has no
    /// result. Arguments are not told.
    pub fn span(
        &self,
        session: &SessionId,
        started: Timestamp,
        call: &ToolCall,
        result: Option<&ToolResult>,
    ) {
        let span = span(session, started, call, result, self.scope.clone());
        self.outlet.offer([(SPAN_BYTES, span)]);
    }
}

/// The trace and the span of a call.
pub(super) fn ids(session: &SessionId, call: u64) -> (TraceId, SpanId) {
    let hex = Digest::of(format!("mcpguard call {session} {call}").as_bytes()).to_string();
    // A digest in hex has digits enough for both.
    let trace = hex.get(..32).and_then(|hex| TraceId::from_hex(hex).ok()).unwrap_or(TraceId::INVALID);
    let span = hex.get(32..48).and_then(|hex| SpanId::from_hex(hex).ok()).unwrap_or(SpanId::INVALID);
    (trace, span)
}

fn span(
    session: &SessionId,
    started: Timestamp,
    call: &ToolCall,
    result: Option<&ToolResult>,
    scope: InstrumentationScope,
) -> SpanData {
    let (trace, span) = ids(session, call.call);
    let microseconds = result.map_or(0, |result| number(result.duration_us));
    let ended = started.checked_add(SignedDuration::from_micros(microseconds)).unwrap_or(started);
    SpanData {
        span_context: SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Client,
        name: format!("tools/call {}", call.tool).into(),
        start_time: SystemTime::from(started),
        end_time: SystemTime::from(ended),
        attributes: attributes(session, call, result),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: status(call, result),
        instrumentation_scope: scope,
    }
}

/// Names of OpenTelemetry's conventions for MCP where there are some, else our own.
fn attributes(session: &SessionId, call: &ToolCall, result: Option<&ToolResult>) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("mcp.method.name", "tools/call"),
        KeyValue::new("gen_ai.tool.name", call.tool.clone()),
        KeyValue::new("jsonrpc.request.id", call.request_id.clone()),
        KeyValue::new("mcpguard.session", session.to_string()),
        KeyValue::new("mcpguard.call", number(call.call)),
        KeyValue::new("mcpguard.verdict", word(call.verdict)),
    ];
    let cause = call.cause.or(result.and_then(|result| result.cause));
    let rule = call.rule.as_ref().or(result.and_then(|result| result.rule.as_ref()));
    attributes.extend(cause.map(|cause| KeyValue::new("mcpguard.cause", word(cause))));
    attributes.extend(rule.map(|rule| KeyValue::new("mcpguard.rule", rule.text.clone())));
    if let Some(result) = result {
        attributes.push(KeyValue::new("mcpguard.outcome", word(result.outcome)));
        attributes.push(KeyValue::new("mcpguard.request_bytes", number(result.request_bytes)));
        attributes.push(KeyValue::new("mcpguard.response_bytes", number(result.response_bytes)));
        attributes.extend(result.error_code.map(|code| KeyValue::new("rpc.response.status_code", code)));
    }
    attributes
}

fn status(call: &ToolCall, result: Option<&ToolResult>) -> Status {
    let failed = |why: &Option<String>, otherwise: &'static str| {
        Status::error(why.clone().unwrap_or_else(|| otherwise.to_owned()))
    };
    match (call.verdict, result) {
        (Verdict::Refused, _) => failed(&call.reason, "refused"),
        (Verdict::Allowed, None) => Status::Unset,
        (Verdict::Allowed, Some(result)) => match result.outcome {
            Outcome::Success => Status::Ok,
            outcome => Status::error(result.reason.clone().unwrap_or_else(|| word(outcome))),
        },
    }
}

/// The word that stands for the value in the log.
fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Starts the thread that sends spans.
pub(super) fn outlet(collector: &Collector, metrics: &Arc<Metrics>) -> Result<Outlet<SpanData>, OtlpError> {
    let (builder, client) = collector.set(SpanExporter::builder().with_http(), "traces");
    let mut exporter = builder.build()?;
    exporter.set_resource(&resource());
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    Ok(Outlet::start("otlp_spans", Traces { exporter, client, runtime }, Arc::clone(metrics))?)
}

struct Traces {
    exporter: SpanExporter,
    client: Client,
    runtime: Runtime,
}

impl Deliver<SpanData> for Traces {
    fn deliver(&mut self, items: &[SpanData]) -> (usize, Option<Failure>) {
        match self.runtime.block_on(self.exporter.export(items.to_vec())) {
            Ok(()) => (items.len(), None),
            Err(_) if self.client.was_refused() => (0, Some(Failure::Refused(items.len()))),
            Err(_) => (0, Some(Failure::Away)),
        }
    }
}

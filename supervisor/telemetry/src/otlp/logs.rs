//! Records as OpenTelemetry logs.

use std::sync::Arc;
use std::time::SystemTime;

use audit::{Body, Record, render};
use opentelemetry::InstrumentationScope;
use opentelemetry::TraceFlags;
use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _};
use opentelemetry_otlp::LogExporter;
use opentelemetry_sdk::logs::{LogBatch, LogExporter as _, SdkLogRecord, SdkLogger, SdkLoggerProvider};
use tokio::runtime::Runtime;

use super::client::Client;
use super::{Collector, OtlpError, resource, scope, spans};
use crate::sinks::{Deliver, Failure, Severity, Shipped, severity};

/// Delivers records to a collector.
pub(crate) struct Logs {
    exporter: LogExporter,
    client: Client,
    /// Makes empty records; the SDK has no other way to one.
    logger: SdkLogger,
    scope: InstrumentationScope,
    runtime: Runtime,
    /// Records of one request: fewer after the collector said that a request was too large.
    most: usize,
}

/// Records of one request at most.
const MOST: usize = 512;

impl Logs {
    pub(super) fn new(collector: &Collector) -> Result<Self, OtlpError> {
        let (builder, client) = collector.set(LogExporter::builder().with_http(), "logs");
        let mut exporter = builder.build()?;
        exporter.set_resource(&resource());
        let logger = SdkLoggerProvider::builder().build().logger("mcpguard");
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        Ok(Self { exporter, client, logger, scope: scope(), runtime, most: MOST })
    }

    fn convert(&self, shipped: &Shipped) -> SdkLogRecord {
        let Record { time, session, seq, revision, body, hash, .. } = &shipped.record;
        let (level, text) = level(severity(body));
        let mut record = self.logger.create_log_record();
        record.set_timestamp(SystemTime::from(*time));
        record.set_observed_timestamp(SystemTime::from(*time));
        record.set_severity_number(level);
        record.set_severity_text(text);
        record.set_event_name(body.event());
        record.set_body(AnyValue::from(render(&shipped.record)));
        record.add_attribute("mcpguard.session", session.to_string());
        record.add_attribute("mcpguard.seq", number(*seq));
        if let Some(revision) = revision {
            record.add_attribute("mcpguard.revision", revision.to_string());
        }
        record.add_attribute("mcpguard.hash", hash.to_string());
        record.add_attribute("mcpguard.record", shipped.text().into_owned());
        if let Body::KernelDenial(denial) = body {
            record.add_attribute("mcpguard.kernel_sequence", number(denial.sequence.get()));
        }
        if let Some(call) = call(body) {
            let (trace, span) = spans::ids(session, call);
            record.set_trace_context(trace, span, Some(TraceFlags::SAMPLED));
        }
        record
    }
}

impl Deliver<Arc<Shipped>> for Logs {
    fn deliver(&mut self, items: &[Arc<Shipped>]) -> (usize, Option<Failure>) {
        let items = &items[..self.most.min(items.len())];
        let records: Vec<SdkLogRecord> = items.iter().map(|item| self.convert(item)).collect();
        let batch: Vec<_> = records.iter().map(|record| (record, &self.scope)).collect();
        match self.runtime.block_on(self.exporter.export(LogBatch::new(&batch))) {
            Ok(()) => {
                self.most = (self.most * 2).min(MOST);
                (items.len(), None)
            }
            Err(_) if self.client.was_too_large() && items.len() > 1 => {
                self.most = items.len() / 2;
                (0, None)
            }
            Err(_) if self.client.was_refused() => (0, Some(Failure::Refused(items.len()))),
            Err(_) => (0, Some(Failure::Away)),
        }
    }
}

/// The call that a record is about, so that a collector shows it beside the call's span.
fn call(body: &Body) -> Option<u64> {
    match body {
        Body::ToolCall(call) => Some(call.call),
        Body::ToolResult(result) => Some(result.call),
        body => body.denial().and_then(|denial| denial.calls.first()).map(|call| call.call),
    }
}

/// OpenTelemetry's integers have a sign.
pub(super) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn level(severity: Severity) -> (opentelemetry::logs::Severity, &'static str) {
    use opentelemetry::logs::Severity as Level;
    match severity {
        Severity::Info => (Level::Info, "INFO"),
        Severity::Notice => (Level::Info2, "NOTICE"),
        Severity::Warning => (Level::Warn, "WARN"),
        Severity::Error => (Level::Error, "ERROR"),
    }
}

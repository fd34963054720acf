//! Logs, metrics and spans, as a collector reads them.

use std::collections::BTreeMap;
use std::sync::Arc;

use audit::{Outcome, ToolCall, ToolResult, Verdict};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point;
use prost::Message as _;
use serde_json::json;
use telemetry::{Sinks, SinksSection};

use super::collector::Collector;
use super::room::{Room, kernel, noise, session, until};

fn section(collector: &Collector) -> SinksSection {
    let otlp = json!({
        "endpoint": collector.endpoint, "headers": { "x-key": "100%25 s3cret" }, "metrics_seconds": 1,
    });
    serde_json::from_value(json!({ "otlp": otlp })).unwrap()
}

/// Attributes as plain texts.
fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &KeyValue| match value.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    attributes.iter().map(|value| (value.key.clone(), text(value))).collect()
}

fn logs(collector: &Collector) -> Vec<LogRecord> {
    let mut records = Vec::new();
    for (_, headers, body) in collector.at("/v1/logs") {
        assert_eq!(headers["content-type"], "application/x-protobuf");
        assert_eq!(headers["x-key"], "100%25 s3cret");
        for resource in ExportLogsServiceRequest::decode(&body[..]).unwrap().resource_logs {
            assert_eq!(texts(&resource.resource.unwrap().attributes)["service.name"], "mcpguard");
            records.extend(resource.scope_logs.into_iter().flat_map(|scope| scope.log_records));
        }
    }
    records
}

fn call() -> (ToolCall, ToolResult) {
    let call = ToolCall {
        call: 7,
        request_id: "12".to_owned(),
        tool: "read_file".to_owned(),
        arguments: Some(json!({ "path": "/private" })),
        argument_bytes: 9,
        caller: None,
        verdict: Verdict::Allowed,
        cause: None,
        rule: None,
        reason: None,
        limit: None,
        waited_ms: 0,
        classes: vec![],
    };
    let result = ToolResult {
        call: 7,
        tool: "read_file".to_owned(),
        outcome: Outcome::ToolError,
        duration_us: 1500,
        request_bytes: 90,
        response_bytes: 11,
        error_code: None,
        cause: None,
        rule: None,
        reason: None,
        limit: None,
    };
    (call, result)
}

#[test]
fn a_collector_gets_records_as_logs_beside_the_span_of_their_call() {
    let (room, collector) = (Room::new(), Collector::start());
    let sinks = Sinks::start(&section(&collector), &room.metrics).unwrap();
    let spans = sinks.spans().unwrap();
    let mut log = telemetry::HostLog::open(room.config(), sinks, Arc::clone(&room.metrics)).unwrap();
    log.append_all(vec![noise("s1", "x"), kernel("s1", 3)]).unwrap();
    let (call, result) = call();
    let started = "2026-11-21T02:19:03.5Z".parse().unwrap();
    spans.span(&session("s1"), started, &call, Some(&result));
    log.close().unwrap();
    until("the span", || !collector.at("/v1/traces").is_empty());

    let records = logs(&collector);
    assert_eq!(
        records.iter().map(|record| record.event_name.as_str()).collect::<Vec<_>>(),
        ["noise", "kernel_denial"]
    );
    let denial = &records[1];
    let attributes = texts(&denial.attributes);
    assert_eq!((attributes["mcpguard.session"].as_str(), attributes["mcpguard.seq"].as_str()), ("s1", "2"));
    assert_eq!(attributes["mcpguard.revision"], "abababababab");
    assert_eq!(attributes["mcpguard.kernel_sequence"], "3");
    let line = String::from_utf8(room.bytes()).unwrap().lines().nth(1).unwrap().to_owned();
    assert_eq!(attributes["mcpguard.record"], line);
    assert_eq!((denial.severity_number, denial.severity_text.as_str()), (13, "WARN"));
    assert_eq!(denial.time_unix_nano, room.records()[1].time.as_nanosecond() as u64);

    let body = &collector.at("/v1/traces")[0].2;
    let trace = ExportTraceServiceRequest::decode(&body[..]).unwrap();
    let span = &trace.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!(span.name, "tools/call read_file");
    assert_eq!(span.end_time_unix_nano - span.start_time_unix_nano, 1_500_000);
    let attributes = texts(&span.attributes);
    assert_eq!(
        (attributes["gen_ai.tool.name"].as_str(), attributes["mcpguard.outcome"].as_str()),
        ("read_file", "tool_error")
    );
    assert_eq!(span.status.as_ref().unwrap().code, 2);
    // Arguments stay here; and the denial that fell into the call stands beside it.
    assert!(!format!("{span:?}").contains("private"));
    assert_eq!((&denial.trace_id, &denial.span_id), (&span.trace_id, &span.span_id));
    assert!(span.trace_id.len() == 16 && span.span_id.len() == 8);
}

#[test]
fn a_collector_gets_the_metrics_that_prometheus_is_shown() {
    let (room, collector) = (Room::new(), Collector::start());
    let sinks = Sinks::start(&section(&collector), &room.metrics).unwrap();
    room.metrics.denied("connect", "not_granted", 5);
    let point = || {
        let mut points = BTreeMap::new();
        for (_, _, body) in collector.at("/v1/metrics") {
            let request = ExportMetricsServiceRequest::decode(&body[..]).unwrap();
            let scopes = request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
            for metric in scopes.flat_map(|scope| scope.metrics) {
                let data = match metric.data.unwrap() {
                    Data::Sum(sum) => {
                        assert!(sum.is_monotonic && sum.aggregation_temporality == 2);
                        sum.data_points
                    }
                    Data::Gauge(gauge) => gauge.data_points,
                    other => panic!("{other:?}"),
                };
                for point in data {
                    let Some(number_data_point::Value::AsDouble(value)) = point.value else {
                        panic!("a double")
                    };
                    points.insert((metric.name.clone(), texts(&point.attributes)), value);
                }
            }
        }
        points
    };
    let labels = |labels: &[(&str, &str)]| -> BTreeMap<String, String> {
        labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let denied = ("mcpguard_denials".to_owned(), labels(&[("kind", "connect"), ("reason", "not_granted")]));
    until("the metrics", || point().get(&denied) == Some(&5.0));
    assert_eq!(point()[&("mcpguard_build_info".to_owned(), labels(&[("version", "1.2.3")]))], 1.0);
    drop(sinks);
}

#[test]
fn a_collector_that_is_unwell_is_asked_again_and_one_that_refuses_is_not() {
    let (room, collector) = (Room::new(), Collector::start());
    let mut log = room.log_to(&section(&collector));
    collector.answers("503 Service Unavailable");
    log.append(noise("s1", "first")).unwrap();
    room.reaches("mcpguard_sink_failures_total{sink=\"otlp\"}", 2.0);
    collector.answers("200 OK");
    room.reaches("mcpguard_sink_records_total{sink=\"otlp\"}", 1.0);
    let asked = collector.at("/v1/logs").len();
    assert!(asked >= 3, "{asked}");

    collector.answers("400 Bad Request");
    log.append(noise("s1", "second")).unwrap();
    room.reaches("mcpguard_sink_dropped_records_total{sink=\"otlp\"}", 1.0);
    assert_eq!(collector.at("/v1/logs").len(), asked + 1);
    log.close().unwrap();
}

#[test]
fn requests_that_are_too_large_for_a_collector_are_made_smaller() {
    let (room, collector) = (Room::new(), Collector::start());
    collector.takes(3000);
    let mut log = room.log_to(&section(&collector));
    let mut entries: Vec<_> = (1..=40).map(|number| kernel("s1", number)).collect();
    // One that fits into no request is left out, and those around it arrive.
    entries.insert(20, noise("s1", &"x".repeat(4000)));
    log.append_all(entries).unwrap();
    // What was left out is counted when the rest has arrived.
    room.reaches("mcpguard_sink_dropped_records_total{sink=\"otlp\"}", 1.0);
    assert_eq!(room.metric("mcpguard_sink_records_total{sink=\"otlp\"}"), Some(40.0));
    log.close().unwrap();
    assert_eq!(room.metric("mcpguard_sink_dropped_records_total{sink=\"otlp\"}"), Some(1.0));
}

#[test]
fn an_address_that_cannot_be_spoken_to_is_an_error_at_the_start() {
    let room = Room::new();
    for otlp in [
        json!({ "endpoint": "https://collector:4318" }),
        json!({ "endpoint": "http://c:4318", "headers": { "a b": "c" } }),
        json!({ "endpoint": "http://c:4318", "headers": { "a": "c\r\nd: e" } }),
    ] {
        let section = serde_json::from_value(json!({ "otlp": otlp })).unwrap();
        assert!(Sinks::start(&section, &room.metrics).is_err(), "{otlp}");
    }
}

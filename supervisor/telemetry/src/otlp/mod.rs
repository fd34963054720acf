//! OpenTelemetry over OTLP (protobuf, HTTP/1.1): records as logs, tool calls as spans, metrics.
//!
//! The vocabulary, the records and the exporter are the official crates'. What waits is bounded by our own queue, because
//! the official batches drop what is too much without saying how much.

mod client;
mod logs;
mod metrics;
mod spans;

pub use spans::Spans;

use std::collections::HashMap;
use std::sync::Arc;

use http::Uri;
use http::header::{HeaderName, HeaderValue};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{Protocol, RetryPolicy, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SpanData;

use crate::config::OtlpSection;
use crate::metrics::Metrics;
use crate::sinks::Outlet;

use client::{Client, Driver};

/// Why records cannot be sent to a collector at all.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    /// The address is none, or not one of plain HTTP.
    #[error(
        "`log.sinks.otlp.endpoint: {0}` is no plain HTTP address; write http://127.0.0.1:4318, and let a collector on this host bring records further by TLS"
    )]
    Endpoint(String),
    /// A header is none.
    #[error("`log.sinks.otlp.headers` has a name or a value that HTTP does not know: {0}")]
    Header(String),
    /// The official crates refuse.
    #[error("the OTLP exporter cannot be built: {0}")]
    Build(#[from] opentelemetry_otlp::ExporterBuildError),
    /// A thread cannot be started.
    #[error("the OTLP exporter cannot be started: {0}")]
    Start(#[from] std::io::Error),
}

/// The way to one collector.
#[derive(Debug)]
pub(crate) struct Otlp {
    collector: Collector,
    spans: Option<Arc<Outlet<SpanData>>>,
    metrics: Option<SdkMeterProvider>,
}

/// Where the collector is, and what each request says.
#[derive(Debug)]
struct Collector {
    driver: Driver,
    endpoint: String,
    headers: HashMap<String, String>,
}

impl Otlp {
    pub(crate) fn start(section: &OtlpSection, metrics: &Arc<Metrics>) -> Result<Self, OtlpError> {
        let OtlpSection { endpoint, headers, logs: _, metrics: with_metrics, traces, metrics_seconds } =
            section;
        check_endpoint(endpoint)?;
        let header = |(name, value): (&String, &crate::config::Hidden)| {
            let fits = name.parse::<HeaderName>().is_ok() && HeaderValue::from_str(&value.0).is_ok();
            // The exporter decodes values as those in its environment variable: `%` must stay what it is.
            let value = value.0.replace('%', "%25");
            if fits { Ok((name.clone(), value)) } else { Err(OtlpError::Header(name.clone())) }
        };
        let headers = headers.iter().map(header).collect::<Result<_, _>>()?;
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        let collector = Collector { driver: Driver::start()?, endpoint, headers };
        let spans = traces.then(|| spans::outlet(&collector, metrics)).transpose()?.map(Arc::new);
        let metrics =
            with_metrics.then(|| metrics::provider(&collector, metrics, *metrics_seconds)).transpose()?;
        Ok(Self { collector, spans, metrics })
    }

    /// What delivers records.
    pub(crate) fn logs(&self) -> Result<logs::Logs, OtlpError> {
        logs::Logs::new(&self.collector)
    }

    pub(crate) fn spans(&self) -> Option<Spans> {
        self.spans.clone().map(Spans::new)
    }

    /// The name of the spans' queue and how many it dropped since this was asked the last time.
    pub(crate) fn take_dropped(&self) -> Option<(&'static str, u64)> {
        self.spans.as_ref().map(|outlet| (outlet.name(), outlet.take_dropped()))
    }

    pub(crate) fn close(self) {
        if let Some(spans) = self.spans {
            spans.close();
            // Others may still hold a hand on it; then its thread ends by itself.
            if let Some(spans) = Arc::into_inner(spans) {
                spans.join();
            }
        }
        if let Some(metrics) = self.metrics {
            // A collector that is away is no reason not to stop.
            let _ = metrics.shutdown_with_timeout(client::DEADLINE);
        }
    }
}

impl Collector {
    /// What every exporter is told.
    fn set<B: WithExportConfig + WithHttpConfig>(&self, builder: B, signal: &str) -> (B, Client) {
        let client = self.driver.client();
        let builder = builder
            .with_endpoint(format!("{}/v1/{signal}", self.endpoint))
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(client::DEADLINE)
            .with_headers(self.headers.clone())
            // Tried again by the queue's thread, which knows how to stop.
            .with_retry_policy(RetryPolicy::disabled())
            .with_http_client(client.clone());
        (builder, client)
    }
}

fn check_endpoint(endpoint: &str) -> Result<(), OtlpError> {
    let plain = endpoint.parse::<Uri>().is_ok_and(|uri| {
        uri.scheme_str() == Some("http")
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.query().is_none()
    });
    if plain { Ok(()) } else { Err(OtlpError::Endpoint(endpoint.to_owned())) }
}

/// Who speaks: the attributes of the resource (OpenTelemetry semantic conventions, `service.*`, `host.*`).
fn resource() -> Resource {
    let mut attributes = vec![KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))];
    if let Some(host) = nix::unistd::gethostname().ok().and_then(|host| host.into_string().ok()) {
        attributes.push(KeyValue::new("host.name", host));
    }
    Resource::builder_empty().with_service_name("mcpguard").with_attributes(attributes).build()
}

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("mcpguard").with_version(env!("CARGO_PKG_VERSION")).build()
}

#[cfg(test)]
mod tests {
    use super::check_endpoint;

    #[test]
    fn only_plain_http_is_spoken() {
        for endpoint in ["http://127.0.0.1:4318", "http://[::1]:4318/", "http://collector/prefix"] {
            assert!(check_endpoint(endpoint).is_ok(), "{endpoint}");
        }
        for endpoint in
            ["https://collector:4318", "127.0.0.1:4318", "", "http://", "unix:/run/x", "http://c/?q"]
        {
            let told = check_endpoint(endpoint).unwrap_err().to_string();
            assert!(told.contains("write http://127.0.0.1:4318"), "{told}");
        }
    }
}

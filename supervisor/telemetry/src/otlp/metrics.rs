//! The same metrics that Prometheus is shown, sent to a collector once in a while.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter, MeterProvider as _};
use opentelemetry_otlp::MetricExporter;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};

use super::{Collector, OtlpError, resource};
use crate::metrics::{Kind, Metrics};

/// Starts the SDK's own thread that looks at the metrics and sends them.
pub(super) fn provider(
    collector: &Collector,
    metrics: &Arc<Metrics>,
    seconds: u32,
) -> Result<SdkMeterProvider, OtlpError> {
    let (builder, _client) = collector.set(MetricExporter::builder().with_http(), "metrics");
    let interval = Duration::from_secs(u64::from(seconds.max(1)));
    let reader = PeriodicReader::builder(builder.build()?).with_interval(interval).build();
    let provider = SdkMeterProvider::builder().with_resource(resource()).with_reader(reader).build();
    let meter = provider.meter("mcpguard");
    (0..metrics.families().len()).for_each(|at| observe(&meter, metrics, at));
    Ok(provider)
}

/// One instrument for one metric. The SDK adds up nothing: it is shown what is counted.
fn observe(meter: &Meter, metrics: &Arc<Metrics>, at: usize) {
    let Some(description) = metrics.families().get(at).map(|family| family.description) else { return };
    let metrics = Arc::clone(metrics);
    let look = move |instrument: &dyn AsyncInstrument<f64>| {
        let families = metrics.families();
        for (values, value) in families.get(at).map(|family| family.samples()).unwrap_or_default() {
            let labels = description.labels.iter().zip(values);
            let labels: Vec<KeyValue> = labels.map(|(name, value)| KeyValue::new(*name, value)).collect();
            instrument.observe(value, &labels);
        }
    };
    match description.kind {
        Kind::Counter => {
            let counter = meter.f64_observable_counter(description.name).with_description(description.help);
            let _ = counter.with_callback(look).build();
        }
        Kind::Gauge => {
            let gauge = meter.f64_observable_gauge(description.name).with_description(description.help);
            let _ = gauge.with_callback(look).build();
        }
    }
}

//! Metrics as OpenMetrics text, written by the Prometheus project's own library.

use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::{Family, Kind, Metrics};

/// The media type of the text.
pub(super) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The library asks a collector for what is to be shown, at each look.
#[derive(Debug)]
struct Shown(Arc<Metrics>);

impl Collector for Shown {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.families().into_iter().try_for_each(|family| show(family, &mut encoder))
    }
}

fn show(family: &Family, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
    let description = &family.description;
    let kind = match description.kind {
        Kind::Counter => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
    };
    let mut encoder = encoder.encode_descriptor(description.name, description.help, None, kind)?;
    for (values, value) in family.samples() {
        let labels: Vec<(&str, String)> = description.labels.iter().copied().zip(values).collect();
        let mut series = encoder.encode_family(&labels)?;
        match description.kind {
            Kind::Counter => series.encode_counter::<NoLabelSet, _, u64>(&value, None)?,
            Kind::Gauge => series.encode_gauge(&value)?,
        }
    }
    Ok(())
}

impl Metrics {
    /// All metrics as OpenMetrics text (version 1.0.0), as Prometheus reads it.
    pub fn render(self: &Arc<Self>) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Shown(Arc::clone(self))));
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
        text
    }
}

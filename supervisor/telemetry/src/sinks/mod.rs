//! Where records go besides the log: journald, syslog, an OpenTelemetry collector. One thread a sink.
//!
//! ```text
//! written batch ─► queue (bounded) ─► thread ─► socket
//!                    └─ full: dropped, counted as a metric, told by a `lost` record within a minute
//! ```
//!
//! A sink that is slow or away holds up nobody: what waits for it is at most 8192 records and 16 MiB, in order. While it is
//! away its thread tries again, and what then does not fit is dropped.

mod journald;
mod outlet;
mod queue;
mod severity;
mod syslog;

pub(crate) use outlet::{Deliver, Failure, Outlet};
pub(crate) use severity::{Severity, severity};
pub use syslog::Syslog;

use std::sync::Arc;

use audit::Record;

use crate::config::{OtlpSection, SinksSection};
use crate::metrics::Metrics;
use crate::otlp::{Otlp, OtlpError, Spans};

/// A record and its line, as it stands in the log, without newline.
#[derive(Debug)]
pub(crate) struct Shipped {
    pub(crate) record: Record,
    pub(crate) line: Box<[u8]>,
}

impl Shipped {
    /// The line as text. A line of the log is UTF-8.
    pub(crate) fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.line)
    }
}

/// Why a sink cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The thread or the socket cannot be made.
    #[error("the sink {sink} cannot be started: {source}")]
    Start {
        /// Which.
        sink: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// The collector's address or a header is none.
    #[error(transparent)]
    Otlp(#[from] OtlpError),
}

/// All sinks of the host's log.
#[derive(Debug)]
pub struct Sinks {
    outlets: Vec<Outlet<Arc<Shipped>>>,
    otlp: Option<Otlp>,
}

impl Sinks {
    /// None.
    pub fn none() -> Self {
        Self { outlets: Vec::new(), otlp: None }
    }

    /// Starts those that the section names. A sink that cannot be reached now is tried again later.
    ///
    /// # Errors
    /// A thread or socket cannot be made, or the collector's address is none.
    pub fn start(section: &SinksSection, metrics: &Arc<Metrics>) -> Result<Self, SinkError> {
        let SinksSection { journald, syslog, otlp } = section;
        let mut sinks = Self::none();
        if let Some(journald) = journald {
            let journal = journald::Journal::new(journald);
            sinks.add("journald", journal, metrics)?;
        }
        if let Some(syslog) = syslog {
            let syslog = syslog::Syslog::new(syslog);
            sinks.add("syslog", syslog, metrics)?;
        }
        if let Some(otlp) = otlp {
            sinks.collector(otlp, metrics)?;
        }
        Ok(sinks)
    }

    fn add<D: Deliver<Arc<Shipped>>>(
        &mut self,
        sink: &'static str,
        made: std::io::Result<D>,
        metrics: &Arc<Metrics>,
    ) -> Result<(), SinkError> {
        let started = made.and_then(|deliver| Outlet::start(sink, deliver, Arc::clone(metrics)));
        self.outlets.push(started.map_err(|source| SinkError::Start { sink, source })?);
        Ok(())
    }

    fn collector(&mut self, section: &OtlpSection, metrics: &Arc<Metrics>) -> Result<(), SinkError> {
        let otlp = Otlp::start(section, metrics)?;
        if section.logs {
            let logs = otlp.logs()?;
            self.add("otlp", Ok(logs), metrics)?;
        }
        self.otlp = Some(otlp);
        Ok(())
    }

    /// Where tool calls are told as spans, if a collector takes them.
    pub fn spans(&self) -> Option<Spans> {
        self.otlp.as_ref().and_then(Otlp::spans)
    }

    pub(crate) fn are_any(&self) -> bool {
        !self.outlets.is_empty()
    }

    /// Hands records to all sinks. Never waits for one.
    pub(crate) fn offer(&self, records: Vec<Shipped>) {
        if records.is_empty() {
            return;
        }
        let records: Vec<Arc<Shipped>> = records.into_iter().map(Arc::new).collect();
        for outlet in &self.outlets {
            // A parsed record takes about three times the memory of its line.
            outlet.offer(records.iter().map(|record| (record.line.len() * 4, Arc::clone(record))));
        }
    }

    /// The sinks that dropped records since this was asked the last time, and how many.
    pub(crate) fn take_dropped(&self) -> Vec<(&'static str, u64)> {
        let dropped = self.outlets.iter().map(|outlet| (outlet.name(), outlet.take_dropped()));
        let spans = self.otlp.iter().filter_map(Otlp::take_dropped);
        dropped.chain(spans).filter(|(_, count)| *count > 0).collect()
    }

    /// Gives the sinks five seconds for what waits, then ends them.
    pub(crate) fn close(mut self) {
        self.outlets.iter().for_each(Outlet::close);
        self.outlets.drain(..).for_each(Outlet::join);
        if let Some(otlp) = self.otlp.take() {
            otlp.close();
        }
    }
}

//! The host's one log, the sinks that get its records besides, and the host's metrics.
//!
//! ```text
//! Entry (session, body) ─► HostLog ─► number, seal ─► one write a batch ─► host.jsonl, rotated
//!                             │                                  └─► Sinks ─► journald | syslog | OTLP logs
//!                             └─► Metrics ◄── the daemon             Spans ─► OTLP traces
//!                                    └─► serve_metrics (unix socket, loopback) | OTLP metrics
//! ```
//!
//! What it never does: lose or double a record of a session without the log showing it; write an event of the kernel a
//! second time after a crash; wait for a sink; let a sink, a label or a client of the endpoint take memory without bound;
//! serve metrics to the network.
//!
//! What a session tells of its alerts goes by the same ways: [`Syslog`] and [`post_json`].
//!
//! The files of the log are those of [`audit`], so that `mcpguard log` reads and verifies them.

#![forbid(unsafe_code)]

mod config;
mod host_log;
mod http_client;
mod metrics;
mod otlp;
mod sinks;

pub use config::{
    Facility, Hidden, JournaldSection, LogSection, MetricsAddress, MetricsSection, OtlpSection, SinksSection,
    Sync, SyslogSection,
};
pub use host_log::{AppendError, Appended, Entry, HostLog, HostLogConfig, HostLogError, SessionStanding};
pub use http_client::post_json;
pub use metrics::{ListenError, Metrics, MetricsListener, Proof, SessionCounts, SessionUsage, serve_metrics};
pub use otlp::{OtlpError, Spans};
pub use sinks::{SinkError, Sinks, Syslog};

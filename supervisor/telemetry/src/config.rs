//! The sections `log:` and `metrics:` of the daemon's configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `log:`: the host's log and where its records go besides.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSection {
    /// The file. Default: `/var/log/mcpguard/host.jsonl`. Its directory is made with mode 0750 if it is absent.
    pub path: PathBuf,
    /// MiB after which a new file is begun; at least 1. Default: 64.
    pub max_mebibytes: u32,
    /// Hours after which a new file is begun; 0 means never. Default: 168, a week.
    pub max_age_hours: u32,
    /// Rotated files that are kept. Default: 16.
    pub keep: u32,
    /// When written records are brought to the disk. Default: `batch`.
    pub sync: Sync,
    /// Where records go besides.
    pub sinks: SinksSection,
}

impl Default for LogSection {
    fn default() -> Self {
        Self {
            path: PathBuf::from("/var/log/mcpguard/host.jsonl"),
            max_mebibytes: 64,
            max_age_hours: 168,
            keep: 16,
            sync: Sync::Batch,
            sinks: SinksSection::default(),
        }
    }
}

/// When written records are brought to the disk (`fdatasync`). Whatever is chosen, records survive the daemon's death.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sync {
    /// Before an append returns: what was appended survives a loss of power.
    #[default]
    Batch,
    /// Once a second, by [`crate::HostLog::tick`].
    Second,
    /// When a file is rotated or closed.
    Rotation,
}

/// `log.sinks:`: what is not named is not used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SinksSection {
    /// `journald: {}`: systemd's journal.
    pub journald: Option<JournaldSection>,
    /// `syslog: {}`: RFC 5424 over a unix datagram socket.
    pub syslog: Option<SyslogSection>,
    /// `otlp: { endpoint: … }`: an OpenTelemetry collector.
    pub otlp: Option<OtlpSection>,
}

/// `log.sinks.journald:`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JournaldSection {
    /// The journal's socket. Default: `/run/systemd/journal/socket`.
    pub socket: PathBuf,
}

impl Default for JournaldSection {
    fn default() -> Self {
        Self { socket: PathBuf::from("/run/systemd/journal/socket") }
    }
}

/// `log.sinks.syslog:`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SyslogSection {
    /// The socket. Default: `/dev/log`.
    pub socket: PathBuf,
    /// The facility. Default: `authpriv`.
    pub facility: Facility,
}

impl Default for SyslogSection {
    fn default() -> Self {
        Self { socket: PathBuf::from("/dev/log"), facility: Facility::default() }
    }
}

/// A syslog facility (RFC 5424, section 6.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say what they are")]
pub enum Facility {
    Daemon = 3,
    Auth = 4,
    #[default]
    Authpriv = 10,
    Local0 = 16,
    Local1 = 17,
    Local2 = 18,
    Local3 = 19,
    Local4 = 20,
    Local5 = 21,
    Local6 = 22,
    Local7 = 23,
}

/// `log.sinks.otlp:`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtlpSection {
    /// The collector: `http://127.0.0.1:4318`. Plain HTTP only; a collector on this host brings records further by TLS.
    pub endpoint: String,
    /// Headers of each request, for collectors that ask for a key.
    #[serde(default)]
    pub headers: BTreeMap<String, Hidden>,
    /// Whether records are sent as logs. Default: true.
    #[serde(default = "yes")]
    pub logs: bool,
    /// Whether metrics are sent. Default: true.
    #[serde(default = "yes")]
    pub metrics: bool,
    /// Whether tool calls are sent as spans. Default: true.
    #[serde(default = "yes")]
    pub traces: bool,
    /// Seconds between two exports of metrics; at least 1. Default: 30.
    #[serde(default = "thirty")]
    pub metrics_seconds: u32,
}

fn yes() -> bool {
    true
}

fn thirty() -> u32 {
    30
}

/// A text that is not shown when the configuration is printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// `metrics:`: where metrics are served; nowhere if the section is absent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsSection {
    /// `unix:/run/mcpguard/metrics.sock`, `127.0.0.1:9464` or `[::1]:9464`.
    pub listen: MetricsAddress,
}

/// Where metrics are served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum MetricsAddress {
    /// A unix socket.
    Unix(PathBuf),
    /// A loopback address. That it is one is checked where it is used.
    Tcp(SocketAddr),
}

impl FromStr for MetricsAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("unix:") {
            Some(path) if path.starts_with('/') => Ok(Self::Unix(PathBuf::from(path))),
            Some(path) => Err(format!("`{path}` is not an absolute path; write unix:/run/mcpguard/metrics.sock")),
            None => text.parse().map(Self::Tcp).map_err(|_| {
                format!(
                    "`{text}` is no address for metrics; write unix:/run/mcpguard/metrics.sock, 127.0.0.1:9464 or [::1]:9464"
                )
            }),
        }
    }
}

impl TryFrom<String> for MetricsAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<MetricsAddress> for String {
    fn from(address: MetricsAddress) -> Self {
        address.to_string()
    }
}

impl fmt::Display for MetricsAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn absent_sections_mean_the_defaults() {
        let section: LogSection = serde_json::from_value(json!({})).unwrap();
        assert_eq!(section, LogSection::default());
        assert_eq!(section.sinks, SinksSection::default());
        let text = json!({ "sync": "second", "sinks": { "journald": {}, "syslog": { "facility": "local3" },
            "otlp": { "endpoint": "http://[::1]:4318", "headers": { "x-key": "s3cret" } } } });
        let section: LogSection = serde_json::from_value(text).unwrap();
        assert_eq!(section.sinks.journald, Some(JournaldSection::default()));
        let otlp = section.sinks.otlp.clone().unwrap();
        assert!(otlp.logs && otlp.metrics && otlp.traces && otlp.metrics_seconds == 30);
        assert!(!format!("{section:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_unknown_is_refused() {
        for text in [
            json!({ "pth": "/x" }),
            json!({ "sync": "never" }),
            json!({ "sinks": { "journal": {} } }),
            json!({ "sinks": { "otlp": {} } }),
            json!({ "sinks": { "syslog": { "facility": "kern" } } }),
        ] {
            assert!(serde_json::from_value::<LogSection>(text.clone()).is_err(), "{text}");
        }
        for listen in ["", "9464", "localhost:9464", "unix:metrics.sock", "unix:", "http://127.0.0.1:9464"] {
            let section = serde_json::from_value::<MetricsSection>(json!({ "listen": listen }));
            assert!(
                section.unwrap_err().to_string().contains("write unix:/run/mcpguard/metrics.sock"),
                "{listen}"
            );
        }
        for listen in ["unix:/run/m.sock", "127.0.0.1:9464", "[::1]:0"] {
            assert_eq!(listen.parse::<MetricsAddress>().unwrap().to_string(), listen);
        }
    }
}

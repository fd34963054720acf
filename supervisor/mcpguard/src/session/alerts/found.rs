//! What a rule found: as a record, as a line for people, and as what is sent.

use ::alerts::{GroupBy, Occasion, Severity};
use audit::{Body, RuleRef};
use jiff::Timestamp;
use serde::Serialize;

/// What a rule found.
#[derive(Debug)]
pub(in crate::session) struct Found {
    /// The record.
    pub(in crate::session) alert: audit::Alert,
    /// One line for people, with nothing in it that a terminal would obey.
    pub(in crate::session) line: String,
}

impl Found {
    pub(super) fn of(alert: &::alerts::Alert, rule: Option<&RuleRef>) -> Self {
        let tool =
            alert.group.as_ref().filter(|group| group.by == GroupBy::Tool).map(|group| group.key.clone());
        let record = audit::Alert {
            name: alert.rule.clone(),
            severity: match alert.severity {
                Severity::Info => audit::Severity::Info,
                Severity::Warning => audit::Severity::Warning,
                Severity::Critical => audit::Severity::Critical,
            },
            occasion: match alert.occasion {
                Occasion::Matched => audit::Occasion::Matched,
                Occasion::GroupsDropped => audit::Occasion::GroupsDropped,
                Occasion::ValuesFull => audit::Occasion::ValuesFull,
            },
            reason: alert.reason.clone(),
            tool,
            subject: alert.subject.clone(),
            count: alert.count,
            within_seconds: alert.window.map(|window| window.as_secs()),
            over_ms: alert.last.0.saturating_sub(alert.first.0),
            records: alert.sample.clone(),
            suppressed: alert.suppressed,
            rule: rule.cloned(),
        };
        Self { alert: record, line: alert.to_string() }
    }
}

/// Where an alert stands in the log.
#[derive(Clone, Copy, Debug)]
pub(in crate::session) struct Place<'a> {
    pub(in crate::session) session: &'a str,
    /// The number of the alert's record; `None`: it could not be written.
    pub(in crate::session) seq: Option<u64>,
}

/// What is sent: the record, and what its place says.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) time: Timestamp,
    pub(super) session: String,
    pub(super) policy: String,
    pub(super) seq: Option<u64>,
    pub(super) body: Body,
    pub(super) line: String,
}

impl Message {
    pub(super) fn is_critical(&self) -> bool {
        matches!(&self.body, Body::Alert(alert) if alert.severity == audit::Severity::Critical)
    }

    /// One line of JSON without its newline. `missed`: so many before it were not told.
    pub(super) fn json(&self, missed: u64) -> serde_json::Result<Vec<u8>> {
        let Self { time, session, policy, seq, body, line } = self;
        serde_json::to_vec(&Sent { v: 1, time, session, policy, seq: *seq, body, text: line, missed })
    }
}

#[derive(Serialize)]
struct Sent<'a> {
    v: u8,
    time: &'a Timestamp,
    session: &'a str,
    policy: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(flatten)]
    body: &'a Body,
    text: &'a str,
    missed: u64,
}

//! What a log knows about one record: the refusal itself, the policy of its session, and the calls before it.

use std::time::Duration;

use audit::{Body, CallRef, Cause, CoverageEntry, Policy, Record, RuleRef, Verdict};

use super::domain::DomainRule;

/// A record with its session.
pub(super) struct Evidence<'a> {
    pub(super) record: &'a Record,
    /// The policy under which it was written, as the last record before it that tells of one.
    policy: Option<(&'a Policy, &'a [CoverageEntry])>,
    before: &'a [Record],
}

/// What was refused, whichever kind of record tells it.
pub(super) struct Refused<'a> {
    pub(super) cause: Cause,
    /// The tool of a refused call.
    pub(super) tool: Option<&'a str>,
    /// The tool, method, system call, path, address or program.
    pub(super) what: &'a str,
    pub(super) detail: Option<&'a str>,
    pub(super) rule: Option<&'a RuleRef>,
    pub(super) reason: Option<&'a str>,
    pub(super) limit: Option<u64>,
    /// Tool calls that were in flight.
    pub(super) calls: &'a [CallRef],
    /// Bytes of what was too large, if that is known.
    pub(super) bytes: Option<u64>,
}

impl<'a> Evidence<'a> {
    /// The record at this index of its session's records.
    pub(super) fn new(records: &'a [Record], at: usize) -> Self {
        let before = &records[..at];
        let policy = before.iter().rev().find_map(|record| match &record.body {
            Body::SessionStart(start) => Some((&start.policy, &start.coverage[..])),
            Body::PolicyChanged(changed) => Some((&changed.policy, &changed.coverage[..])),
            _ => None,
        });
        Self { record: &records[at], policy, before }
    }

    /// What was refused, if anything was.
    pub(super) fn refused(&self) -> Option<Refused<'a>> {
        match &self.record.body {
            Body::ToolCall(call) if call.verdict == Verdict::Refused => Some(Refused {
                cause: call.cause.unwrap_or(Cause::Internal),
                tool: Some(&call.tool),
                what: &call.tool,
                detail: None,
                rule: call.rule.as_ref(),
                reason: call.reason.as_deref(),
                limit: call.limit,
                calls: &[],
                bytes: Some(call.argument_bytes),
            }),
            Body::ToolResult(result) => Some(Refused {
                cause: result.cause?,
                tool: Some(&result.tool),
                what: &result.tool,
                detail: None,
                rule: result.rule.as_ref(),
                reason: result.reason.as_deref(),
                limit: result.limit,
                calls: &[],
                bytes: Some(result.response_bytes).filter(|bytes| *bytes > 0),
            }),
            Body::Denial(denial) => Some(Refused {
                cause: denial.cause,
                tool: None,
                what: &denial.what,
                detail: denial.detail.as_deref(),
                rule: denial.rule.as_ref(),
                reason: denial.reason.as_deref(),
                limit: denial.limit,
                calls: &denial.calls,
                bytes: None,
            }),
            _ => None,
        }
    }

    /// The policy's own file or name: what stands last in the order of merging.
    pub(super) fn source(&self) -> Option<&'a str> {
        self.policy.and_then(|(policy, _)| policy.sources.last()).map(String::as_str)
    }

    /// The rule of the session's policy whose text is `key: …`, and what stands behind the colon.
    pub(super) fn written(&self, key: &str) -> Option<(&'a RuleRef, &'a str)> {
        self.rules().find_map(|rule| Some((rule, rule.text.strip_prefix(key)?.strip_prefix(": ")?)))
    }

    /// The rules of the session's policy.
    fn rules(&self) -> impl Iterator<Item = &'a RuleRef> {
        self.policy.into_iter().flat_map(|(_, coverage)| coverage).map(|entry| &entry.rule)
    }

    /// Its rules about domains.
    pub(super) fn domains(&self) -> Vec<DomainRule<'a>> {
        self.rules().filter_map(DomainRule::read).collect()
    }

    /// Its ports, written or unsaid.
    pub(super) fn ports(&self) -> Vec<u16> {
        let port = |rule: &RuleRef| rule.text.strip_prefix("network.allowed_ports: ")?.parse().ok();
        self.rules().filter_map(port).collect()
    }

    /// Whether it has globs under `tools`.
    pub(super) fn has_globs(&self) -> bool {
        let key = |rule: &RuleRef| rule.text.split(": ").next().is_some_and(|key| key.contains(['*', '?']));
        self.rules().any(|rule| rule.text.starts_with("tools.") && key(rule))
    }

    /// Whether a rule of the session's policy was written in this source.
    pub(super) fn uses(&self, source: &str) -> bool {
        self.rules().any(|rule| rule.source == source)
    }

    /// Calls within the minute that ends with this record, itself included: of one tool, or of all.
    pub(super) fn calls_within_a_minute(&self, tool: Option<&str>) -> u64 {
        let now = self.record.time;
        let recent = self.before.iter().filter(|record| {
            let Body::ToolCall(call) = &record.body else { return false };
            let age = Duration::try_from(now.duration_since(record.time)).unwrap_or_default();
            age < Duration::from_secs(60) && tool.is_none_or(|tool| call.tool == tool)
        });
        recent.count() as u64 + 1
    }
}

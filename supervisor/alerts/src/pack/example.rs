//! Examples of what a rule alerts about, and of what not.

use audit::{Cause, OperationKind};
use serde::Deserialize;

use super::Span;
use crate::alert::Alert;
use crate::clock::Millis;
use crate::event::Event;
use crate::kind::{Kind, Layer, Verdict};
use crate::rule::Rule;
use crate::watch::Watch;

/// Events one after another, with the time between them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Example {
    steps: Vec<Step>,
}

/// Equal events.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// How many of them.
    #[serde(default = "once")]
    times: u16,
    /// How long before each of them.
    #[serde(default)]
    every: Span,
    kind: Kind,
    #[serde(default)]
    session: String,
    #[serde(default)]
    server: String,
    caller: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
    tool: Option<String>,
    verdict: Option<Verdict>,
    layer: Option<Layer>,
    cause: Option<Cause>,
    operation: Option<OperationKind>,
    host: Option<String>,
    path: Option<String>,
    program: Option<String>,
    #[serde(default = "one")]
    count: u64,
}

impl Example {
    /// What the rule says about it, if nothing happened before.
    pub fn alerts(&self, rule: &Rule) -> Vec<Alert> {
        let mut watch = Watch::new([rule.clone()]);
        let (mut now, mut seq, mut alerts) = (Millis(0), 0, Vec::new());
        for step in &self.steps {
            for _ in 0..step.times {
                (now, seq) = (now.after(step.every.0), seq + 1);
                alerts.extend(watch.event(&step.event(seq), now));
            }
        }
        alerts
    }
}

impl Step {
    fn event(&self, seq: u64) -> Event<'_> {
        let Self { times: _, every: _, kind, session, server, caller, scopes, tool, .. } = self;
        let Self { verdict, layer, cause, operation, host, path, program, count, .. } = self;
        Event {
            kind: *kind,
            seq,
            session,
            server,
            caller: caller.as_deref(),
            scopes,
            tool: tool.as_deref(),
            in_flight: &[],
            verdict: *verdict,
            layer: *layer,
            cause: *cause,
            operation: *operation,
            host: host.as_deref(),
            path: path.as_deref(),
            program: program.as_deref(),
            count: *count,
        }
    }
}

fn once() -> u16 {
    1
}

fn one() -> u64 {
    1
}

//! Which events a rule is about.

use audit::{Cause, OperationKind};
use serde::Deserialize;

use crate::event::Event;
use crate::glob::Glob;
use crate::kind::{Kind, Layer, Verdict};
use crate::path::PathPrefix;

/// Which events a rule is about. Each list that is not empty must have something that fits the event; an event without
/// such a field does not fit. The default is about every event.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// Kinds of records.
    pub kinds: Vec<Kind>,
    /// How it went.
    pub verdicts: Vec<Verdict>,
    /// What it reached for.
    pub layers: Vec<Layer>,
    /// Why it was refused.
    pub causes: Vec<Cause>,
    /// What somebody did.
    pub operations: Vec<OperationKind>,
    /// The tool; of a denial, any tool of which a call was in flight.
    pub tools: Vec<Glob>,
    /// The host's name or address.
    pub hosts: Vec<Glob>,
    /// Directories in which the path lies.
    pub paths: Vec<PathPrefix>,
    /// Scopes of which the caller holds at least one.
    pub scopes: Vec<String>,
}

impl Filter {
    /// Whether the rule is about this event. What is cheap and excludes most comes first.
    pub fn admits(&self, event: &Event<'_>) -> bool {
        let Self { kinds, verdicts, layers, causes, operations, tools, hosts, paths, scopes } = self;
        one_of(kinds, Some(event.kind))
            && one_of(verdicts, event.verdict)
            && one_of(layers, event.layer)
            && one_of(causes, event.cause)
            && one_of(operations, event.operation)
            && any_fits(hosts, event.host, Glob::matches)
            && any_fits(paths, event.path, PathPrefix::holds)
            && any_fits(tools, event.tools(), Glob::matches)
            && any_fits(scopes, event.scopes.iter().map(String::as_str), |scope, held| scope == held)
    }
}

fn one_of<T: PartialEq>(wanted: &[T], value: Option<T>) -> bool {
    wanted.is_empty() || value.is_some_and(|value| wanted.contains(&value))
}

fn any_fits<'a, T>(
    wanted: &[T],
    values: impl IntoIterator<Item = &'a str>,
    fits: impl Fn(&T, &str) -> bool,
) -> bool {
    wanted.is_empty() || values.into_iter().any(|value| wanted.iter().any(|wanted| fits(wanted, value)))
}

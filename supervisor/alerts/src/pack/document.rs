//! The shape of a pack.

use serde::Deserialize;
use toml::Spanned;

use super::{Example, PackRule, Span};
use crate::filter::Filter;
use crate::rule::{Condition, GroupBy, Rule, Severity};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) version: Spanned<u32>,
    #[serde(rename = "rule", default)]
    pub(super) rules: Vec<WrittenRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenRule {
    pub(super) name: Spanned<String>,
    reason: Option<String>,
    severity: Severity,
    filter: Filter,
    when: Condition,
    #[serde(default)]
    group_by: GroupBy,
    #[serde(default)]
    quiet: Span,
    #[serde(default)]
    fires: Vec<Example>,
    #[serde(default)]
    passes: Vec<Example>,
}

impl WrittenRule {
    pub(super) fn into_rule(self) -> PackRule {
        let Self { name, reason, severity, filter, when, group_by, quiet, fires, passes } = self;
        let (name, quiet) = (name.into_inner(), quiet.0);
        PackRule { rule: Rule { name, reason, severity, filter, when, group_by, quiet }, fires, passes }
    }
}

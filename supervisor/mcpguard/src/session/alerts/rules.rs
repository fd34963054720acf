//! The policy's rules as the watch knows them.

use std::collections::BTreeMap;

use ::alerts::{
    Condition, Field, Filter, Glob, GroupBy, Kind, Layer, Pack, Rule, Severity, Threshold, Verdict,
};
use audit::{Redactor, RuleRef};
use policy::Plan;
use policy::plan::{
    AbsolutePath, AlertEvent, AlertField, AlertGroup, AlertOutcome, AlertPack, AlertRule, AlertSeverity,
    AlertSubject, AlertWhen, AlertsPlan,
};

use super::super::translate::rule_ref;
use crate::host::real;

/// Shipped rules about what nobody tells a session: callers that say who they are, what operators of the host
/// daemon do.
pub(super) const NOT_HERE: [&str; 2] = ["authentication-failures", "quarantine"];

/// All rules: the policy's own first, then shipped ones of other names. What they say holds no secret.
pub(super) fn of(plan: &AlertsPlan, redactor: &Redactor) -> Vec<Rule> {
    let mut rules: Vec<Rule> = plan.rules.iter().filter_map(own).collect();
    for rule in plan.packs.iter().flat_map(|(pack, _)| shipped(*pack)) {
        if rules.iter().all(|other| other.name != rule.name) {
            rules.push(rule);
        }
    }
    for rule in &mut rules {
        rule.name = redactor.text(&rule.name).into_owned();
        rule.reason = rule.reason.as_deref().map(|reason| redactor.text(reason).into_owned());
    }
    rules
}

/// Where each rule was asked for.
pub(super) fn places(plan: &Plan) -> BTreeMap<String, RuleRef> {
    let packs = plan
        .alerts
        .packs
        .iter()
        .flat_map(|(pack, from)| shipped(*pack).into_iter().map(move |rule| (rule.name, *from)));
    let own = plan.alerts.rules.iter().map(|rule| (rule.name.clone(), rule.from));
    packs.chain(own).filter_map(|(name, from)| Some((name, rule_ref(plan.rule(from)?)))).collect()
}

/// The rules of a pack that can find something here.
pub(super) fn shipped(pack: AlertPack) -> Vec<Rule> {
    let AlertPack::Baseline = pack;
    // That it can be read is known by the tests of its crate.
    let rules = Pack::baseline().map(Pack::into_rules).unwrap_or_default();
    rules.into_iter().filter(|rule| !NOT_HERE.contains(&&rule.name[..])).collect()
}

/// `None`: a glob, path or number that the policy's own check lets pass and this does not. There is none; a test tries.
fn own(rule: &AlertRule) -> Option<Rule> {
    let AlertRule { name, reason, severity, events, outcomes, about, tools, hosts, paths, .. } = rule;
    let globs = |texts: &[String]| texts.iter().map(|text| text.parse::<Glob>().ok()).collect::<Option<_>>();
    let filter = Filter {
        kinds: events.iter().copied().map(kind).collect(),
        verdicts: outcomes.iter().copied().map(verdict).collect(),
        layers: about.iter().copied().map(layer).collect(),
        tools: globs(tools)?,
        hosts: globs(hosts)?,
        paths: paths.iter().flat_map(spellings).map(|path| path.parse().ok()).collect::<Option<_>>()?,
        ..Filter::default()
    };
    Some(Rule {
        name: name.clone(),
        reason: reason.clone(),
        severity: weight(*severity),
        filter,
        when: when(rule.when)?,
        group_by: match rule.by {
            AlertGroup::Session => GroupBy::Session,
            AlertGroup::Tool => GroupBy::Tool,
        },
        quiet: rule.quiet,
    })
}

/// A directory as the policy names it, and as the kernel does in its events: where it really is. Neither is a text for sure, and
/// records hold what can be read of it.
fn spellings(path: &AbsolutePath) -> Vec<String> {
    let (path, real) = (path.as_path(), real(path.as_path()));
    let mut all = vec![path.to_string_lossy().into_owned()];
    all.extend((real != path).then(|| real.to_string_lossy().into_owned()));
    all
}

fn when(when: AlertWhen) -> Option<Condition> {
    Some(match when {
        AlertWhen::Any => Condition::Any,
        AlertWhen::MoreThan { count, within } => Condition::MoreThan(Threshold::new(count, within).ok()?),
        AlertWhen::FirstSeen(AlertField::Host) => Condition::FirstSeen(Field::Host),
        AlertWhen::FirstSeen(AlertField::Tool) => Condition::FirstSeen(Field::Tool),
        AlertWhen::FirstSeen(AlertField::Program) => Condition::FirstSeen(Field::Program),
    })
}

fn weight(severity: AlertSeverity) -> Severity {
    match severity {
        AlertSeverity::Info => Severity::Info,
        AlertSeverity::Warning => Severity::Warning,
        AlertSeverity::Critical => Severity::Critical,
    }
}

fn verdict(outcome: AlertOutcome) -> Verdict {
    match outcome {
        AlertOutcome::Allowed => Verdict::Allowed,
        AlertOutcome::Denied => Verdict::Denied,
        AlertOutcome::Failed => Verdict::Failed,
    }
}

fn layer(subject: AlertSubject) -> Layer {
    match subject {
        AlertSubject::Tool => Layer::Tool,
        AlertSubject::File => Layer::File,
        AlertSubject::Network => Layer::Network,
        AlertSubject::Exec => Layer::Exec,
        AlertSubject::System => Layer::System,
    }
}

fn kind(event: AlertEvent) -> Kind {
    match event {
        AlertEvent::SessionStart => Kind::SessionStart,
        AlertEvent::Handshake => Kind::Handshake,
        AlertEvent::ToolCall => Kind::ToolCall,
        AlertEvent::ToolResult => Kind::ToolResult,
        AlertEvent::Denial => Kind::Denial,
        AlertEvent::Connection => Kind::Connection,
        AlertEvent::Findings => Kind::Findings,
        AlertEvent::Approval => Kind::Approval,
        AlertEvent::Pins => Kind::Pins,
        AlertEvent::ToolQuarantine => Kind::ToolQuarantine,
        AlertEvent::Degraded => Kind::Degraded,
        AlertEvent::Noise => Kind::Noise,
        AlertEvent::Lost => Kind::Lost,
        AlertEvent::PolicyChanged => Kind::PolicyChanged,
        AlertEvent::SessionEnd => Kind::SessionEnd,
    }
}

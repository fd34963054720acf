//! Alert rules that can never tell anybody anything.

use super::duplicates::once;
use crate::document::At;
use crate::document::alert_words::AlertName;
use crate::document::alerts::{AlertRule, AlertTargets, Alerts};
use crate::document::list::Filled;
use crate::document::sections::Document;
use crate::document::words::Word;
use crate::plan::{AlertEvent, AlertField, AlertOutcome, AlertSubject, Origin};
use crate::problem::Report;

/// Rules in one policy: each looks at every record.
const MOST: usize = 128;

/// Notes what stands in the same list of the same file twice.
pub(super) fn file(document: &Document, report: &mut Report) {
    let Some(At { value: Alerts { packs, rules, to: _ }, .. }) = &document.alerts else { return };
    words_once(packs, report);
    for (_, rule) in rules.iter().flat_map(|at| &at.value.0) {
        let AlertRule { events, outcomes, about, tools, hosts, paths, .. } = rule;
        words_once(events, report);
        words_once(outcomes, report);
        words_once(about, report);
        for globs in [tools, hosts] {
            let globs = globs.iter().flat_map(|at| &at.value.0);
            once(globs.map(|at| (at.value.0.clone(), at.origin.clone())), report);
        }
        let paths = paths.iter().flat_map(|at| &at.value.0);
        once(paths.map(|at| (at.value.raw().to_owned(), at.origin.clone())), report);
    }
}

fn words_once<W: Word>(list: &Option<At<Filled<At<W>>>>, report: &mut Report) {
    let words = list.iter().flat_map(|at| &at.value.0);
    once(words.map(|at| (at.value.word(), at.origin.clone())), report);
}

/// Notes rules that nobody is told of, nobody who is told of nothing, and rules that no event fits.
pub(super) fn check(document: &Document, report: &mut Report) {
    let Some(At { value: Alerts { packs, rules, to }, origin }) = &document.alerts else { return };
    let told = to.as_ref().is_some_and(|at| tells(&at.value));
    match (told, packs.is_some() || rules.is_some()) {
        (true, true) => {}
        (true, false) => report.error(origin, "there is nothing to tell of; write `packs: [baseline]`, or `rules`"),
        (false, _) => report.error(
            to.as_ref().map_or(origin, |at| &at.origin),
            "nobody is told of these alerts; write `to` with `stderr: true`, `command`, `webhook` or `syslog: true`",
        ),
    }
    if let Some(at) = to.as_ref().and_then(|at| at.value.webhook.as_ref()) {
        let host = &at.value.0.host;
        let here = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        if !here {
            report
                .warn(&at.origin, format!("alerts go to `{host}` over the network as they are, without TLS"));
        }
    }
    if let Some((name, _)) = rules.iter().flat_map(|at| &at.value.0).nth(MOST) {
        report.error(&name.origin, format!("this is more than {MOST} rules in one policy"));
    }
    for (name, rule) in rules.iter().flat_map(|at| &at.value.0) {
        condition(name, rule, report);
        fits(rule, report);
    }
}

fn tells(AlertTargets { stderr, command, webhook, syslog }: &AlertTargets) -> bool {
    let on = |at: &Option<At<bool>>| at.as_ref().is_some_and(|at| at.value);
    on(stderr) || on(syslog) || command.is_some() || webhook.is_some()
}

/// A rule has one condition, and a threshold has both of its halves.
fn condition(name: &At<AlertName>, rule: &AlertRule, report: &mut Report) {
    let AlertRule { when, more_than, within_seconds, first_seen, .. } = rule;
    match (more_than, within_seconds) {
        (Some(at), None) => report.error(&at.origin, "`more_than` needs `within_seconds`: in how much time"),
        (None, Some(at)) => report.error(&at.origin, "`within_seconds` needs `more_than`: how many events"),
        _ => {}
    }
    let threshold = more_than.as_ref().map(|at| &at.origin).or(within_seconds.as_ref().map(|at| &at.origin));
    let all = [when.as_ref().map(|at| &at.origin), threshold, first_seen.as_ref().map(|at| &at.origin)];
    let mut written: Vec<&Origin> = all.into_iter().flatten().collect();
    written.sort();
    let (said, wanted) = ("this rule", "`when: any`, `more_than` with `within_seconds`, or `first_seen`");
    match written[..] {
        [] => report.error(&name.origin, format!("{said} does not say when: write {wanted}")),
        [_] => {}
        [.., second] => {
            report.error(second, format!("{said} has two conditions; one of {wanted} may stand there"))
        }
    }
}

/// Narrows the rule's events by one thing after the other that it wants of them.
fn fits(rule: &AlertRule, report: &mut Report) {
    let AlertRule { events, outcomes, about, tools, hosts, paths, first_seen, .. } = rule;
    let named = events.iter().flat_map(|at| &at.value.0).map(|at| at.value);
    let mut left: Vec<AlertEvent> = match events {
        Some(_) => named.collect(),
        None => AlertEvent::WORDS.iter().map(|(event, ..)| *event).collect(),
    };
    let mut narrow = |origin: Option<&Origin>, what: &str, has: &dyn Fn(AlertEvent) -> bool| {
        let Some(origin) = origin.filter(|_| !left.is_empty()) else { return };
        left.retain(|event| has(*event));
        if left.is_empty() {
            report.error(
                origin,
                format!("this rule never tells anything: no event that it is about has {what}"),
            );
        }
    };
    let place = |field| first_seen.as_ref().filter(|at| at.value == field).map(|at| &at.origin);
    narrow(tools.as_ref().map(|at| &at.origin).or(place(AlertField::Tool)), "a tool", &has_tool);
    narrow(hosts.as_ref().map(|at| &at.origin).or(place(AlertField::Host)), "a host", &has_host);
    narrow(paths.as_ref().map(|at| &at.origin), "a path", &|event| {
        event == AlertEvent::Denial && hosts.is_none() && place(AlertField::Host).is_none()
    });
    narrow(place(AlertField::Program), "a program", &|event| event == AlertEvent::Denial);
    let one = |at: &At<Filled<At<AlertOutcome>>>, event| {
        at.value.0.iter().any(|wanted| outcomes_of(event).contains(&wanted.value))
    };
    narrow(outcomes.as_ref().map(|at| &at.origin), "such an outcome", &|event| {
        outcomes.as_ref().is_some_and(|at| one(at, event))
    });
    narrow(about.as_ref().map(|at| &at.origin), "to do with such a thing", &|event| {
        about.iter().flat_map(|at| &at.value.0).any(|wanted| {
            // Of denials, only those of the network name a host.
            let of_host = hosts.is_some() || place(AlertField::Host).is_some();
            is_about(event, wanted.value) && (!of_host || wanted.value == AlertSubject::Network)
        })
    });
}

fn has_tool(event: AlertEvent) -> bool {
    use AlertEvent::{Approval, Denial, Findings, ToolCall, ToolQuarantine, ToolResult};
    matches!(event, ToolCall | ToolResult | Denial | Findings | Approval | ToolQuarantine)
}

fn has_host(event: AlertEvent) -> bool {
    matches!(event, AlertEvent::Denial | AlertEvent::Connection)
}

fn outcomes_of(event: AlertEvent) -> &'static [AlertOutcome] {
    use AlertOutcome::{Allowed, Denied, Failed};
    match event {
        AlertEvent::ToolCall => &[Allowed, Denied],
        AlertEvent::ToolResult => &[Allowed, Denied, Failed],
        AlertEvent::Denial => &[Denied],
        AlertEvent::Connection => &[Allowed],
        AlertEvent::SessionEnd => &[Denied, Failed],
        _ => &[],
    }
}

fn is_about(event: AlertEvent, what: AlertSubject) -> bool {
    match event {
        AlertEvent::Denial => true,
        AlertEvent::Connection => what == AlertSubject::Network,
        event => has_tool(event) && what == AlertSubject::Tool,
    }
}

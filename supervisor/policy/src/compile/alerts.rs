//! `alerts` → rules over records, and who is told.

use std::time::Duration;

use super::Compiler;
use super::ledger::sentence;
use crate::document::At;
use crate::document::alert_words::{AlertGlob, AlertName, WebhookUrl};
use crate::document::alerts::{AlertRule, AlertTargets, Alerts};
use crate::document::list::Filled;
use crate::document::path::PathText;
use crate::document::words::Word;
use crate::plan::{
    AbsolutePath, AlertPack, AlertRule as Planned, AlertTargets as Targets, AlertWhen, AlertsPlan, Ask,
    RuleId,
};

/// For how many seconds the same is not told again where nothing is written. A value that is there for the first time is
/// never the same: a quiet time would hide it for good.
fn quiet(when: AlertWhen) -> u64 {
    match when {
        AlertWhen::Any | AlertWhen::MoreThan { .. } => 60,
        AlertWhen::FirstSeen(_) => 0,
    }
}

impl Compiler<'_> {
    pub(super) fn alerts(&mut self, Alerts { packs, rules, to }: Alerts) -> AlertsPlan {
        let packs = packs.into_iter().flat_map(|at| at.value.0).map(|pack| self.pack(&pack)).collect();
        let rules = rules.into_iter().flat_map(|at| at.value.0);
        let rules = rules.filter_map(|(name, rule)| self.alert(name, rule)).collect();
        AlertsPlan { packs, rules, to: to.map(|at| self.targets(at.value)).unwrap_or_default() }
    }

    fn pack(&mut self, At { value, origin }: &At<AlertPack>) -> (AlertPack, RuleId) {
        let text = format!("alerts.packs: {}", value.word());
        (*value, self.ledger.rule(text, origin, None, Ask::Alert))
    }

    /// `None` where it says not when: that was noted when it was read.
    fn alert(&mut self, name: At<AlertName>, rule: AlertRule) -> Option<Planned> {
        let when = when(&rule)?;
        let AlertRule { events, outcomes, about, tools, hosts, paths, by, severity, quiet_seconds, .. } =
            rule;
        let reason = sentence(rule.reason);
        let text = format!("alerts.rules.{}: {}", name.value.0, shown(when));
        let from = self.ledger.rule(text, &name.origin, reason.clone(), Ask::Alert);
        Some(Planned {
            name: name.value.0,
            reason,
            severity: severity.map(|at| at.value).unwrap_or_default(),
            events: all(events),
            outcomes: all(outcomes),
            about: all(about),
            tools: globs(tools),
            hosts: globs(hosts),
            paths: self.directories(paths),
            when,
            by: by.map(|at| at.value).unwrap_or_default(),
            quiet: Duration::from_secs(quiet_seconds.map_or(quiet(when), |at| at.value.get())),
            from,
        })
    }

    fn directories(&mut self, paths: Option<At<Filled<At<PathText>>>>) -> Vec<AbsolutePath> {
        paths.into_iter().flat_map(|at| at.value.0).filter_map(|path| self.single_path(&path)).collect()
    }

    fn targets(&mut self, AlertTargets { stderr, command, webhook, syslog }: AlertTargets) -> Targets {
        let on = |at: Option<At<bool>>| at.filter(|at| at.value);
        let (stderr, syslog) = (on(stderr), on(syslog));
        self.ledger.key("alerts.to.stderr", &stderr, bool::to_string, Ask::Alert);
        self.ledger.key("alerts.to.syslog", &syslog, bool::to_string, Ask::Alert);
        // What follows the host may hold a key.
        let place = |WebhookUrl(hook): &WebhookUrl| format!("http://{}/…", hook.authority);
        self.ledger.key("alerts.to.webhook", &webhook, place, Ask::Alert);
        let command = command.and_then(|At { value, origin }| {
            let words: Option<Vec<String>> = value.0.iter().map(|word| self.text(word)).collect();
            let shown = format!("alerts.to.command: {}", words.as_ref()?.join(" "));
            self.ledger.rule(shown, &origin, None, Ask::Alert);
            words
        });
        let webhook = webhook.map(|At { value: WebhookUrl(hook), .. }| hook);
        Targets { stderr: stderr.is_some(), command, webhook, syslog: syslog.is_some() }
    }
}

fn when(rule: &AlertRule) -> Option<AlertWhen> {
    let AlertRule { when, more_than, within_seconds, first_seen, .. } = rule;
    match (when, more_than, within_seconds, first_seen) {
        (Some(_), ..) => Some(AlertWhen::Any),
        (_, Some(count), Some(within), _) => Some(AlertWhen::MoreThan {
            count: count.value.get32(),
            within: Duration::from_secs(within.value.get()),
        }),
        (.., Some(field)) => Some(AlertWhen::FirstSeen(field.value)),
        _ => None,
    }
}

fn shown(when: AlertWhen) -> String {
    match when {
        AlertWhen::Any => "any".to_owned(),
        AlertWhen::MoreThan { count, within } => format!("more than {count} in {} s", within.as_secs()),
        AlertWhen::FirstSeen(field) => format!("first seen {}", field.word()),
    }
}

fn all<T>(list: Option<At<Filled<At<T>>>>) -> Vec<T> {
    list.into_iter().flat_map(|at| at.value.0).map(|at| at.value).collect()
}

fn globs(list: Option<At<Filled<At<AlertGlob>>>>) -> Vec<String> {
    all(list).into_iter().map(|AlertGlob(glob)| glob).collect()
}

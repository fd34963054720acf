//! Who is told of what happens in the session, by the policy's rules.
//!
//! ```text
//! record, written and without secrets ─► Watch ─► alert ─► a record of its own ─► desk ─┬─► queue ─► thread ─► stderr
//! host that was reached ───────────────►                                               ├─► queue ─► thread ─► command
//!                                                                                      └─► …        webhook, syslog
//! ```
//!
//! Nobody waits for whoever is told: a queue that is full drops, and what was dropped is counted. Records of alerts are not
//! watched, so that none makes the next.

mod desk;
mod found;
mod outlet;
mod rules;
mod running;
mod watches;
mod ways;

use std::collections::BTreeMap;
use std::sync::MutexGuard;
use std::time::Instant;

use ::alerts::{Event, Kind, Layer, Millis, Origin, Verdict};
use audit::{Body, Redactor, RuleRef};
use policy::plan::AlertTargets;

use crate::compose::Composed;
use desk::Desk;
pub(super) use found::{Found, Place};
pub(super) use running::Running;
use watches::Watches;

/// The rules at work, and who is told.
pub(super) struct Alerts {
    watches: Watches,
    /// Where each rule stands in the policy.
    places: BTreeMap<String, RuleRef>,
    began: Instant,
    session: String,
    server: String,
    scopes: Vec<String>,
    to: AlertTargets,
    desk: Desk,
}

impl Alerts {
    /// The policy's rules. Nobody is told before [`Self::open`].
    pub(super) fn of(composed: &Composed, session: &str, redactor: &Redactor) -> Self {
        let plan = &composed.plan;
        Self {
            watches: Watches::of(rules::of(&plan.alerts, redactor)),
            places: rules::places(plan),
            began: Instant::now(),
            session: session.to_owned(),
            server: redactor.text(&plan.name).into_owned(),
            scopes: composed.caller.scopes.iter().cloned().collect(),
            to: plan.alerts.to.clone(),
            desk: Desk::of(&plan.alerts.to),
        }
    }

    /// Whoever waits is told from now on: the server was started, and this process forks no more.
    pub(super) fn open(&mut self) {
        self.desk.open();
    }

    /// Another policy holds. What rules that stay the same know, they go on knowing.
    pub(super) fn follow(&mut self, composed: &Composed, redactor: &Redactor) {
        let plan = &composed.plan;
        self.watches.follow(rules::of(&plan.alerts, redactor));
        if plan.alerts.to != self.to {
            self.desk.replace(&plan.alerts.to);
            self.to = plan.alerts.to.clone();
        }
        self.places = rules::places(plan);
        self.server = redactor.text(&plan.name).into_owned();
    }

    /// What is to be told of a record. `body` holds no secrets; `seq` is 0 where it is not written.
    pub(super) fn of_record(&mut self, body: &Body, seq: u64) -> Vec<Found> {
        self.take(|origin| Event::all_of(body, seq, origin))
    }

    /// What is to be told because a record could not be written.
    pub(super) fn of_loss(&mut self) -> Vec<Found> {
        self.take(|origin| vec![at(origin, Kind::Lost)])
    }

    /// What is to be told of a host that was reached. Its name holds no secrets.
    pub(super) fn of_host(&mut self, host: &str) -> Vec<Found> {
        let (host, verdict, layer) = (Some(host), Some(Verdict::Allowed), Some(Layer::Network));
        self.take(|origin| vec![Event { host, verdict, layer, ..at(origin, Kind::Connection) }])
    }

    fn take<'a>(&'a mut self, events: impl FnOnce(&Origin<'a>) -> Vec<Event<'a>>) -> Vec<Found> {
        let Self { watches, places, began, session, server, scopes, .. } = self;
        if watches.are_none() {
            return Vec::new();
        }
        let now = Millis(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
        let origin = Origin { session, server, caller: None, scopes };
        let events = events(&origin);
        let alerts: Vec<_> = events.iter().flat_map(|event| watches.event(event, now)).collect();
        alerts.iter().map(|alert| Found::of(alert, places.get(&alert.rule))).collect()
    }

    /// Has everybody told. The body is the alert's record, without secrets.
    pub(super) fn tell(&mut self, body: &Body, line: &str, place: &Place<'_>) {
        self.desk.tell(body, line, place, &self.server);
    }

    /// While this is held no program is started.
    pub(super) fn quiet(&self) -> MutexGuard<'_, Running> {
        self.desk.quiet()
    }

    /// Gives whoever is told a short time for what waits; how often somebody was not told.
    pub(super) fn close(&mut self) -> u64 {
        self.desk.close()
    }
}

fn at<'a>(Origin { session, server, caller, scopes }: &Origin<'a>, kind: Kind) -> Event<'a> {
    Event { session, server, caller: *caller, scopes, ..Event::new(kind) }
}

#[cfg(test)]
mod tests;

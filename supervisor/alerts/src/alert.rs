//! What somebody is told.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::clock::{Instant, Millis, millis};
use crate::event::Event;
use crate::group::{Group, Memory};
use crate::key::bounded;
use crate::occasion::{GroupKey, LockOut, Occasion};
use crate::rule::{Condition, GroupBy, Rule, Severity};

/// The most numbers of records in an alert.
pub const MOST_SAMPLES: usize = 8;

/// What somebody is told. As JSON it is the body of a webhook or what a command reads; its texts are then as they came,
/// shortened to 256 bytes where nobody of ours wrote them. `Display` is one line for people, in which nothing is left that
/// a terminal would obey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// The rule's name.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// What has happened.
    pub occasion: Occasion,
    /// The rule's reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The group; `None` where a rule has all events in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupKey>,
    /// The session of the last event; empty where it has none.
    pub session: String,
    /// The host, path, program or tool that the last event was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// How many events it tells of: those in the window, of which no more are kept than it takes to pass the threshold; or
    /// the groups that had to go.
    pub count: u64,
    /// The window in which they were, in JSON as milliseconds.
    #[serde(rename = "window_ms", serialize_with = "as_millis", skip_serializing_if = "Option::is_none")]
    pub window: Option<Duration>,
    /// When the first of them was.
    pub first: Millis,
    /// When the last of them was.
    pub last: Millis,
    /// The numbers of their records, the last [`MOST_SAMPLES`]. A record's number counts in its own session: where a group
    /// goes across sessions, only the last one is surely of [`Self::session`].
    pub sample: Vec<u64>,
    /// How often the group was worth an alert since it was told of last, or tried something while it was locked out.
    pub suppressed: u64,
    /// The rule asks that the group be locked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock_out: Option<LockOut>,
}

impl Alert {
    /// The condition holds.
    pub(crate) fn worth(
        rule: &Rule,
        group: &Group,
        suppressed: u64,
        event: &Event<'_>,
        now: Instant,
    ) -> Self {
        let mut alert = Self { suppressed, ..Self::new(rule, event, now) };
        let (Condition::MoreThan(threshold), Memory::Window(window)) = (&rule.when, &group.memory) else {
            return alert;
        };
        let marks = window.marks();
        let skipped = marks.len().saturating_sub(MOST_SAMPLES);
        alert.sample = window.marks().skip(skipped).map(|mark| mark.seq).filter(|seq| *seq != 0).collect();
        alert.first = marks.take(1).fold(now.told, |_, mark| now.told.before(now.run - mark.at));
        alert.count = window.total();
        alert.window = Some(threshold.window());
        alert.lock_out = threshold.lock_out().map(|time| LockOut { until: now.told.after(time) });
        alert
    }

    /// The group's values are full.
    pub(crate) fn full(rule: &Rule, group: &Group, event: &Event<'_>, now: Instant) -> Self {
        let count = u64::try_from(group.known()).unwrap_or(u64::MAX);
        Self { occasion: Occasion::ValuesFull, count, ..Self::new(rule, event, now) }
    }

    /// So many groups had to go, of which so much was never told; this one is the last.
    pub(crate) fn crowded(
        rule: &Rule,
        key: &str,
        (count, suppressed): (u64, u64),
        event: &Event<'_>,
        now: Instant,
    ) -> Self {
        let group = GroupKey { by: rule.group_by, key: key.to_owned() };
        let occasion = Occasion::GroupsDropped;
        Self { occasion, count, suppressed, group: Some(group), ..Self::new(rule, event, now) }
    }

    fn new(rule: &Rule, event: &Event<'_>, now: Instant) -> Self {
        let by = rule.group_by;
        let key = || GroupKey { by, key: bounded(by.key(event)).into_owned() };
        Self {
            rule: rule.name.clone(),
            severity: rule.severity,
            occasion: Occasion::Matched,
            reason: rule.reason.clone(),
            group: (by != GroupBy::None).then(key),
            session: bounded(event.session).into_owned(),
            subject: event.subject().map(|subject| bounded(subject).into_owned()),
            count: event.count.max(1),
            window: None,
            first: now.told,
            last: now.told,
            sample: Some(event.seq).filter(|seq| *seq != 0).into_iter().collect(),
            suppressed: 0,
            lock_out: None,
        }
    }
}

fn as_millis<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(millis).serialize(serializer)
}

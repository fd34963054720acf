//! What happens in sessions: told to a session's own supervisor, and to operators who follow.

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

use super::{EventKind, KernelEvent, RequestId, Summary};
use crate::bounded;
use crate::name::{SessionId, SessionName};

/// Something that happened in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It was opened. Told to followers only.
    Opened(Box<Summary>),
    /// The kernel denied something.
    Denied(Box<KernelEvent>),
    /// Denials that nobody could be told of.
    Dropped(Dropped),
    /// Its limits were reached.
    Resources(Resources),
    /// It was ended: no process of it is left, and what it asks for from now on is refused.
    Ended(Because),
    /// It was stopped where it stands.
    Frozen(Because),
    /// It goes on.
    Thawed(Because),
    /// It may use more, or less, than before.
    Limited(Because),
    /// Another policy holds for it.
    Revised(Revised),
}

/// The policy of a session is another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revised {
    /// The new policy's name.
    pub policy: String,
    /// Its revision: SHA-256 in hex.
    pub revision: String,
    /// The revision that held until now.
    pub before: String,
}

/// How many denials were dropped since this was last told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// By kind, each once.
    pub kinds: Vec<(EventKind, u64)>,
}

/// How often the limits of the control group were reached since the session's start. Absent where it is not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Processes that were killed because the memory limit was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oom_kills: Option<u64>,
    /// How often memory could not be had within the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oom: Option<u64>,
    /// How often a process or thread was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes_refused: Option<u64>,
    /// How many periods ended with the processor share used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_throttled_periods: Option<u64>,
    /// How long the processors stood still for it, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_throttled_us: Option<u64>,
}

/// Who did it, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Because {
    /// Who.
    pub who: Actor,
    /// Why: a sentence.
    pub why: String,
}

/// Who acts on a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// Its own user, by uid.
    Owner(u32),
    /// An operator, by uid.
    Operator(u32),
    /// Its policy: a violation.
    Policy,
    /// The daemon: a proof that failed, a rule of the host.
    Daemon,
}

/// The kinds of [`Event`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// [`Event::Opened`].
    Opened,
    /// [`Event::Denied`].
    Denied,
    /// [`Event::Dropped`].
    Dropped,
    /// [`Event::Resources`].
    Resources,
    /// [`Event::Ended`].
    Ended,
    /// [`Event::Frozen`].
    Frozen,
    /// [`Event::Thawed`].
    Thawed,
    /// [`Event::Limited`].
    Limited,
    /// [`Event::Revised`].
    Revised,
}

impl Event {
    /// Its kind.
    pub fn topic(&self) -> Topic {
        match self {
            Self::Opened(_) => Topic::Opened,
            Self::Denied(_) => Topic::Denied,
            Self::Dropped(_) => Topic::Dropped,
            Self::Resources(_) => Topic::Resources,
            Self::Ended(_) => Topic::Ended,
            Self::Frozen(_) => Topic::Frozen,
            Self::Thawed(_) => Topic::Thawed,
            Self::Limited(_) => Topic::Limited,
            Self::Revised(_) => Topic::Revised,
        }
    }
}

/// An event that somebody follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    /// The request to follow.
    pub follow: RequestId,
    /// Events of this request that were dropped before this one because the follower reads too slowly.
    pub missed: u64,
    /// The session.
    pub session: SessionId,
    /// Its name.
    pub name: SessionName,
    /// Its user.
    pub uid: u32,
    /// What happened.
    pub event: Event,
}

/// Which events are followed: those that every part which is there lets through. An empty one lets all through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// This session only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Sessions of this name only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<SessionName>,
    /// Sessions of this user only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<u32>,
    /// These kinds of events only; 1 to 7.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "topics")]
    pub topics: Option<Vec<Topic>>,
    /// Of the denials only those of these kinds, none of them [`EventKind::Unknown`]; 1 to 32.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "kinds")]
    pub denials: Option<Vec<EventKind>>,
}

impl Filter {
    /// Whether an event is let through.
    pub fn lets_through(&self, session: &SessionId, name: &SessionName, uid: u32, event: &Event) -> bool {
        let Self { session: one, name: named, user, topics, denials } = self;
        let kind = match event {
            Event::Denied(denied) => Some(denied.kind),
            _ => None,
        };
        one.as_ref().is_none_or(|one| one == session)
            && named.as_ref().is_none_or(|named| named == name)
            && user.is_none_or(|user| user == uid)
            && topics.as_ref().is_none_or(|topics| topics.contains(&event.topic()))
            && denials.as_ref().zip(kind).is_none_or(|(denials, kind)| denials.contains(&kind))
    }
}

fn topics<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Topic>>, D::Error> {
    bounded::list::<_, _, 1, 7>(from).map(Some)
}

/// What a client asks for must be known, or its events would be missing silently.
fn kinds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<EventKind>>, D::Error> {
    let kinds = bounded::list::<_, _, 1, 32>(from)?;
    if kinds.contains(&EventKind::Unknown) {
        return Err(D::Error::custom("a filter names a kind of denial that this daemon does not know"));
    }
    Ok(Some(kinds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lets_through(filter: &str, event: &Event) -> bool {
        let filter: Filter = serde_json::from_str(filter).unwrap();
        let (id, name) = (SessionId::new("00000000000000aa").unwrap(), SessionName::new("git").unwrap());
        filter.lets_through(&id, &name, 1000, event)
    }

    #[test]
    fn every_part_must_let_it_through() {
        let because = Because { who: Actor::Daemon, why: String::new() };
        let ended = Event::Ended(because);
        for (filter, through) in [
            ("{}", true),
            (r#"{"session":"00000000000000aa","name":"git","user":1000,"topics":["ended"]}"#, true),
            (r#"{"denials":["open"]}"#, true),
            (r#"{"session":"00000000000000ab"}"#, false),
            (r#"{"name":"github"}"#, false),
            (r#"{"user":0}"#, false),
            (r#"{"topics":["denied","frozen"]}"#, false),
        ] {
            assert_eq!(lets_through(filter, &ended), through, "{filter}");
        }
    }

    #[test]
    fn denials_are_let_through_by_kind() {
        let denied = r#"{"denied":{"sequence":1,"at_ns":2,"active":1,"call":0,"process":3,"thread":3,"name":"x","kind":"exec","action":"denied","reason":"rate","access":0}}"#;
        let denied: Event = serde_json::from_str(denied).unwrap();
        for (filter, through) in [
            (r#"{"denials":["open","exec"]}"#, true),
            (r#"{"denials":["open"]}"#, false),
            (r#"{"denials":["exec"],"topics":["ended"]}"#, false),
            (r#"{"topics":["denied"]}"#, true),
        ] {
            assert_eq!(lets_through(filter, &denied), through, "{filter}");
        }
    }

    #[test]
    fn an_empty_or_unknown_part_is_an_error() {
        for filter in [
            r#"{"topics":[]}"#,
            r#"{"topics":["ending"]}"#,
            r#"{"topics":null}"#,
            r#"{"denials":[]}"#,
            r#"{"denials":["opne"]}"#,
            r#"{"denials":["unknown"]}"#,
            r#"{"user":-1}"#,
            r#"{"users":1}"#,
        ] {
            assert!(serde_json::from_str::<Filter>(filter).is_err(), "{filter}");
        }
    }
}

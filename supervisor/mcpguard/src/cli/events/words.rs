//! One event as a line for people, or as an object.

use control::message::{Actor, Because, Dropped, Event, Followed, KernelEvent, Resources, Revised, Summary};
use jiff::Timestamp;
use nix::unistd::{Uid, User};
use serde::Serialize;
use serde_json::{Value, json};

use crate::terminal::paint;

/// The line: when it was told, the session, its name, its user, what happened. Nothing in it moves a terminal's cursor.
pub(super) fn line(followed: &Followed, coloured: bool) -> String {
    let Followed { missed, session, name, uid, event, .. } = followed;
    let missed = if *missed > 0 {
        format!("{missed} events before this one were missed: they are not read fast enough\n")
    } else {
        String::new()
    };
    let (head, text) = what(event);
    let shown = |text: String| audit::for_people(&text).into_owned();
    let when = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
    let head = paint(head, colour(event), coloured);
    format!(
        "{missed}{when}  {session}  {}  {}  {head}{}",
        shown(name.to_string()),
        shown(user(*uid)),
        shown(text)
    )
}

/// The object: the event in the protocol's own words.
pub(super) fn document(followed: &Followed) -> serde_json::Result<Value> {
    let Followed { missed, session, name, uid, event, .. } = followed;
    let topic = word(&event.topic());
    let mut body = serde_json::to_value(event)?;
    Ok(json!({
        "time": Timestamp::now().to_string(),
        "session": session,
        "name": name,
        "uid": uid,
        "topic": topic,
        "event": body.get_mut(&topic).map(Value::take),
        "missed": missed,
    }))
}

fn user(uid: u32) -> String {
    let known = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    known.map_or_else(|| uid.to_string(), |user| user.name)
}

fn colour(event: &Event) -> &'static str {
    match event {
        Event::Denied(_) | Event::Dropped(_) => "31",
        Event::Ended(_) | Event::Frozen(_) | Event::Resources(_) | Event::Limited(_) | Event::Revised(_) => {
            "33"
        }
        Event::Opened(_) | Event::Thawed(_) => "32",
    }
}

fn what(event: &Event) -> (&'static str, String) {
    match event {
        Event::Opened(summary) => ("opened", opened(summary)),
        Event::Denied(denial) => ("denied", denied(denial)),
        Event::Dropped(Dropped { kinds }) => {
            let count: u64 = kinds.iter().map(|(_, count)| count).sum();
            ("dropped", format!(": {count} denials that nobody could be told of"))
        }
        Event::Resources(resources) => ("resources", used_up(resources)),
        Event::Ended(because) => ("ended", by(because)),
        Event::Frozen(because) => ("frozen", by(because)),
        Event::Thawed(because) => ("thawed", by(because)),
        Event::Limited(because) => ("limited", by(because)),
        Event::Revised(Revised { policy, revision, before }) => {
            ("revised", format!(": policy {policy}, revision {revision}, before {before}"))
        }
    }
}

fn opened(Summary { policy, revision, supervisor, .. }: &Summary) -> String {
    format!(": policy {policy}, revision {revision}, process {supervisor}")
}

fn denied(event: &KernelEvent) -> String {
    let KernelEvent { process, name, kind, action, reason, path, peer, .. } = event;
    let path = path.as_ref().map(|seen| String::from_utf8_lossy(seen.path.as_bytes()).into_owned());
    let object = path.or_else(|| peer.map(|peer| peer.address.to_string())).map(|it| format!(" {it}"));
    let (object, name) = (object.unwrap_or_default(), String::from_utf8_lossy(name.as_bytes()));
    let killed = if word(action) == "killed" { ", and killed" } else { "" };
    format!(": {}{object} by {name} ({process}): {}{killed}", plain(kind), plain(reason))
}

fn used_up(resources: &Resources) -> String {
    let Resources { oom_kills, processes_refused, cpu_throttled_us, .. } = resources;
    let [killed, refused, throttled] =
        [oom_kills, processes_refused, cpu_throttled_us].map(|it| it.unwrap_or(0));
    let ms = throttled / 1000;
    format!(
        ": so far {killed} processes killed for memory, {refused} refused, processors held back for {ms} ms"
    )
}

fn by(Because { who, why }: &Because) -> String {
    let who = match who {
        Actor::Owner(uid) => format!("its user {}", user(*uid)),
        Actor::Operator(uid) => format!("the operator {}", user(*uid)),
        Actor::Policy => "its policy".to_owned(),
        Actor::Daemon => "the host daemon".to_owned(),
    };
    format!(" by {who}: {why}")
}

/// A word of the protocol.
fn word(it: &impl Serialize) -> String {
    let value = serde_json::to_value(it).unwrap_or_default();
    value.as_str().unwrap_or("unknown").to_owned()
}

/// The same as one speaks.
fn plain(it: &impl Serialize) -> String {
    word(it).replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn followed(event: &str) -> Followed {
        let text = format!(
            r#"{{"follow":1,"missed":3,"session":"00000000000000aa","name":"git","uid":4000000,"event":{event}}}"#
        );
        serde_json::from_str(&text).expect("an event")
    }

    const DENIED: &str = r#"{"denied":{"sequence":1,"at_ns":2,"active":1,"call":0,"process":7,"thread":7,
        "name":"\u001b[2Jx","kind":"map_code","action":"killed","reason":"writable_code","access":0,
        "path":{"path":"/tmp/a\nb","complete":true}}}"#;

    #[test]
    fn a_line_says_who_and_what_and_holds_nothing_that_a_server_could_write_to_the_terminal() {
        let line = line(&followed(DENIED), false);
        let mut lines = line.lines();
        assert!(lines.next().is_some_and(|line| line.starts_with("3 events before this one were missed")));
        let line = lines.next().expect("the event itself");
        assert!(line.contains("  00000000000000aa  git  4000000  denied: map code /tmp/a"), "{line}");
        assert!(line.ends_with("(7): writable code, and killed") && !line.contains('\u{1b}'), "{line}");
        assert_eq!(lines.next(), None);
    }

    #[test]
    fn an_object_has_the_event_in_the_protocols_words() {
        let document =
            document(&followed(r#"{"frozen":{"who":{"operator":0},"why":"x"}}"#)).expect("an object");
        assert_eq!((&document["topic"], &document["missed"]), (&json!("frozen"), &json!(3)));
        assert_eq!(document["event"], json!({ "who": { "operator": 0 }, "why": "x" }));
    }

    #[test]
    fn colours_are_for_terminals() {
        let ended = followed(r#"{"ended":{"who":"policy","why":"x"}}"#);
        assert!(line(&ended, true).contains("\u{1b}[33mended\u{1b}[0m by its policy: x"));
        assert!(!line(&ended, false).contains('\u{1b}'));
    }
}

//! A sliding window says what a list of all events says; nothing that comes in makes it panic.

use std::time::Duration;

use alerts::{
    Condition, Event, Field, Filter, Glob, GroupBy, Kind, Millis, Pack, PathPrefix, Rule, Severity,
    Threshold, Watch,
};
use proptest::prelude::*;

fn watch(when: Condition, group_by: GroupBy) -> Watch {
    let (name, filter, quiet) = ("rule".to_owned(), Filter::default(), Duration::ZERO);
    Watch::new([Rule { name, reason: None, severity: Severity::Info, filter, when, group_by, quiet }])
}

/// Whether the last of these events has too many in its window, said by looking at all of them.
fn too_many(events: &[(u64, u8, u64)], count: u32, window: u64) -> bool {
    let Some((now, group, _)) = events.last() else { return false };
    let in_window = events.iter().filter(|(at, of, _)| of == group && now - at < window);
    in_window.map(|(_, _, count)| count).sum::<u64>() > u64::from(count)
}

/// The same glob by trying everything.
fn naive(glob: &[u8], name: &[u8]) -> bool {
    match glob {
        [] => name.is_empty(),
        [b'*', rest @ ..] => (0..=name.len()).any(|skip| naive(rest, &name[skip..])),
        [byte, rest @ ..] => name.first().is_some_and(|first| first == byte && naive(rest, &name[1..])),
    }
}

proptest! {
    #[test]
    fn a_window_says_what_a_list_says(
        count in 0_u32..8,
        window in 1_u64..200,
        steps in proptest::collection::vec((0_u64..60, 0_u8..3, 1_u64..4), 1..200),
    ) {
        let threshold = Threshold::new(count, Duration::from_millis(window)).unwrap();
        let mut watch = watch(Condition::MoreThan(threshold), GroupBy::Session);
        let (mut now, mut events) = (0, Vec::new());
        for (step, group, weight) in steps {
            now += step;
            events.push((now, group, weight));
            let session = group.to_string();
            let event = Event { session: &session, count: weight, ..Event::new(Kind::ToolCall) };
            let fires = !watch.event(&event, Millis(now)).is_empty();
            prop_assert_eq!(fires, too_many(&events, count, window), "at {} in {:?}", now, events);
        }
    }

    #[test]
    fn a_value_is_new_if_it_is_not_in_the_list(values in proptest::collection::vec(0_u8..40, 0..200)) {
        let mut watch = watch(Condition::FirstSeen(Field::Tool), GroupBy::None);
        for (index, value) in values.iter().enumerate() {
            let tool = value.to_string();
            let event = Event { tool: Some(&tool), ..Event::new(Kind::ToolCall) };
            let fires = !watch.event(&event, Millis(0)).is_empty();
            prop_assert_eq!(fires, !values[..index].contains(value));
        }
    }

    #[test]
    fn a_glob_matches_what_it_should(glob in "[ab*]{1,8}", name in "[ab]{0,12}") {
        let parsed: Glob = glob.parse().unwrap();
        prop_assert_eq!(parsed.matches(&name), naive(glob.as_bytes(), name.as_bytes()));
        prop_assert_eq!(parsed.matches(&name.to_uppercase()), parsed.matches(&name));
    }

    #[test]
    fn nothing_makes_the_baseline_panic(
        events in proptest::collection::vec((any::<u64>(), any::<u64>(), ".{0,20}", any::<[u8; 4]>()), 0..100),
    ) {
        const KINDS: [Kind; 5] =
            [Kind::ToolCall, Kind::Denial, Kind::Lost, Kind::Authentication, Kind::Connection];
        const VERDICTS: [alerts::Verdict; 3] =
            [alerts::Verdict::Allowed, alerts::Verdict::Denied, alerts::Verdict::Failed];
        let mut watch = Watch::new(Pack::baseline().unwrap().into_rules());
        for (now, count, text, [kind, verdict, ..]) in &events {
            let event = Event {
                session: text,
                server: text,
                caller: Some(text),
                tool: Some(text),
                host: Some(text),
                path: Some(text),
                verdict: Some(VERDICTS[usize::from(*verdict) % VERDICTS.len()]),
                layer: Some(alerts::Layer::Network),
                count: *count,
                ..Event::new(KINDS[usize::from(*kind) % KINDS.len()])
            };
            for alert in watch.event(&event, Millis(*now)) {
                prop_assert!(alert.to_string().chars().count() <= alerts::MOST_CHARACTERS);
                prop_assert!(alert.sample.len() <= alerts::MOST_SAMPLES);
                prop_assert!(serde_json::to_string(&alert).is_ok());
            }
            watch.is_locked(GroupBy::Caller, text, Millis(*now));
        }
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in ".{0,200}") {
        _ = Pack::parse(&text);
        _ = text.parse::<PathPrefix>();
        if let Ok(glob) = text.parse::<Glob>() {
            glob.matches(&text);
        }
    }
}

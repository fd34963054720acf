//! Samples that are made up.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::super::frame;
use super::super::model::Model;
use super::super::sample::{Key, Machine, Sample, Session, State, Tally};
use super::super::screen::{Theme, draw};

/// A session of this number, `seconds` after the first sample: each second it spends as many hundredths of a processor as its
/// number, makes as many calls, and is refused something if the number is odd.
pub(super) fn session(number: u32, seconds: u64) -> Session {
    let each = u64::from(number);
    Session {
        key: Key(format!("{number}-7")),
        name: format!("{number:08x}f00dbabe"),
        pid: i32::try_from(number).expect("a small one"),
        uid: 1000,
        user: "ada".to_owned(),
        policy: format!("policy-{number}"),
        revision: "0123456789abcdef".repeat(4),
        command: vec!["node".to_owned(), format!("server-{number}")],
        audit: format!("/home/ada/log-{number}.jsonl"),
        began: began(),
        age: Duration::from_secs(60 + seconds),
        state: State::Running,
        processes: 3,
        memory: each << 20,
        cpu: Duration::from_millis(10 * each * seconds),
        tally: Some(tally(each, seconds)),
    }
}

fn tally(each: u64, seconds: u64) -> Tally {
    let denials = if each % 2 == 1 { seconds } else { 0 };
    let line = |number: u64| {
        format!("10:00:0{} #{number} denied   ebpf /etc/shadow: file by `filesystem`", number % 10).into()
    };
    Tally {
        calls: each * seconds,
        denials,
        running: vec![(each * seconds, "read_file".into(), began() + SignedDuration::from_secs(59))],
        last: (1..=denials).map(line).collect::<VecDeque<_>>(),
    }
}

/// One minute before the first sample.
fn began() -> Timestamp {
    "2026-11-27T09:59:00Z".parse().expect("a time")
}

/// A sample `seconds` after the first one.
pub(super) fn sample(seconds: u64, sessions: Vec<Session>) -> Sample {
    static FIRST: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let later = SignedDuration::from_secs(60 + i64::try_from(seconds).expect("a small one"));
    let machine = Machine {
        name: "host-1".to_owned(),
        processors: 2,
        memory: Some((1 << 30, 4 << 30)),
        load: Some([0.41, 0.33, 0.2]),
    };
    Sample { at: began() + later, moment: *FIRST + Duration::from_secs(seconds), machine, sessions }
}

/// A screen on which these have run for two seconds.
pub(super) fn model(numbers: &[u32]) -> Model {
    let mut model = Model::default();
    for seconds in 0..3 {
        model.take(sample(seconds, numbers.iter().map(|number| session(*number, seconds)).collect()));
    }
    model
}

/// A terminal of this size that shows the model.
pub(super) fn shown(model: &mut Model, columns: u16, lines: u16) -> Terminal<TestBackend> {
    drawn(model, Theme { coloured: true }, columns, lines)
}

pub(super) fn drawn(model: &mut Model, theme: Theme, columns: u16, lines: u16) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(columns, lines)).expect("memory");
    terminal.draw(|frame| draw(model, theme, frame.area(), frame.buffer_mut())).expect("memory");
    terminal
}

/// What stands on it.
pub(super) fn text(model: &mut Model, columns: u16, lines: u16) -> String {
    frame::text(shown(model, columns, lines).backend().buffer())
}

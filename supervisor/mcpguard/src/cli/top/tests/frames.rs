//! Frames as a person sees them.

use std::collections::VecDeque;
use std::time::Instant;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::super::frame;
use super::super::model::{Mode, Model, Notice};
use super::super::sample::State;
use super::super::screen::{Theme, draw};
use super::made::{drawn, model, sample, session, shown, text};

/// Three sessions: one refused something every second, one frozen, one whose log cannot be read.
fn three() -> Model {
    let mut model = Model::default();
    for second in 0..4 {
        let [refused, mut frozen, mut untold] =
            [session(31, second), session(2, second), session(12, second)];
        (frozen.state, untold.tally) = (State::Frozen, None);
        (untold.uid, untold.user) = (1001, "grace".to_owned());
        model.take(sample(second, vec![frozen, refused, untold]));
    }
    model
}

/// The lines that hold something, so that a frame reads well in a test.
fn lines(frame: &str) -> Vec<&str> {
    frame.lines().filter(|line| !line.is_empty()).collect()
}

#[test]
fn a_narrow_screen() {
    let frame = text(&mut three(), 80, 24);
    let expected = [
        "mcpguard top  host-1  10:00:03Z  load 0.41 0.33 0.20  memory 1.00GiB/4.00GiB",
        "3 sessions, 1 frozen  calls 99+? 33.0/s  denied 3+? 1.0/s  cpu 45.0%",
        " SESSION  USER   POLICY    STATE    CALLS  CALL/S  DENIED  DENY/S  CPU%▼  MEMORY",
        ">0000001f ada    policy-31 running     93    31.0       3     1.0   31.0 31.0MiB",
        " 0000000c grace  policy-12 running      ?       ?       ?       ?   12.0 12.0MiB",
        " 00000002 ada    policy-2  frozen       6     2.0       0     0.0    2.0 2.00MiB",
        "─ 0000001ff00dbabe  pid 31  ada (1000)  running 1m3s  3 processes 31.0MiB ──────",
        " command node server-31",
        " policy  policy-31, revision 0123456789abcdef0123456789abcdef0123456789abcdef01…",
        " log     /home/ada/log-31.jsonl",
        " running read_file[93] 4s",
        " cpu     31.0%   ███",
        " denied  1.0/s   ███",
        " refused 10:00:02 #2 denied   ebpf /etc/shadow: file by `filesystem`",
        "         10:00:03 #3 denied   ebpf /etc/shadow: file by `filesystem`",
        "q quit  ? keys  k kill  f freeze  t thaw  / filter  u user  < > sort  r reverse",
    ];
    assert_eq!(frame.lines().count(), 24);
    assert_eq!(lines(&frame), expected, "\n{frame}");
}

#[test]
fn a_wide_screen() {
    let frame = text(&mut three(), 200, 50);
    let expected = [
        "mcpguard top  host-1  10:00:03Z  load 0.41 0.33 0.20  memory 1.00GiB/4.00GiB  2 cpus",
        "3 sessions, 1 frozen  calls 99+? 33.0/s  denied 3+? 1.0/s  cpu 45.0%  memory 45.0MiB",
        " SESSION      PID USER   POLICY       AGE STATE    CALLS  CALL/S  BUSY  DENIED  DENY/S  PROCS  CPU%▼    TIME  MEMORY COMMAND",
        ">0000001f      31 ada    policy-31   1m3s running     93    31.0     1       3     1.0      3   31.0    0.9s 31.0MiB node server-31",
        " 0000000c      12 grace  policy-12   1m3s running      ?       ?     ?       ?       ?      3   12.0    0.4s 12.0MiB node server-12",
        " 00000002       2 ada    policy-2    1m3s frozen       6     2.0     1       0     0.0      3    2.0    0.1s 2.00MiB node server-2",
        "─ 0000001ff00dbabe  pid 31  ada (1000)  running 1m3s  3 processes 31.0MiB ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────",
        " command node server-31",
        " policy  policy-31, revision 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        " log     /home/ada/log-31.jsonl",
        " running read_file[93] 4s",
        " cpu     31.0%   ███",
        " denied  1.0/s   ███",
        " refused 10:00:01 #1 denied   ebpf /etc/shadow: file by `filesystem`",
        "         10:00:02 #2 denied   ebpf /etc/shadow: file by `filesystem`",
        "         10:00:03 #3 denied   ebpf /etc/shadow: file by `filesystem`",
        "q quit  ? keys  k kill  f freeze  t thaw  / filter  u user  < > sort  r reverse",
    ];
    assert_eq!(frame.lines().count(), 50);
    assert_eq!(lines(&frame), expected, "\n{frame}");
}

#[test]
fn a_short_screen_leaves_the_chosen_session_out_and_a_tiny_one_almost_all() {
    let mut model = three();
    assert!(!text(&mut model, 80, 15).contains("command"));
    assert!(text(&mut model, 80, 16).contains("command"));
    assert_eq!(lines(&text(&mut model, 20, 3)), [" SESSION  STATE", ">0000001f running", "q quit  ? keys"]);
    text(&mut model, 0, 5);
    for columns in 1..40 {
        for lines in 0..30 {
            assert_eq!(
                text(&mut model, columns, lines).lines().count(),
                usize::from(lines),
                "{columns}x{lines}"
            );
        }
    }
}

#[test]
fn a_screen_that_changes_its_size_shows_the_chosen_row_still() {
    let mut model = model(&(1..=100).collect::<Vec<_>>());
    let mut terminal = shown(&mut model, 200, 50);
    model.choose(99);
    let theme = Theme { coloured: true };
    for (columns, lines) in [(80, 24), (30, 6), (10, 4), (300, 100), (80, 24)] {
        terminal.backend_mut().resize(columns, lines);
        let drawn = terminal.draw(|frame| draw(&mut model, theme, frame.area(), frame.buffer_mut()));
        drawn.expect("memory");
        let shown = frame::text(terminal.backend().buffer());
        assert!(shown.contains(">00000001"), "{columns}x{lines}:\n{shown}");
    }
}

#[test]
fn nothing_runs() {
    let mut nothing = Model::default();
    assert!(text(&mut nothing, 80, 24).contains(" looking …"));
    nothing.take(sample(0, Vec::new()));
    let frame = text(&mut nothing, 80, 24);
    assert!(frame.contains(" no session runs") && frame.contains("0 sessions"), "{frame}");
    let mut filtered = three();
    filtered.filter = "nowhere".to_owned();
    filtered.arrange();
    let frame = text(&mut filtered, 80, 24);
    assert!(
        frame.contains(" no session is what the filter says") && frame.contains("0 of 3 sessions"),
        "{frame}"
    );
    assert!(frame.contains("\n[/nowhere]  q quit"), "{frame}");
}

#[test]
fn a_thousand_sessions_are_shown_in_no_time() {
    let numbers: Vec<u32> = (1..=1000).collect();
    let mut model = model(&numbers);
    let begun = Instant::now();
    let frame = text(&mut model, 200, 50);
    let took = begun.elapsed();
    assert!(frame.contains("1000 sessions") && frame.contains(">000003e8"), "{frame}");
    assert_eq!(
        frame.lines().filter(|line| line.contains("policy-") && !line.contains("revision")).count(),
        26
    );
    model.choose(usize::MAX);
    assert!(text(&mut model, 200, 50).contains(">00000001"));
    println!("a frame of 1000 sessions: {took:?}");
    assert!(took.as_millis() < 500, "{took:?}");
}

/// A session whose user would like to own the screen of whoever looks.
fn hostile(number: u32, second: u64) -> super::super::sample::Session {
    let text =
        "\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}[31m\r\n\u{9b}1A\u{202e}dlrow\u{200b}\u{e0041}日本👩\u{200d}👧";
    let mut session = session(number, second);
    let mut tally = session.tally.take().expect("made up");
    tally.last = VecDeque::from([text.into()]);
    tally.running[0].1 = text.into();
    for field in
        [&mut session.name, &mut session.user, &mut session.policy, &mut session.revision, &mut session.audit]
    {
        *field = format!("{text}{field}");
    }
    session.command = vec![text.to_owned(), "e\u{301}\u{301}\u{301}\u{301}".repeat(50), "x".repeat(200_000)];
    session.tally = Some(tally);
    session
}

#[test]
fn what_a_user_has_written_cannot_leave_its_place() {
    let mut model = Model::default();
    for second in 0..2 {
        let mut sample = sample(second, vec![hostile(1, second), session(2, second)]);
        sample.machine.name = "\u{1b}[2J\u{202e}host".to_owned();
        model.take(sample);
    }
    model.choose(1);
    let target = model.target().expect("chosen");
    for mode in [Mode::Table, Mode::Confirm(target), Mode::Filter(String::new()), Mode::Help] {
        model.mode = mode;
        model.notice = Some(Notice { text: "not ended: \u{1b}[2J".to_owned(), is_failure: true });
        for (columns, lines) in [(80, 24), (200, 50), (33, 17)] {
            let terminal = shown(&mut model, columns, lines);
            tame(terminal.backend().buffer());
        }
    }
    // The columns beside it stand where they would.
    model.mode = Mode::Table;
    let terminal = shown(&mut model, 200, 50);
    let buffer = terminal.backend().buffer();
    let at = |text: &str, line: u16| {
        (0..200).find(|x| {
            (0..text.len() as u16).all(|i| {
                buffer.cell((x + i, line)).is_some_and(|cell| cell.symbol() == &text[i.into()..][..1])
            })
        })
    };
    assert_eq!(at("running", 3), at("running", 4));
    assert!(at("running", 3).is_some());
}

/// No cell holds what a terminal would obey, a reader overlook, or what piles up.
fn tame(buffer: &Buffer) {
    for cell in buffer.content() {
        let symbol = cell.symbol();
        assert_eq!(audit::for_people(symbol), symbol, "{symbol:?}");
        assert!(symbol.chars().count() <= 3, "{symbol:?}");
    }
}

#[test]
fn without_colour_words_and_reverse_video_tell_all() {
    let mut model = three();
    model.choose(2);
    let plain = drawn(&mut model, Theme { coloured: false }, 80, 24);
    let coloured = drawn(&mut model, Theme { coloured: true }, 80, 24);
    let colours = |buffer: &Buffer| {
        buffer.content().iter().filter(|cell| (cell.fg, cell.bg) != (Color::Reset, Color::Reset)).count()
    };
    let (plain, coloured) = (plain.backend().buffer(), coloured.backend().buffer());
    assert!(colours(plain) == 0 && colours(coloured) > 60, "{} and {}", colours(plain), colours(coloured));
    assert_eq!(frame::text(plain), frame::text(coloured));
    let is =
        |line: u16, modifier| plain.cell((30, line)).is_some_and(|cell| cell.modifier.contains(modifier));
    assert!(is(5, Modifier::REVERSED) && !is(4, Modifier::REVERSED), "the chosen row");
    assert!(is(3, Modifier::BOLD) && !is(4, Modifier::BOLD), "what is being refused");
    assert!(frame::text(plain).contains("frozen"));
}

#[test]
fn questions_stand_on_the_last_line() {
    let mut model = three();
    let last = |model: &mut Model| text(model, 80, 24).lines().last().unwrap_or("").to_owned();
    model.mode = Mode::Confirm(model.target().expect("chosen"));
    assert_eq!(last(&mut model), "kill? y/n: pid 31, 0000001f (policy-31)");
    model.mode = Mode::Filter(String::new());
    model.filter = "git".to_owned();
    assert_eq!(last(&mut model), "filter: git_  Enter keeps it, Esc takes it back");
    model.mode = Mode::User(String::new());
    assert_eq!(last(&mut model), "user: _  Enter keeps it, Esc takes it back");
    (model.mode, model.notice) =
        (Mode::Table, Some(Notice { text: "ended: 0000001f".to_owned(), is_failure: false }));
    assert_eq!(last(&mut model), "ended: 0000001f");
    model.mode = Mode::Help;
    let frame = text(&mut model, 80, 24);
    assert!(
        frame.contains(" k                 kill the session (asks first)") && frame.contains("any key: back"),
        "{frame}"
    );
    assert!(frame.contains(" q, Esc, Ctrl-C    leave"), "all keys are listed:\n{frame}");
}

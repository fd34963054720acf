//! A panic on a screen that is taken over.

use std::process::{Command, Stdio};

use super::super::screen::Theme;
use super::super::terminal::Screen;

/// The hook has to do it: where a panic aborts nothing is dropped.
#[test]
fn a_panic_gives_the_terminal_back_before_it_is_told() {
    let own = std::env::current_exe().expect("it runs");
    let inner = "cli::top::tests::panics::panics_on_a_screen";
    let line = format!("{} --exact {inner} --ignored --nocapture", own.display());
    let mut script = Command::new("script");
    let told = script.args(["--quiet", "--command", &line, "/dev/null"]).stdin(Stdio::null()).output();
    let told = told.expect("script(1) of util-linux makes a terminal");
    let text = String::from_utf8_lossy(&told.stdout);
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("no {what:?} in {text:?}"));
    let (taken, left, told) = (at("\u{1b}[?1049h"), at("\u{1b}[?1049l"), at("a panic on purpose"));
    assert!(taken < left && left < told, "{text:?}");
    assert!(at("\u{1b}[?25h") < told && at("\u{1b}[?2004l") < told, "the cursor, pastes: {text:?}");
}

#[test]
#[ignore = "the other one runs it, on a terminal of its own"]
fn panics_on_a_screen() {
    let _screen = Screen::enter(Theme { coloured: false }).expect("script gives it a terminal");
    panic!("a panic on purpose");
}

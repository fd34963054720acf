//! A panic on a screen that is taken over.

use std::process::{Command, Stdio};

use super::super::screen::Theme;
use super::super::terminal::Screen;

/// Set for the test that runs inside of itself, on a terminal of its own.
const INSIDE: &str = "MCPGUARD_TEST_PANICS";

/// The hook has to do it: where a panic aborts nothing is dropped.
#[test]
fn a_panic_gives_the_terminal_back_before_it_is_told() {
    if std::env::var_os(INSIDE).is_some() {
        let _screen = Screen::enter(Theme { coloured: false }).expect("script gives it a terminal");
        panic!("a panic on purpose");
    }
    let text = on_a_terminal("cli::top::tests::panics::a_panic_gives_the_terminal_back_before_it_is_told");
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("no {what:?} in {text:?}"));
    let (taken, left, told) = (at("\u{1b}[?1049h"), at("\u{1b}[?1049l"), at("a panic on purpose"));
    assert!(taken < left && left < told, "{text:?}");
    assert!(at("\u{1b}[?25h") < told && at("\u{1b}[?2004l") < told, "the cursor, pastes: {text:?}");
}

/// What a test of this program writes to a terminal (script(1) of util-linux makes one).
fn on_a_terminal(test: &str) -> String {
    let own = std::env::current_exe().expect("it runs");
    let line = format!("'{}' --exact {test} --nocapture", own.display());
    let mut script = Command::new("script");
    script.args(["--quiet", "--command", &line, "/dev/null"]).env(INSIDE, "1").stdin(Stdio::null());
    let told = script.output().expect("util-linux is there");
    String::from_utf8_lossy(&told.stdout).into_owned()
}

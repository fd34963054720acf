//! How a count is told to `cargo xtask detection`.

#![expect(clippy::print_stdout, reason = "a test prints its table")]

use serde_json::json;

/// Which way a case should go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// It should be refused.
    Attack,
    /// It should pass.
    Benign,
}

/// How many cases of one kind there are, and how many of them were refused.
pub(crate) struct Tally {
    class: String,
    side: Side,
    source: &'static str,
    hard: bool,
    all: usize,
    suspected: usize,
    /// The attacks that passed, or the honest calls that were refused.
    wrong: Vec<String>,
}

impl Tally {
    pub(crate) fn new(class: &str, side: Side, source: &'static str, hard: bool) -> Self {
        let class = class.to_owned();
        Self { class, side, source, hard, all: 0, suspected: 0, wrong: Vec::new() }
    }

    pub(crate) fn count(&mut self, refused: bool, name: impl FnOnce() -> String) {
        self.all += 1;
        self.suspected += usize::from(refused);
        if refused != (self.side == Side::Attack) {
            self.wrong.push(name());
        }
    }

    /// One line that `cargo xtask detection` reads.
    pub(crate) fn print(&self) {
        let Self { class, side, source, hard, all, suspected, wrong } = self;
        let side = if *side == Side::Attack { "attack" } else { "benign" };
        let line = json!({ "class": class, "side": side, "source": source, "hard": hard, "all": all,
            "suspected": suspected, "wrong": wrong });
        println!("detection {line}");
    }
}

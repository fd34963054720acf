//! Where the corpora are, and how a count is told to `cargo xtask detection`.

#![expect(clippy::print_stdout, reason = "a test prints its table")]
#![allow(dead_code, reason = "each test uses a part")]

use std::path::{Path, PathBuf};

use serde_json::json;

/// What is looked for in texts.
pub(crate) const CLASSES: [&str; 5] = ["injection", "exfiltration", "secret", "invisible", "pii"];
/// Anything of these but personal data.
pub(crate) const EVERY: &str = "every text";

/// A file of the corpora.
pub(crate) fn corpus(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus").join(file)
}

/// How many texts of one kind there are, and how many of them were suspected.
pub(crate) struct Tally {
    /// What they were looked at for.
    pub(crate) class: String,
    /// Attacks that no rule is expected to see; honest texts that quote attacks.
    pub(crate) hard: bool,
    is_attack: bool,
    source: &'static str,
    all: usize,
    suspected: usize,
    /// The attacks that were missed, or the honest texts that were suspected.
    wrong: Vec<String>,
}

impl Tally {
    pub(crate) fn benign(source: &'static str, class: &str, hard: bool) -> Self {
        let class = class.to_owned();
        Self { class, hard, is_attack: false, source, all: 0, suspected: 0, wrong: Vec::new() }
    }

    pub(crate) fn attack(class: &str, hard: bool) -> Self {
        Self { is_attack: true, ..Self::benign("written", class, hard) }
    }

    pub(crate) fn count(&mut self, suspected: bool, name: impl FnOnce() -> String) {
        self.all += 1;
        self.suspected += usize::from(suspected);
        if suspected != self.is_attack {
            self.wrong.push(name());
        }
    }

    /// At least 95 of 100, or at most one of 200.
    pub(crate) fn is_good(&self) -> bool {
        match self.is_attack {
            true => self.suspected * 100 >= self.all * 95,
            false => self.suspected * 200 <= self.all,
        }
    }

    /// One line that `cargo xtask detection` reads.
    pub(crate) fn print(&self) {
        let Self { class, hard, is_attack, source, all, suspected, wrong } = self;
        let side = if *is_attack { "attack" } else { "benign" };
        let line = json!({ "class": class, "side": side, "source": source, "hard": hard, "all": all,
            "suspected": suspected, "wrong": wrong });
        println!("detection {line}");
    }
}

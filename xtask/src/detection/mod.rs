//! `cargo xtask detection`: what the corpora say about arguments and answers, in one table.
//!
//! The corpora are judged by the tests of the crates that look (`corpus` and `recorded` of `arguments` and `content`), which tell
//! each count as a line of JSON. This task runs them, adds up, and says what is missed and what is suspected wrongly.
//!
//! ```console
//! $ cargo xtask detection
//! class         attacks  caught           honest  recorded  suspected
//! path              202     202  100.0%       64       321          0   0.00%
//! …
//! ```

mod report;
mod row;

use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::checkout::Checkout;

/// Options of `cargo xtask detection`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Print the counts as one JSON object
    #[arg(long)]
    json: bool,
}

/// Which way the cases of a count should go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Side {
    /// They should be found.
    Attack,
    /// They should be left alone.
    Benign,
}

/// Where cases come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Source {
    /// Written by us.
    Written,
    /// Said by real servers.
    Recorded,
}

/// One count, as a test tells it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tally {
    class: String,
    side: Side,
    source: Source,
    /// Attacks that no rule is expected to see; honest texts that quote attacks or are refused by decision.
    hard: bool,
    all: usize,
    suspected: usize,
    /// The attacks that were missed, or the honest cases that were suspected.
    wrong: Vec<String>,
}

/// Personal data in honest texts is personal data: it is counted, and is no mistake.
const NO_MISTAKE: &str = "pii";

/// Runs the tests, prints the table, and fails where a goal is missed.
pub(crate) fn run(checkout: &Checkout, options: &Options) -> Result<()> {
    let tallies = tallies(&told(checkout)?)?;
    let missed = report::missed_goals(&tallies);
    match options.json {
        true => println!("{}", serde_json::json!({ "counts": tallies, "missed_goals": missed })),
        false => print!("{}", report::text(&tallies)),
    }
    match missed.is_empty() {
        true => Ok(()),
        false => bail!("a goal is missed: {}", missed.join("; ")),
    }
}

/// What the tests print. That one of them fails is no reason to stop: its count says why.
fn told(checkout: &Checkout) -> Result<String> {
    let mut command = checkout.cargo();
    command.args(["test", "--quiet", "--no-fail-fast", "-p", "mcpguard-arguments", "-p", "mcpguard-content"]);
    command.args(["--test", "corpus", "--test", "recorded", "--", "--nocapture"]);
    let output = command.stdin(Stdio::null()).output().context("cannot start cargo")?;
    let told = String::from_utf8(output.stdout).context("the tests print something that is no text")?;
    ensure!(
        output.status.success() || told.contains(MARK),
        "the tests of the corpora cannot be run: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(told)
}

const MARK: &str = "detection {";

fn tallies(told: &str) -> Result<Vec<Tally>> {
    let lines = told.lines().filter_map(|line| Some(&line[line.find(MARK)? + MARK.len() - 1..]));
    let tallies: Result<Vec<Tally>, _> = lines.map(serde_json::from_str).collect();
    let tallies = tallies.context("a count cannot be read")?;
    for (side, source) in
        [(Side::Attack, Source::Written), (Side::Benign, Source::Written), (Side::Benign, Source::Recorded)]
    {
        let known = tallies.iter().any(|tally| tally.side == side && tally.source == source);
        ensure!(known, "no test told of {source:?} {side:?} cases");
    }
    Ok(tallies)
}

#[cfg(test)]
mod tests {
    use super::{Side, tallies};

    #[test]
    fn counts_are_found_among_what_tests_print() {
        let count = |side: &str, source: &str| {
            format!(
                r#"detection {{"class":"url","side":"{side}","source":"{source}","hard":false,"all":2,"suspected":1,"wrong":["a"]}}"#
            )
        };
        let told = [
            "running 2 tests".to_owned(),
            format!("..{}", count("attack", "written")),
            count("benign", "written"),
            count("benign", "recorded"),
        ];
        let found = tallies(&told.join("\n")).unwrap();
        assert_eq!((found.len(), found[0].side, found[0].wrong.len()), (3, Side::Attack, 1));
        assert!(tallies(&told[..3].join("\n")).unwrap_err().to_string().contains("Recorded"));
    }
}

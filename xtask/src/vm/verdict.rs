//! What a machine's remains prove. Nothing is believed without the trailer, exactly the listed cases, and the right end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;

use super::machine::End;

/// A case that must be reported, as `init --list` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Listed {
    pub(super) case: String,
    pub(super) seconds: u32,
    /// The missing property for which it is skipped.
    pub(super) skip: Option<String>,
}

/// QEMU's status after `isa-debug-exit` was written to: everything passed, or something failed.
const PASSED: i32 = 33;
const FAILED: i32 = 35;

/// A line of the second serial port.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Line {
    Case(Case),
    Trailer(Trailer),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    case: String,
    outcome: Outcome,
    #[serde(default)]
    reason: Option<String>,
    ms: u64,
    #[serde(default)]
    figures: BTreeMap<String, u64>,
    left: usize,
    #[serde(default)]
    output: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Ok,
    Failed,
    Skipped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trailer {
    done: bool,
    ok: usize,
    failed: usize,
    skipped: usize,
}

/// Numbers of cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Count {
    /// Whether nothing failed and something was tested at all.
    pub(crate) fn is_green(self) -> bool {
        self.failed == 0 && self.passed > 0
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// What one machine proves.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) count: Count,
    /// Every failure and everything that is not as it must be, for people.
    pub(super) problems: Vec<String>,
    /// Skipped cases by what the kernel lacks.
    pub(super) skips: BTreeMap<String, Vec<String>>,
    /// What cases measured.
    pub(super) figures: Vec<String>,
    /// Milliseconds of each case.
    pub(super) durations: Vec<(u64, String)>,
}

impl Verdict {
    /// Whether nothing speaks against the machine.
    pub(super) fn is_green(&self) -> bool {
        self.problems.is_empty() && self.count.is_green()
    }

    fn failure(&mut self, problem: String) {
        self.count.failed += 1;
        self.problems.push(problem);
    }
}

/// Judges what a machine left.
pub(super) fn judge(expected: &[Listed], results: &str, end: &End, exit_by_port: bool) -> Verdict {
    let mut verdict = Verdict::default();
    let (cases, trailer) = read(results, &mut verdict);
    for listed in expected {
        one(listed, &cases, &mut verdict);
    }
    let known: BTreeSet<&str> = expected.iter().map(|listed| listed.case.as_str()).collect();
    let mut met = BTreeSet::new();
    for case in &cases {
        if !known.contains(case.case.as_str()) || !met.insert(&case.case) {
            verdict.failure(format!("{}: reported, but not (or not twice) expected", case.case));
        }
    }
    closing(&cases, trailer, end, exit_by_port, &mut verdict);
    verdict
}

fn read(results: &str, verdict: &mut Verdict) -> (Vec<Case>, Option<Trailer>) {
    let (mut cases, mut trailer) = (Vec::new(), None);
    for line in results.lines() {
        match serde_json::from_str(line) {
            Ok(Line::Case(case)) if trailer.is_none() => cases.push(case),
            Ok(Line::Trailer(told)) if trailer.is_none() => trailer = Some(told),
            Ok(_) => verdict.failure(format!("a line after the trailer: {line}")),
            Err(error) => verdict.failure(format!("a line that is no result ({error}): {line}")),
        }
    }
    (cases, trailer)
}

fn one(listed: &Listed, cases: &[Case], verdict: &mut Verdict) {
    let name = &listed.case;
    let Some(case) = cases.iter().find(|case| case.case == *name) else {
        return verdict.failure(format!("{name}: not reported"));
    };
    match (case.outcome, &listed.skip) {
        (Outcome::Ok, None) => {
            verdict.count.passed += 1;
            verdict.durations.push((case.ms, name.clone()));
            verdict
                .figures
                .extend(case.figures.iter().map(|(what, value)| format!("{name}: {what}: {value}")));
        }
        (Outcome::Skipped, Some(lack)) => {
            verdict.count.skipped += 1;
            verdict.skips.entry(lack.clone()).or_default().push(name.clone());
        }
        (Outcome::Failed, _) => {
            let left = if case.left > 0 { format!(", {} processes left", case.left) } else { String::new() };
            let reason = case.reason.as_deref().unwrap_or("no reason");
            verdict.failure(format!(
                "{name}: {reason} after {} ms{left}\n{}",
                case.ms,
                indented(&case.output)
            ));
        }
        (Outcome::Skipped, None) => verdict.failure(format!("{name}: skipped, which is not allowed here")),
        (Outcome::Ok, Some(lack)) => verdict.failure(format!("{name}: passed, although it needs {lack}")),
    }
}

fn closing(cases: &[Case], trailer: Option<Trailer>, end: &End, exit_by_port: bool, verdict: &mut Verdict) {
    let count = |outcome| cases.iter().filter(|case| case.outcome == outcome).count();
    let (ok, failed, skipped) = (count(Outcome::Ok), count(Outcome::Failed), count(Outcome::Skipped));
    match trailer {
        None => verdict.failure("the machine ended before its trailer".to_owned()),
        Some(told) if told != (Trailer { done: true, ok, failed, skipped }) => {
            verdict.failure(format!(
                "the trailer says {told:?}; {ok} ok, {failed} failed, {skipped} skipped came"
            ));
        }
        Some(_) => {}
    }
    let wanted = match (exit_by_port, failed) {
        (false, _) => 0,
        (true, 0) => PASSED,
        (true, _) => FAILED,
    };
    match end {
        End::Exit(Some(status)) if *status == wanted => {}
        End::Exit(status) => verdict.failure(format!("QEMU ended with {status:?}; {wanted} was due")),
        End::Deadline(after) => verdict.failure(format!("still running after {} s", after.as_secs())),
        End::Marker(marker) => verdict.failure(format!("the kernel is lost: {marker}")),
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("      {line}\n")).collect()
}

/// Sums up, and names loudly what was not run.
pub(super) fn told(verdicts: &[Verdict], not_run: &[String]) -> Count {
    let mut sum = Count::default();
    for Verdict { count, .. } in verdicts {
        sum.passed += count.passed;
        sum.failed += count.failed;
        sum.skipped += count.skipped;
    }
    for kernel in not_run {
        eprintln!("NOT RUN: kernel {kernel} (optional) could not be had; nothing is known about it");
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: End = End::Exit(Some(PASSED));

    fn expected() -> Vec<Listed> {
        let listed = |case: &str, skip: Option<&str>| Listed {
            case: case.into(),
            seconds: 1,
            skip: skip.map(Into::into),
        };
        vec![listed("a/one", None), listed("a/two", Some("landlock-3"))]
    }

    fn line(case: &str, outcome: &str) -> String {
        format!("{{\"case\":\"{case}\",\"outcome\":\"{outcome}\",\"ms\":5,\"left\":0}}\n")
    }

    fn trailer(ok: usize, failed: usize, skipped: usize) -> String {
        format!("{{\"done\":true,\"ok\":{ok},\"failed\":{failed},\"skipped\":{skipped}}}\n")
    }

    fn good() -> String {
        line("a/one", "ok") + &line("a/two", "skipped") + &trailer(1, 0, 1)
    }

    #[test]
    fn a_whole_run_is_green() {
        let verdict = judge(&expected(), &good(), &GOOD, true);
        assert!(verdict.is_green(), "{verdict:?}");
        assert_eq!(verdict.count, Count { passed: 1, failed: 0, skipped: 1 });
        assert!(judge(&expected(), &good(), &End::Exit(Some(0)), false).is_green());
    }

    #[test]
    fn anything_else_is_not() {
        let both = line("a/one", "ok") + &line("a/two", "skipped");
        let wrong = [
            String::new(),
            both.clone(),
            line("a/one", "ok") + &trailer(1, 0, 0),
            line("a/one", "failed") + &line("a/two", "skipped") + &trailer(0, 1, 1),
            line("a/one", "skipped") + &line("a/two", "skipped") + &trailer(0, 0, 2),
            line("a/one", "ok") + &line("a/two", "ok") + &trailer(2, 0, 0),
            both.clone() + &trailer(2, 0, 0),
            both.clone() + &line("a/one", "ok") + &trailer(2, 0, 1),
            both.clone() + &line("a/three", "ok") + &trailer(2, 0, 1),
            good() + &line("a/one", "ok"),
            "garbage\n".to_owned() + &good(),
        ];
        for results in wrong {
            let verdict = judge(&expected(), &results, &GOOD, true);
            assert!(!verdict.is_green() && verdict.count.failed > 0, "{results}");
        }
    }

    #[test]
    fn the_end_must_be_the_right_one() {
        // A panic with `panic=-1 -no-reboot` is status 0 too.
        let ends = [
            End::Exit(Some(0)),
            End::Exit(None),
            End::Exit(Some(FAILED)),
            End::Marker("Kernel panic"),
            End::Deadline(std::time::Duration::ZERO),
        ];
        for end in ends {
            assert!(!judge(&expected(), &good(), &end, true).is_green(), "{end:?}");
        }
    }

    #[test]
    fn figures_are_kept() {
        let results =
            "{\"case\":\"a/one\",\"outcome\":\"ok\",\"ms\":5,\"left\":0,\"figures\":{\"instructions\":331}}\n"
                .to_owned()
                + &line("a/two", "skipped") + &trailer(1, 0, 1);
        assert_eq!(judge(&expected(), &results, &GOOD, true).figures, ["a/one: instructions: 331"]);
    }
}

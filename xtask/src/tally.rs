//! The count of tests, over every harness, from what libtest prints.

use std::fmt;

/// How many tests passed, failed and were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    reported_passed: u64,
    failed: u64,
    ignored: u64,
    /// Tests that said `SKIP:` themselves; libtest counts them as passed.
    announced: u64,
}

impl Tally {
    /// Takes in one line of any harness's output.
    pub(crate) fn line(&mut self, line: &str) {
        if line.starts_with("SKIP: ") {
            self.announced += 1;
        } else if let Some(counts) = line.strip_prefix("test result: ") {
            self.reported_passed += count(counts, "passed");
            self.failed += count(counts, "failed");
            self.ignored += count(counts, "ignored");
        }
    }

    /// Takes in the count of another harness.
    pub(crate) fn add(&mut self, passed: usize, failed: usize, skipped: usize) {
        self.reported_passed += passed as u64;
        self.failed += failed as u64;
        self.ignored += skipped as u64;
    }

    /// Whether nothing failed and something was tested at all.
    pub(crate) fn is_green(self) -> bool {
        self.failed == 0 && self.passed() > 0
    }

    fn passed(self) -> u64 {
        self.reported_passed.saturating_sub(self.announced)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed(), self.failed)?;
        match self.ignored + self.announced {
            0 => Ok(()),
            skipped => write!(f, ", {skipped} skipped"),
        }
    }
}

/// The number before `of` in `ok. 12 passed; 0 failed; …`.
fn count(counts: &str, of: &str) -> u64 {
    let words: Vec<&str> = counts.split([' ', ';']).filter(|word| !word.is_empty()).collect();
    words.windows(2).find(|pair| pair[1] == of).and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn tally(text: &str) -> Tally {
        let mut tally = Tally::default();
        text.lines().for_each(|line| tally.line(line));
        tally
    }

    #[test]
    fn harnesses_are_summed() {
        let text = "running 3 tests\n\
            test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test result: FAILED. 10 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.00s\n";
        assert_eq!(tally(text).to_string(), "13 passed, 2 failed, 1 skipped");
        assert!(!tally(text).is_green());
    }

    #[test]
    fn a_test_that_skips_itself_has_not_passed() {
        let text = "SKIP: x32: no CONFIG_X86_X32_ABI\n\
            test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        assert_eq!(tally(text).to_string(), "2 passed, 0 failed, 1 skipped");
        assert!(tally(text).is_green());
    }

    #[test]
    fn nothing_tested_is_not_green() {
        assert!(!tally("").is_green());
        assert_eq!(tally("").to_string(), "0 passed, 0 failed");
    }
}

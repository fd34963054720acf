//! Which of the session's denials were told, by the numbers that the kernel gave them: each is written down once, or counted
//! once among those that nobody told of.

use std::num::NonZeroU64;

use audit::{KernelNumbers, Number};

/// What was told.
#[derive(Debug, Default)]
pub(super) struct Heard {
    numbers: KernelNumbers,
    /// How many of those that were not told are counted already.
    counted: u64,
}

impl Heard {
    /// Adds one; `false` if it was told before, or is counted among those that were not.
    pub(super) fn note(&mut self, sequence: u64) -> bool {
        NonZeroU64::new(sequence).is_none_or(|number| self.numbers.note(number) == Number::New)
    }

    /// Up to here nothing need be told any more.
    pub(super) fn complete(&self) -> u64 {
        self.numbers.complete()
    }

    /// What was not told up to this number will not be told any more; how many were not, since this was last asked.
    pub(super) fn settle(&mut self, upto: u64) -> u64 {
        self.numbers.settle(upto);
        let given_up = self.numbers.given_up();
        given_up - std::mem::replace(&mut self.counted, given_up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_once_or_counted_once() {
        let mut heard = Heard::default();
        assert!([1, 2, 6, 5].into_iter().all(|number| heard.note(number)));
        assert_eq!((heard.note(6), heard.complete()), (false, 2), "3 and 4 may still come");
        assert_eq!((heard.settle(5), heard.complete()), (2, 6));
        assert!(!heard.note(4), "it is counted");
        assert_eq!((heard.settle(6), heard.settle(9)), (0, 3));
        assert_eq!((heard.complete(), heard.note(9), heard.note(10)), (9, false, true));
    }
}

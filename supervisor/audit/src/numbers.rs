//! The numbers that the kernel gives to a session's events: which of them are in a log, and which are not.
//!
//! The kernel counts first and asks for room in the ring of events afterwards. So a number that is not there was dropped,
//! or comes a little later than a higher one: two processors took numbers and reached the ring in the other order.
//! Gaps are therefore kept for a while and may still be filled; the oldest are given up.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

/// Gaps that may still be filled. The oldest is given up when there are more.
const MAX_GAPS: usize = 64;

/// Which of a session's kernel numbers are in a log. The default has seen none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct KernelNumbers {
    /// The highest number.
    last: u64,
    /// Numbers below it that are not there, as ranges with both ends, ascending.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gaps: Vec<(u64, u64)>,
    /// How many are not there and will not come any more.
    #[serde(skip_serializing_if = "is_zero")]
    given_up: u64,
}

/// As it stands in a record, unchecked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    last: u64,
    #[serde(default)]
    gaps: Vec<(u64, u64)>,
    #[serde(default)]
    given_up: u64,
}

/// What a number is to those that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// It was not there yet.
    New,
    /// It is there already, or so late that its gap was given up.
    Again,
}

impl KernelNumbers {
    /// The highest number that is there; 0 if none is.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// How many numbers below [`Self::last`] are not there: events that were dropped, or have not come yet.
    pub fn missing(&self) -> u64 {
        let open = self.gaps.iter().map(|(from, to)| (to - from).saturating_add(1));
        open.fold(self.given_up, u64::saturating_add)
    }

    /// Up to this number all are there, or will not come any more.
    pub fn complete(&self) -> u64 {
        self.gaps.first().map_or(self.last, |(from, _)| from - 1)
    }

    /// How many are not there and will not come any more.
    pub fn given_up(&self) -> u64 {
        self.given_up
    }

    /// What is not there up to this number will not come any more.
    pub fn settle(&mut self, upto: u64) {
        let mut given_up = upto.saturating_sub(self.last);
        self.last = self.last.max(upto);
        for (from, to) in &mut self.gaps {
            let next = upto.saturating_add(1).clamp(*from, to.saturating_add(1));
            given_up = given_up.saturating_add(next - *from);
            *from = next;
        }
        self.gaps.retain(|(from, to)| from <= to);
        self.given_up = self.given_up.saturating_add(given_up);
    }

    /// What this number would be.
    pub fn judge(&self, number: NonZeroU64) -> Number {
        match number.get() {
            number if number > self.last || self.gap(number).is_ok() => Number::New,
            _ => Number::Again,
        }
    }

    /// Adds a number; says what it was.
    pub fn note(&mut self, number: NonZeroU64) -> Number {
        let number = number.get();
        if number > self.last {
            if number - self.last > 1 {
                self.gaps.push((self.last + 1, number - 1));
            }
            self.last = number;
        } else {
            let Ok(at) = self.gap(number) else { return Number::Again };
            let (from, to) = self.gaps[at];
            let around = [(from, number - 1), (number + 1, to)];
            self.gaps.splice(at..=at, around.into_iter().filter(|(from, to)| from <= to));
        }
        if self.gaps.len() > MAX_GAPS {
            let (from, to) = self.gaps.remove(0);
            self.given_up = self.given_up.saturating_add(to - from).saturating_add(1);
        }
        Number::New
    }

    /// The gap that holds the number.
    fn gap(&self, number: u64) -> Result<usize, usize> {
        self.gaps.binary_search_by(|(from, to)| match () {
            () if *to < number => std::cmp::Ordering::Less,
            () if *from > number => std::cmp::Ordering::Greater,
            () => std::cmp::Ordering::Equal,
        })
    }
}

impl TryFrom<Written> for KernelNumbers {
    type Error = &'static str;

    fn try_from(Written { last, gaps, given_up }: Written) -> Result<Self, Self::Error> {
        let mut before = 0;
        for (from, to) in &gaps {
            if *from <= before || from > to || *to >= last {
                return Err("gaps between kernel numbers are ascending, apart, and below the last number");
            }
            before = *to;
        }
        if gaps.len() > MAX_GAPS {
            return Err("there are more gaps between kernel numbers than are kept");
        }
        Ok(Self { last, gaps, given_up })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn number(number: u64) -> NonZeroU64 {
        NonZeroU64::new(number).unwrap()
    }

    proptest! {
        /// Against a plain set: a number is new exactly if it is not there; what is missing is counted.
        #[test]
        fn numbers_agree_with_a_set(all in prop::collection::vec(1_u64..100, 0..120)) {
            let (mut numbers, mut set) = (KernelNumbers::default(), BTreeSet::new());
            for one in all {
                let new = if set.insert(one) { Number::New } else { Number::Again };
                prop_assert_eq!(numbers.judge(number(one)), new);
                prop_assert_eq!(numbers.note(number(one)), new);
                let last = set.last().copied().unwrap();
                prop_assert_eq!(numbers.last(), last);
                prop_assert_eq!(numbers.missing(), last - set.len() as u64);
                let text = serde_json::to_string(&numbers).unwrap();
                prop_assert_eq!(&serde_json::from_str::<KernelNumbers>(&text).unwrap(), &numbers);
            }
        }
    }

    #[test]
    fn what_is_settled_does_not_come() {
        let mut numbers = KernelNumbers::default();
        [2, 6, 10].into_iter().for_each(|one| _ = numbers.note(number(one)));
        assert_eq!((numbers.complete(), numbers.missing(), numbers.given_up()), (0, 7, 0));
        numbers.settle(4);
        assert_eq!((numbers.complete(), numbers.missing(), numbers.given_up()), (4, 7, 3));
        assert_eq!([4, 5].map(|one| numbers.note(number(one))), [Number::Again, Number::New]);
        numbers.settle(12);
        assert_eq!((numbers.complete(), numbers.last(), numbers.given_up()), (12, 12, 8));
        numbers.settle(u64::MAX);
        assert_eq!((numbers.complete(), numbers.note(number(u64::MAX))), (u64::MAX, Number::Again));
    }

    #[test]
    fn the_oldest_gap_is_given_up_and_its_numbers_never_come_again() {
        let mut numbers = KernelNumbers::default();
        for one in 1..=MAX_GAPS as u64 + 1 {
            numbers.note(number(one * 2));
        }
        assert_eq!((numbers.gaps.len(), numbers.given_up, numbers.missing()), (64, 1, 65));
        assert_eq!((numbers.judge(number(1)), numbers.judge(number(3))), (Number::Again, Number::New));
        numbers.note(number(u64::MAX));
        assert_eq!((numbers.last(), numbers.note(number(u64::MAX))), (u64::MAX, Number::Again));
    }

    #[test]
    fn what_is_no_set_of_numbers_is_refused() {
        for text in [
            r#"{"last":5,"gaps":[[5,5]]}"#,
            r#"{"last":9,"gaps":[[3,2]]}"#,
            r#"{"last":9,"gaps":[[4,5],[2,3]]}"#,
            r#"{"last":9,"gaps":[[0,1]]}"#,
            r#"{"last":9,"more":1}"#,
        ] {
            assert!(serde_json::from_str::<KernelNumbers>(text).is_err(), "{text}");
        }
    }
}

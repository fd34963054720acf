//! Values that were there before.

use std::collections::BTreeSet;

use crate::key::Fingerprint;

/// The most values that a group remembers.
pub const MOST_VALUES: usize = 4_096;

/// The most values that all groups of a rule remember together.
pub const MOST_VALUES_OF_RULE: usize = 65_536;

/// The values that a group knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    values: BTreeSet<Fingerprint>,
    full: bool,
}

/// What is known of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// It was not there before.
    First,
    /// It was.
    Known,
    /// Nobody knows any more, and this is the first time.
    Full,
    /// Nobody knows, and that was said.
    Unknown,
}

impl Seen {
    /// Looks at a value. `room` is how many more the rule may remember.
    pub(crate) fn look(&mut self, value: &str, room: &mut usize) -> Sight {
        let value = Fingerprint::of(value);
        if self.values.contains(&value) {
            return Sight::Known;
        }
        if self.values.len() < MOST_VALUES && *room > 0 && !self.full {
            *room -= 1;
            self.values.insert(value);
            return Sight::First;
        }
        if std::mem::replace(&mut self.full, true) { Sight::Unknown } else { Sight::Full }
    }

    /// How many it knows.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }
}

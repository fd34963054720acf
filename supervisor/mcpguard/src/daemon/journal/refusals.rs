//! Refusals of one user that are written down: so many a minute; the others are counted. Whoever asks for what is refused,
//! as fast as possible, must not push other records out of the log.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Refusals of one user that are written in one minute.
const OF_USER: u64 = 20;
/// Users whose refusals are written in one minute.
const USERS: usize = 1024;
const MINUTE: Duration = Duration::from_secs(60);

/// What was refused in this minute.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    began: Option<Instant>,
    users: BTreeMap<u32, u64>,
    /// Of users beyond those.
    others: u64,
}

impl Refusals {
    /// A user was refused something; whether it is written down.
    pub(super) fn has_room(&mut self, uid: u32) -> bool {
        self.began.get_or_insert_with(Instant::now);
        if self.users.len() >= USERS && !self.users.contains_key(&uid) {
            self.others += 1;
            return false;
        }
        let count = self.users.entry(uid).or_default();
        *count += 1;
        *count <= OF_USER
    }

    /// How many of whom were not written, once the minute is over.
    pub(super) fn look(&mut self) -> Vec<(Option<u32>, u64)> {
        if self.began.is_some_and(|began| began.elapsed() >= MINUTE) { self.take() } else { Vec::new() }
    }

    fn take(&mut self) -> Vec<(Option<u32>, u64)> {
        let Self { users, others, .. } = std::mem::take(self);
        let users = users.into_iter().map(|(uid, count)| (Some(uid), count.saturating_sub(OF_USER)));
        users.chain([(None, others)]).filter(|(_, count)| *count > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_who_asks_too_often_is_counted_and_others_are_written() {
        let mut refusals = Refusals::default();
        let written = (0..100).filter(|_| refusals.has_room(1000)).count();
        assert_eq!(written, 20);
        assert!(refusals.has_room(1001));
        assert_eq!(refusals.look(), [], "the minute is not over");
        assert_eq!(refusals.take(), [(Some(1000), 80)]);
        assert!(refusals.has_room(1000));
    }

    #[test]
    fn users_are_bounded() {
        let mut refusals = Refusals::default();
        let written = (0..5000).filter(|uid| refusals.has_room(*uid)).count();
        assert_eq!((written, refusals.take()), (USERS, vec![(None, 5000 - USERS as u64)]));
    }
}

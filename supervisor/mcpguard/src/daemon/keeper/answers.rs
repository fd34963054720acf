//! Answers in the order of their questions, connection by connection, however late some of them are known.

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::OwnedFd;

use crate::daemon::wire::{Answer, Connection};

/// The number of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

/// An answer, with the descriptors that it brings.
pub(super) type Given = (Answer, Vec<OwnedFd>);

/// Questions that wait, and answers that wait for earlier ones.
#[derive(Debug, Default)]
pub(super) struct Answers {
    last: u64,
    waiting: BTreeMap<Connection, VecDeque<(Ticket, Option<Given>)>>,
}

impl Answers {
    /// A question has come.
    pub(super) fn asked(&mut self, connection: Connection) -> Ticket {
        self.last += 1;
        let ticket = Ticket(self.last);
        self.waiting.entry(connection).or_default().push_back((ticket, None));
        ticket
    }

    /// Its answer is known; every answer of that connection that may be told now.
    pub(super) fn known(&mut self, connection: Connection, ticket: Ticket, given: Given) -> Vec<Given> {
        let Some(waiting) = self.waiting.get_mut(&connection) else { return Vec::new() };
        if let Some((_, place)) = waiting.iter_mut().find(|(known, _)| *known == ticket) {
            *place = Some(given);
        }
        let mut told = Vec::new();
        while waiting.front().is_some_and(|(_, given)| given.is_some()) {
            told.extend(waiting.pop_front().and_then(|(_, given)| given));
        }
        if waiting.is_empty() {
            self.waiting.remove(&connection);
        }
        told
    }

    /// Nobody waits on this connection any more.
    pub(super) fn forget(&mut self, connection: Connection) {
        self.waiting.remove(&connection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_answer_holds_up_its_own_connection_only() {
        let mut answers = Answers::default();
        let (one, other) = (Connection(1), Connection(2));
        let tickets = [answers.asked(one), answers.asked(other), answers.asked(one)];
        let told = |given: Vec<Given>| given.into_iter().map(|(answer, _)| answer).collect::<Vec<_>>();
        assert_eq!(told(answers.known(one, tickets[2], (Answer::Full, vec![]))), []);
        assert_eq!(told(answers.known(other, tickets[1], (Answer::Done, vec![]))), [Answer::Done]);
        assert_eq!(
            told(answers.known(one, tickets[0], (Answer::Done, vec![]))),
            [Answer::Done, Answer::Full]
        );
        assert!(answers.waiting.is_empty());
        let left = answers.asked(one);
        answers.forget(one);
        assert_eq!(told(answers.known(one, left, (Answer::Done, vec![]))), []);
    }
}

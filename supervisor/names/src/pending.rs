//! Questions that wait for an upstream.

use std::collections::HashMap;
use std::sync::Arc;

use crate::question::Question;
use crate::rules::Grant;
use crate::upstream::Asking;

/// How many questions wait at a time.
const MAX_WAITING: usize = 1024;

/// A question that waits for an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// What is needed when the answer comes.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) question: Question,
    pub(crate) name: Arc<str>,
    pub(crate) query: Asking,
    pub(crate) grants: Vec<Grant>,
    pub(crate) active: u64,
    /// The upstream was asked again by TCP.
    pub(crate) by_tcp: bool,
}

/// The table.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    waiting: HashMap<Ticket, Waiting>,
    last: u64,
}

impl Pending {
    /// An empty one whose tickets are none of the other's.
    pub(crate) fn after(other: &Self) -> Self {
        Self { waiting: HashMap::new(), last: other.last }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= MAX_WAITING
    }

    pub(crate) fn add(&mut self, waiting: Waiting) -> Ticket {
        self.last += 1;
        self.waiting.insert(Ticket(self.last), waiting);
        Ticket(self.last)
    }

    pub(crate) fn get(&mut self, ticket: Ticket) -> Option<&mut Waiting> {
        self.waiting.get_mut(&ticket)
    }

    pub(crate) fn take(&mut self, ticket: Ticket) -> Option<Waiting> {
        self.waiting.remove(&ticket)
    }
}

//! Operators who follow what happens.

use std::cell::RefCell;
use std::rc::Rc;

use control::message::{Filter, Followed};
use control::{Event, RequestId};

use super::line::Line;
use super::sessions::Session;
use crate::daemon::wire::Connection;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Followers(RefCell<Vec<Follower>>);

#[derive(Debug)]
struct Follower {
    line: Rc<Line>,
    follow: RequestId,
    filter: Filter,
    /// Events that there was no room for since the last one that there was.
    missed: u64,
}

impl Followers {
    /// From now on what the filter lets through is told on this line.
    pub(super) fn add(&self, line: Rc<Line>, follow: RequestId, filter: Filter) {
        self.0.borrow_mut().push(Follower { line, follow, filter, missed: 0 });
    }

    /// The connection is over.
    pub(super) fn remove(&self, connection: Connection) {
        self.0.borrow_mut().retain(|follower| follower.line.number != connection);
    }

    /// Tells everybody who follows this.
    pub(super) fn publish(&self, session: &Session, event: &Event) {
        let Session { id, name, uid, .. } = session;
        for follower in self.0.borrow_mut().iter_mut() {
            if !follower.filter.lets_through(id, name, *uid, event) {
                continue;
            }
            let (follow, missed) = (follower.follow, follower.missed);
            let (session, name, event) = (id.clone(), name.clone(), event.clone());
            let followed = Followed { follow, missed, session, name, uid: *uid, event };
            follower.missed = if follower.line.follow(followed) { 0 } else { missed + 1 };
        }
    }
}

//! What is known of each name: the addresses that it stands for, and answers that can be given again.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::rr::RecordType;

use crate::body::Body;
use crate::deadlines::{Deadlines, NEVER};

/// The table. Its number of names is bounded; what is alive is never put out for what is new.
#[derive(Debug)]
pub(crate) struct Cache {
    names: HashMap<Arc<str>, Named>,
    deadlines: Deadlines<Arc<str>>,
    limit: usize,
}

#[derive(Debug)]
struct Named {
    /// Until then it is no new name.
    known_until: u64,
    addresses: Vec<(IpAddr, u64)>,
    answers: Vec<Kept>,
    due_ns: u64,
}

/// An answer that can be given again.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) kind: RecordType,
    pub(crate) body: Body,
    /// It holds no longer than this.
    pub(crate) until_ns: u64,
    /// How long before that it is not given any more, in nanoseconds.
    pub(crate) early_ns: u64,
}

impl Cache {
    pub(crate) fn new(limit: usize) -> Self {
        Self { names: HashMap::new(), deadlines: Deadlines::new(), limit }
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// Every name with what it stands for and until when, and until when it is no new one.
    pub(crate) fn known(&self) -> impl Iterator<Item = (&Arc<str>, u64, Vec<(IpAddr, u64)>)> {
        self.names.iter().map(|(name, named)| (name, named.known_until, named.addresses.clone()))
    }

    pub(crate) fn has_room(&self, name: &str) -> bool {
        self.names.len() < self.limit || self.knows(name)
    }

    /// The answer that was kept, if it may still be given.
    pub(crate) fn answer(&self, name: &str, kind: RecordType, now_ns: u64) -> Option<&Kept> {
        let kept = self.names.get(name)?.answers.iter().find(|kept| kept.kind == kind)?;
        (kept.until_ns > now_ns && kept.until_ns - now_ns >= kept.early_ns).then_some(kept)
    }

    /// Until when a name stands for an address.
    pub(crate) fn until(&self, name: &str, address: IpAddr) -> Option<u64> {
        let held = self.names.get(name)?.addresses.iter().find(|(held, _)| *held == address)?;
        Some(held.1)
    }

    /// The name has been asked for.
    pub(crate) fn note(&mut self, name: &Arc<str>, until_ns: u64) {
        self.change(name, |named| named.known_until = named.known_until.max(until_ns));
    }

    /// The name stands for an address until an instant, or for longer if it does already.
    pub(crate) fn hold(&mut self, name: &Arc<str>, address: IpAddr, until_ns: u64) {
        self.change(name, |named| match named.addresses.iter_mut().find(|(held, _)| *held == address) {
            Some((_, until)) => *until = until_ns.max(*until),
            None => named.addresses.push((address, until_ns)),
        });
    }

    /// Keeps an answer instead of an earlier one.
    pub(crate) fn keep(&mut self, name: &Arc<str>, new: Kept) {
        self.change(name, |named| {
            named.answers.retain(|kept| kept.kind != new.kind);
            named.answers.push(new);
        });
    }

    /// Lets go of what has ended.
    pub(crate) fn expire(&mut self, now_ns: u64) {
        while let Some(name) = self.deadlines.due(now_ns) {
            let Some(named) = self.names.get_mut(&name) else { continue };
            named.due_ns = NEVER;
            named.answers.retain(|kept| kept.until_ns > now_ns);
            named.addresses.retain(|(_, until)| *until > now_ns);
            if named.known_until <= now_ns {
                named.known_until = 0;
            }
            self.settle(&name);
        }
    }

    /// No name stands for the address any more, and no answer with it is given again. Looks at every name.
    pub(crate) fn forget(&mut self, address: IpAddr) {
        let holds = |named: &Named| named.addresses.iter().any(|(held, _)| *held == address);
        let holding = self.names.iter().filter(|(_, named)| holds(named));
        let names: Vec<_> = holding.map(|(name, _)| Arc::clone(name)).collect();
        for name in names {
            self.change(&name, |named| {
                named.addresses.retain(|(held, _)| *held != address);
                named.answers.clear();
            });
        }
    }

    pub(crate) fn next(&self) -> Option<u64> {
        self.deadlines.next()
    }

    fn change(&mut self, name: &Arc<str>, how: impl FnOnce(&mut Named)) {
        how(self.names.entry(Arc::clone(name)).or_insert_with(Named::new));
        self.settle(name);
    }

    /// Brings the queue in line with the name; a name of which nothing is known goes.
    fn settle(&mut self, name: &Arc<str>) {
        let Some(named) = self.names.get_mut(name) else { return };
        let ends = named.ends();
        let due_ns = ends.unwrap_or(NEVER);
        self.deadlines.shift(name, named.due_ns, due_ns);
        named.due_ns = due_ns;
        if ends.is_none() {
            self.names.remove(name);
        }
    }

    #[cfg(test)]
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.names.len(), self.deadlines.len())
    }
}

impl Named {
    fn new() -> Self {
        Self { known_until: 0, addresses: Vec::new(), answers: Vec::new(), due_ns: NEVER }
    }

    /// When the first of its parts ends; `None`: it has none.
    fn ends(&self) -> Option<u64> {
        let known = (self.known_until != 0).then_some(self.known_until);
        let held = self.addresses.iter().map(|(_, until)| *until);
        known.into_iter().chain(held).chain(self.answers.iter().map(|kept| kept.until_ns)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_with_the_last_that_is_known_of_it() {
        let (name, address) = (Arc::from("a.test"), IpAddr::from([8, 8, 8, 8]));
        let mut cache = Cache::new(1);
        cache.note(&name, 10);
        cache.hold(&name, address, 30);
        cache.hold(&name, address, 20);
        cache.keep(&name, Kept { kind: RecordType::A, body: Body::default(), until_ns: 20, early_ns: 0 });
        assert!(cache.has_room("a.test") && !cache.has_room("b.test"));
        assert_eq!(cache.next(), Some(10));
        cache.expire(10);
        assert!(cache.answer("a.test", RecordType::A, 19).is_some());
        assert!(cache.answer("a.test", RecordType::AAAA, 19).is_none());
        assert!(cache.answer("a.test", RecordType::A, 20).is_none());
        cache.expire(20);
        assert_eq!((cache.next(), cache.until("a.test", address)), (Some(30), Some(30)));
        cache.expire(30);
        assert_eq!((cache.sizes(), cache.knows("a.test")), ((0, 0), false));
    }

    #[test]
    fn what_could_not_be_made_known_is_not_given_again() {
        let (name, other, address) = (Arc::from("a.test"), Arc::from("b.test"), IpAddr::from([8, 8, 8, 8]));
        let mut cache = Cache::new(2);
        for name in [&name, &other] {
            cache.keep(name, Kept { kind: RecordType::A, body: Body::default(), until_ns: 20, early_ns: 0 });
        }
        cache.hold(&name, address, 20);
        cache.forget(address);
        assert!(cache.answer("a.test", RecordType::A, 1).is_none() && !cache.knows("a.test"));
        assert!(cache.answer("b.test", RecordType::A, 1).is_some());
    }
}

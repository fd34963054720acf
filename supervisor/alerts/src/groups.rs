//! The groups of a rule, not more than a number.

use std::collections::BTreeMap;

use crate::group::Group;
use crate::rule::Rule;

/// The most groups of a rule.
pub const MOST_GROUPS: usize = 1_024;

/// The groups of a rule by their keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    groups: BTreeMap<Box<str>, Group>,
    events: u64,
}

/// A group that had to go.
pub(crate) struct Dropped {
    pub(crate) key: Box<str>,
    pub(crate) group: Group,
    /// Nobody misses it.
    pub(crate) idle: bool,
}

impl Groups {
    /// Makes sure that there is room for one more. Looks at all of them, which takes some microseconds, but only where all
    /// places are taken and a key is new; an order by use would cost each event something.
    pub(crate) fn make_room(&mut self, rule: &Rule, run: u64) -> Option<Dropped> {
        if self.groups.len() < MOST_GROUPS {
            return None;
        }
        let (key, _) = self.groups.iter().min_by_key(|(_, group)| group.worth(rule, run))?;
        let key = key.clone();
        let group = self.groups.remove(&key)?;
        let idle = group.is_idle(rule, run);
        Some(Dropped { key, group, idle })
    }

    /// The group of this key, from now on the one that was used last; `None` if there is none.
    pub(crate) fn enter(&mut self, key: &str) -> Option<&mut Group> {
        self.events += 1;
        let group = self.groups.get_mut(key)?;
        group.used = self.events;
        Some(group)
    }

    /// Adds the group of this key. Whoever asks has looked for it and made room before.
    pub(crate) fn add(&mut self, rule: &Rule, key: &str) {
        self.groups.insert(key.into(), Group::new(&rule.when));
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Group> {
        self.groups.get(key)
    }

    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Group> {
        self.groups.values()
    }
}

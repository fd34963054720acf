//! Several paths, one inode: what holds for it then.
//!
//! The encoder tells paths apart; bind mounts and hard links make two of them one inode. Grants of both hold, as with
//! Landlock, but a denied inode stays closed by whatever name it is granted. Names beneath the one path hold beneath
//! the other too.

use std::collections::{BTreeMap, BTreeSet};

use abi::{Entry, NamedKey, flags};

use crate::encode::Purpose;

/// What the maps of one session will hold about files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Merged {
    /// By the inode's address.
    pub(super) objects: BTreeMap<u64, Entry>,
    /// By node and name; the number is not set.
    pub(super) named: BTreeMap<NamedKey, Entry>,
}

/// Puts together what is said about each inode.
pub(super) fn merge(
    objects: impl IntoIterator<Item = (u64, Purpose, Entry)>,
    named: &[(NamedKey, Entry)],
) -> Merged {
    let mut same = Same::default();
    let mut known: BTreeMap<u64, Entry> = BTreeMap::new();
    let mut closed = BTreeSet::new();
    for (inode, purpose, entry) in objects {
        known.entry(inode).and_modify(|first| *first = same.unite(*first, entry)).or_insert(entry);
        if purpose == Purpose::Deny {
            closed.insert(inode);
        }
    }
    let named = one_world(named.to_vec(), &mut same);
    let settle = |(inode, mut entry): (u64, Entry)| {
        entry.node = same.of(entry.node);
        (inode, if closed.contains(&inode) { close(entry) } else { entry })
    };
    Merged { objects: known.into_iter().map(settle).collect(), named }
}

/// Gives nodes that are the same one number. Names that meet may lead to nodes that meet in turn; each round takes at
/// least one number out of the world, so that there is a last one.
fn one_world(mut named: Vec<(NamedKey, Entry)>, same: &mut Same) -> BTreeMap<NamedKey, Entry> {
    loop {
        let before = same.0.len();
        let mut world: BTreeMap<NamedKey, Entry> = BTreeMap::new();
        for (key, entry) in named {
            let key = NamedKey { node: same.of(key.node), ..key };
            let entry = Entry { node: same.of(entry.node), ..entry };
            world.entry(key).and_modify(|first| *first = same.unite(*first, entry)).or_insert(entry);
        }
        if same.0.len() == before {
            return world;
        }
        named = world.into_iter().collect();
    }
}

/// Which node another one turned out to be.
#[derive(Default)]
struct Same(BTreeMap<u32, u32>);

impl Same {
    fn of(&self, mut node: u32) -> u32 {
        while let Some(known) = self.0.get(&node) {
            node = *known;
        }
        node
    }

    /// What holds where both hold. What decides names the rule.
    fn unite(&mut self, one: Entry, other: Entry) -> Entry {
        let decides = |entry: &Entry| entry.flags & flags::DECIDES != 0;
        let rule = if decides(&one) || !decides(&other) { one.rule } else { other.rule };
        let node = match (self.of(one.node), self.of(other.node)) {
            (0, node) | (node, 0) => node,
            (node, twin) => {
                if node != twin {
                    self.0.insert(twin, node);
                }
                node
            }
        };
        Entry {
            read: one.read | other.read,
            write: one.write | other.write,
            execute: one.execute | other.execute,
            name_lengths: one.name_lengths | other.name_lengths,
            rule,
            node,
            flags: one.flags | other.flags,
            padding: 0,
        }
    }
}

/// A denied inode: nothing is left but the names that lead further.
fn close(entry: Entry) -> Entry {
    let kept = flags::HAS_NAMES | flags::ON_THE_WAY;
    Entry { read: 0, write: 0, execute: 0, flags: (entry.flags & kept) | flags::DECIDES, ..entry }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(read: u64, write: u64) -> Entry {
        Entry { read, write, flags: flags::DECIDES, ..Entry::default() }
    }

    fn way(node: u32, lengths: u64) -> Entry {
        let flags = flags::HAS_NAMES | flags::ON_THE_WAY;
        Entry { node, name_lengths: lengths, flags, rule: abi::NO_RULE, ..Entry::default() }
    }

    fn key(node: u32, name: u64) -> NamedKey {
        NamedKey { node, name, rules: 0 }
    }

    #[test]
    fn grants_of_one_inode_hold_together() {
        let merged = merge([(1, Purpose::Grant, grant(1, 0)), (1, Purpose::Grant, grant(2, 4))], &[]);
        assert_eq!(merged.objects[&1], grant(3, 4));
    }

    #[test]
    fn a_deny_wins_whichever_comes_first() {
        let (open, shut) = ((1, Purpose::Grant, grant(1, 1)), (1, Purpose::Deny, grant(0, 0)));
        for order in [[open, shut], [shut, open]] {
            let Merged { objects, .. } = merge(order, &[]);
            assert_eq!((objects[&1].read, objects[&1].write), (0, 0));
            assert_eq!(objects[&1].flags, flags::DECIDES);
        }
    }

    #[test]
    fn a_directory_on_the_way_keeps_its_grant_and_rule() {
        let granted = Entry { rule: 5, ..grant(1, 0) };
        let merged = merge([(1, Purpose::Way, way(2, 8)), (1, Purpose::Grant, granted)], &[]);
        let entry = merged.objects[&1];
        assert_eq!((entry.read, entry.rule, entry.node, entry.name_lengths), (1, 5, 2, 8));
        assert_eq!(entry.flags, flags::DECIDES | flags::HAS_NAMES | flags::ON_THE_WAY);
    }

    /// Node 1 and node 3 are one directory; beneath it `7` leads to node 2 by the one path and to node 4 by the other,
    /// which are therefore one as well, and both denied names are beneath it.
    #[test]
    fn names_beneath_one_path_hold_beneath_the_other() {
        let named = [
            (key(1, 7), way(2, 1)),
            (key(3, 7), way(4, 2)),
            (key(2, 8), grant(0, 0)),
            (key(4, 9), grant(0, 0)),
        ];
        let merged = merge([(5, Purpose::Way, way(1, 1)), (5, Purpose::Way, way(3, 1))], &named);
        let top = merged.objects[&5].node;
        let next = merged.named[&key(top, 7)];
        assert_eq!(next.name_lengths, 3);
        assert_eq!(merged.named[&key(next.node, 8)], grant(0, 0));
        assert_eq!(merged.named[&key(next.node, 9)], grant(0, 0));
        assert_eq!(merged.named.len(), 3);
    }
}

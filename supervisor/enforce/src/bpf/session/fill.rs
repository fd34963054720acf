//! Writing the tables of a policy into the maps, and taking them out again.

use std::collections::BTreeMap;

use abi::{AddressKey, Filter, NameKey, NamedKey, ObjectKey, Policy, PortKey, filter_bits};
use aya::maps::lpm_trie::Key;

use super::merge::Merged;
use crate::bpf::maps::{Maps, MapsError, filled, forget, read};
use crate::encode::Tables;
use crate::sys::Plain;

/// What stands in the shared maps for one policy of a session, so that it can be taken out.
#[derive(Debug, Default)]
pub(in crate::bpf) struct Filled {
    objects: Vec<ObjectKey>,
    named: Vec<NamedKey>,
    names: Vec<NameKey>,
    addresses: Vec<(u32, AddressKey)>,
    ports: Vec<PortKey>,
}

impl Filled {
    /// Whether nothing stands there.
    pub(in crate::bpf) fn is_nothing(&self) -> bool {
        let Self { objects, named, names, addresses, ports } = self;
        objects.is_empty() && named.is_empty() && names.is_empty() && addresses.is_empty() && ports.is_empty()
    }

    /// Writes everything that is looked up by the policy's number. What was written before an error is in `self` all the
    /// same.
    pub(super) fn write(
        &mut self,
        maps: &mut Maps,
        rules: u32,
        merged: &Merged,
        tables: &Tables,
    ) -> Result<(), MapsError> {
        for (inode, entry) in &merged.objects {
            let key = ObjectKey { inode: *inode, rules, padding: 0 };
            self.objects.push(key);
            maps.objects.insert(Plain(key), Plain(*entry), 0).map_err(filled("OBJECTS"))?;
        }
        let filter = filter_of(merged.objects.keys().copied());
        maps.filters.set(rules, Plain(*filter), 0).map_err(filled("FILTERS"))?;
        for (key, entry) in &merged.named {
            let key = NamedKey { rules, ..*key };
            self.named.push(key);
            maps.named.insert(Plain(key), Plain(*entry), 0).map_err(filled("NAMED"))?;
        }
        for (key, rule) in &tables.names {
            let key = NameKey { rules, ..*key };
            self.names.push(key);
            maps.names.insert(Plain(key), Plain(*rule), 0).map_err(filled("NAMES"))?;
        }
        for (key, port) in &tables.ports {
            let key = PortKey { rules, ..*key };
            self.ports.push(key);
            maps.ports.insert(Plain(key), Plain(*port), 0).map_err(filled("PORTS"))?;
        }
        for (bits, key, address) in &tables.addresses {
            let (length, key) = range(rules, *bits, *key);
            self.addresses.push((length, key));
            let trie = Key::new(length, Plain(key));
            maps.addresses.insert(&trie, Plain(*address), 0).map_err(filled("ADDRESSES"))?;
        }
        maps.policies.set(rules, Plain(policy(tables)), 0).map_err(filled("POLICIES"))
    }

    /// Takes out everything. Whatever could not be taken out is kept for another attempt.
    pub(in crate::bpf) fn remove(&mut self, maps: &mut Maps) -> Result<(), MapsError> {
        while let Some(key) = self.objects.last() {
            forget(maps.objects.remove(&Plain(*key))).map_err(filled("OBJECTS"))?;
            self.objects.pop();
        }
        while let Some(key) = self.named.last() {
            forget(maps.named.remove(&Plain(*key))).map_err(filled("NAMED"))?;
            self.named.pop();
        }
        while let Some(key) = self.names.last() {
            forget(maps.names.remove(&Plain(*key))).map_err(filled("NAMES"))?;
            self.names.pop();
        }
        while let Some(key) = self.ports.last() {
            forget(maps.ports.remove(&Plain(*key))).map_err(filled("PORTS"))?;
            self.ports.pop();
        }
        while let Some((length, key)) = self.addresses.last() {
            forget(maps.addresses.remove(&Key::new(*length, Plain(*key)))).map_err(filled("ADDRESSES"))?;
            self.addresses.pop();
        }
        Ok(())
    }
}

/// What holds without a look-up by key.
fn policy(tables: &Tables) -> Policy {
    Policy {
        flags: tables.flags,
        padding: 0,
        names: tables.summary,
        rates: tables.rates,
        budgets: tables.budgeted(),
    }
}

/// What stands in the shared maps, by the number of the policy: for who takes them over.
pub(in crate::bpf) fn scan(maps: &Maps) -> Result<BTreeMap<u32, Filled>, MapsError> {
    let mut found: BTreeMap<u32, Filled> = BTreeMap::new();
    for key in maps.objects.keys() {
        let Plain(key) = key.map_err(read("OBJECTS"))?;
        found.entry(key.rules).or_default().objects.push(key);
    }
    for key in maps.named.keys() {
        let Plain(key) = key.map_err(read("NAMED"))?;
        found.entry(key.rules).or_default().named.push(key);
    }
    for key in maps.names.keys() {
        let Plain(key) = key.map_err(read("NAMES"))?;
        found.entry(key.rules).or_default().names.push(key);
    }
    for key in maps.ports.keys() {
        let Plain(key) = key.map_err(read("PORTS"))?;
        found.entry(key.rules).or_default().ports.push(key);
    }
    for key in maps.addresses.keys() {
        let key = key.map_err(read("ADDRESSES"))?;
        let Plain(address) = key.data();
        found.entry(u32::from_be(address.rules)).or_default().addresses.push((key.prefix_len(), address));
    }
    Ok(found)
}

/// Takes out what was learned under this policy. The resolver writes there by itself, so that it is looked for.
pub(in crate::bpf) fn forget_learned(maps: &mut Maps, rules: u32) -> Result<(), MapsError> {
    let known: Vec<_> = maps.learned.keys().collect::<Result<_, _>>().map_err(read("LEARNED"))?;
    for key in known.into_iter().filter(|Plain(key)| key.rules == rules) {
        forget(maps.learned.remove(&key)).map_err(filled("LEARNED"))?;
    }
    Ok(())
}

/// Takes out what was learned for this slot, and who was on the way to its doors, which the programs write.
pub(in crate::bpf) fn forget_names(maps: &mut Maps, slot: u32) -> Result<(), MapsError> {
    for revision in 0..2 {
        forget_learned(maps, abi::rules_of(slot, revision))?;
    }
    let peers: Vec<_> = maps.peers.iter().collect::<Result<_, _>>().map_err(read("PEERS"))?;
    for (key, _) in peers.into_iter().filter(|(_, Plain(peer))| peer.slot == slot) {
        forget(maps.peers.remove(&key)).map_err(filled("PEERS"))?;
    }
    Ok(())
}

/// The 32 bits of the policy's number come first, in network byte order.
fn range(rules: u32, bits: u8, key: AddressKey) -> (u32, AddressKey) {
    (32 + u32::from(bits), AddressKey { rules: rules.to_be(), ..key })
}

/// The Bloom filter over these inodes.
fn filter_of(inodes: impl Iterator<Item = u64>) -> Box<Filter> {
    let mut filter = Box::new(Filter { words: [0; abi::FILTER_WORDS] });
    for inode in inodes {
        let (one, other) = filter_bits(inode);
        for bit in [one, other] {
            filter.words[bit as usize / 64] |= 1 << (bit % 64);
        }
    }
    filter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_knows_what_was_put_in() {
        let inodes = [0xffff_8881_0000_1000_u64, 0xffff_8881_0000_2000, 7];
        let filter = filter_of(inodes.into_iter());
        let has = |bit: u32| filter.words[bit as usize / 64] >> (bit % 64) & 1 == 1;
        for inode in inodes {
            let (one, other) = filter_bits(inode);
            assert!(has(one) && has(other));
        }
        assert!(filter.words.iter().map(|word| word.count_ones()).sum::<u32>() <= 6);
    }

    #[test]
    fn a_range_begins_with_the_number() {
        let (length, key) = range(1, 96 + 8, AddressKey::default());
        assert_eq!((length, key.rules.to_ne_bytes()), (32 + 104, [0, 0, 0, 1]));
    }
}

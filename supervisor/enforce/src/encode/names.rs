//! Name rules: `**/.env`, `**/id_*`, `**/*.pem`.

use std::collections::{BTreeMap, BTreeSet};

use abi::{MAX_LENGTHS, MAX_NAME, NAME_EXACT, NAME_PREFIX, NAME_SUFFIX, NameKey, NameRule, Names, name_hash};
use policy::plan::{self, NamePattern};

use super::EncodeError;

/// What to look for first, and the rules.
pub(super) fn encode(rules: &[plan::NameRule]) -> Result<(Names, Vec<(NameKey, NameRule)>), EncodeError> {
    let mut names = Names::default();
    let (mut prefixes, mut suffixes) = (BTreeSet::new(), BTreeSet::new());
    let mut keys = BTreeMap::new();
    for plan::NameRule { pattern, from } in rules {
        let (kind, text) = match pattern {
            NamePattern::Exact(name) => (NAME_EXACT, name.as_bytes()),
            NamePattern::Prefix(start) => (NAME_PREFIX, start.as_bytes()),
            NamePattern::Suffix(end) => (NAME_SUFFIX, end.as_bytes()),
        };
        // No file system has a longer name, so that such a rule closes nothing.
        let Some(length) = u8::try_from(text.len()).ok().filter(|length| usize::from(*length) <= MAX_NAME)
        else {
            continue;
        };
        let (Some(first), Some(last)) = (text.first(), text.last()) else { continue };
        match kind {
            NAME_EXACT => names.exact_lengths |= 1 << (length & 63),
            NAME_PREFIX => {
                set(&mut names.first_bytes, *first);
                prefixes.insert(length);
            }
            _ => {
                set(&mut names.last_bytes, *last);
                suffixes.insert(length);
            }
        }
        let key = NameKey { hash: name_hash(text), kind, length: u16::from(length), ..NameKey::default() };
        // The first of two equal rules is the one that is named.
        keys.entry(key).or_insert(NameRule { rule: from.0, ..NameRule::default() });
    }
    names.prefix_lengths = all("name starts (`**/x*`)", prefixes)?;
    names.suffix_lengths = all("name ends (`**/*x`)", suffixes)?;
    Ok((names, keys.into_iter().collect()))
}

fn set(bytes: &mut [u64; 4], byte: u8) {
    bytes[usize::from(byte >> 6)] |= 1 << (byte & 63);
}

fn all(kind: &'static str, lengths: BTreeSet<u8>) -> Result<[u8; MAX_LENGTHS], EncodeError> {
    let mut array = [0; MAX_LENGTHS];
    if lengths.len() > MAX_LENGTHS {
        return Err(EncodeError::TooManyLengths { kind, lengths: lengths.into_iter().collect() });
    }
    array.iter_mut().zip(lengths).for_each(|(place, length)| *place = length);
    Ok(array)
}

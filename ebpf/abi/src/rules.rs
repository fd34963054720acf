//! What a policy allows, as the programs look it up. Each key has the number of its policy: see [`crate::rules_of`].

/// The rule number of "no rule: nothing grants it".
pub const NO_RULE: u32 = u32::MAX;

/// The most rules of one policy that records can name.
pub const MAX_RULES: u32 = 1 << 24;

/// The number of a rule as the tables have it: with the [revision](crate::Session::revision) of its policy, so that what was
/// denied just before a change is not told with the other policy's rule of that number.
pub fn stamped(rule: u32, revision: u32) -> u32 {
    match rule {
        NO_RULE => NO_RULE,
        rule => rule & (MAX_RULES - 1) | revision << 24,
    }
}

/// The rule and its policy's revision (modulo 256); `None`: no rule.
pub fn unstamped(rule: u32) -> Option<(u32, u32)> {
    (rule != NO_RULE).then_some((rule & (MAX_RULES - 1), rule >> 24))
}

/// Flags of an [`Entry`].
pub mod flags {
    /// The entry decides: its masks hold for the object and everything beneath it.
    pub const DECIDES: u32 = 1;
    /// Names beneath this object are told apart: look them up with [`super::NamedKey`] and [`super::Entry::node`].
    pub const HAS_NAMES: u32 = 2;
    /// Its code may be mapped although the session may write here (an explicit read grant inside a write grant).
    pub const CODE: u32 = 4;
    /// May be loaded by the kernel as the interpreter of a program (`ld.so`), but not be started itself.
    pub const LOADER: u32 = 8;
    /// A unix socket that may be connected to, or a directory of such.
    pub const SOCKET: u32 = 16;
    /// Lies on the way to a denied path: it may not be renamed or removed by the session.
    pub const ON_THE_WAY: u32 = 32;
}

/// Key of the map `OBJECTS`: an inode, by its address in the kernel. The supervisor holds it open, so that the
/// address means nothing else as long as the rule lives.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// The address of `struct inode`.
    pub inode: u64,
    /// Whose: [`crate::rules_of`].
    pub rules: u32,
    /// Zero.
    pub padding: u32,
}

/// Value of the maps `OBJECTS` and `NAMED`. A mask has bit *i* set where grant class *i* has the right.
#[repr(C)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Classes that may read.
    pub read: u64,
    /// Classes that may create, change, rename and remove.
    pub write: u64,
    /// Classes that may execute.
    pub execute: u64,
    /// For each length of a name beneath (modulo 64) that `NAMED` knows, a bit: other names need no look-up.
    pub name_lengths: u64,
    /// The policy rule to name in records; [`NO_RULE`] if none.
    pub rule: u32,
    /// The number by which `NAMED` knows what is beneath; 0 if nothing.
    pub node: u32,
    /// See [`flags`].
    pub flags: u32,
    /// Zero.
    pub padding: u32,
}

/// Key of the map `NAMED`: one more component beneath a node.
#[repr(C)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamedKey {
    /// [`name_hash`] of the component.
    pub name: u64,
    /// The node above.
    pub node: u32,
    /// Whose: [`crate::rules_of`].
    pub rules: u32,
}

/// [`NameKey::kind`]: the whole name (`**/.env`).
pub const NAME_EXACT: u16 = 1;
/// [`NameKey::kind`]: the start of the name (`**/id_*`).
pub const NAME_PREFIX: u16 = 2;
/// [`NameKey::kind`]: the end of the name (`**/*.pem`).
pub const NAME_SUFFIX: u16 = 3;
/// How many different lengths the prefixes, and the suffixes, of one policy may have.
pub const MAX_LENGTHS: usize = 8;

/// Key of the map `NAMES`: a name that is denied wherever it is met.
#[repr(C)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameKey {
    /// [`name_hash`] of the compared bytes.
    pub hash: u64,
    /// Whose: [`crate::rules_of`].
    pub rules: u32,
    /// `NAME_EXACT`, `NAME_PREFIX` or `NAME_SUFFIX`.
    pub kind: u16,
    /// How many bytes are compared.
    pub length: u16,
}

/// Value of the map `NAMES`.
#[repr(C)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NameRule {
    /// The policy rule.
    pub rule: u32,
    /// Zero.
    pub padding: u32,
}

/// Data of the longest-prefix map `ADDRESSES`; its prefix length counts the 32 bits of `rules` too. An IPv4 address stands in
/// its IPv6 form (`::ffff:a.b.c.d`, RFC 4291 section 2.5.5.2).
#[repr(C)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressKey {
    /// Whose: [`crate::rules_of`], in network byte order: the map compares from the first byte.
    pub rules: u32,
    /// The address in network byte order.
    pub address: [u8; 16],
    /// Zero, and never compared: the value behind the key lies on a multiple of 8.
    pub padding: u32,
}

/// Value of the map `ADDRESSES`.
#[repr(C)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// Classes that may reach it; what shorter ranges grant is in it already.
    pub classes: u64,
    /// The policy rule.
    pub rule: u32,
    /// Zero.
    pub padding: u32,
}

/// What a port is allowed for.
#[repr(u16)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PortUse {
    /// Connecting and sending to it, TCP and UDP.
    Connect = 1,
    /// Listening on it, TCP. Port 0 is any free one.
    Listen = 2,
}

/// Key of the map `PORTS`.
#[repr(C)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortKey {
    /// Whose: [`crate::rules_of`].
    pub rules: u32,
    /// The port in host byte order.
    pub port: u16,
    /// A [`PortUse`].
    pub usage: u16,
}

/// Value of the map `PORTS`.
#[repr(C)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Port {
    /// The policy rule.
    pub rule: u32,
    /// [`crate::PORT_CHECKED`], or 0.
    pub flags: u32,
}

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// A hash of a name, in the manner of FNV-1a, by words of eight bytes: the programs spend few instructions on it. Two
/// names that collide can only make one of them denied too: no grant is looked up by name.
#[inline(always)]
pub fn name_hash(name: &[u8]) -> u64 {
    let mut hash = name_hash_begin(name.len() as u32);
    for part in name.chunks(8) {
        let mut word = [0; 8];
        word[..part.len()].copy_from_slice(part);
        hash = name_hash_add(hash, u64::from_ne_bytes(word));
    }
    hash
}

/// The [`name_hash`] of a name of this length, before its first word.
#[inline(always)]
pub fn name_hash_begin(length: u32) -> u64 {
    OFFSET ^ u64::from(length)
}

/// The next eight bytes of a [`name_hash`] as they lie in memory; the last ones are filled up with zeroes.
#[inline(always)]
pub fn name_hash_add(hash: u64, word: u64) -> u64 {
    (hash ^ word).wrapping_mul(PRIME).rotate_left(32)
}

const _: () = assert!(size_of::<ObjectKey>() == 16);
const _: () = assert!(size_of::<Entry>() == 48);
const _: () = assert!(size_of::<NamedKey>() == 16);
const _: () = assert!(size_of::<NameKey>() == 16);
const _: () = assert!(size_of::<NameRule>() == 8);
const _: () = assert!(size_of::<AddressKey>() == 24);
const _: () = assert!(size_of::<Address>() == 16);
const _: () = assert!(size_of::<PortKey>() == 8);
const _: () = assert!(size_of::<Port>() == 8);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::REVISIONS;

    #[test]
    fn names_that_differ_anywhere_have_other_hashes() {
        let names: [&[u8]; 8] = [b"", b"\0", b"a", b"a\0", b".env", b"abcdefgh", b"abcdefgh\0", b"abcdefghi"];
        for (index, name) in names.iter().enumerate() {
            assert!(names[..index].iter().all(|other| name_hash(other) != name_hash(name)), "{name:?}");
        }
    }

    #[test]
    fn a_rules_number_names_its_policy() {
        for (rule, revision) in [(0, 0), (7, 1), (MAX_RULES - 1, 254), (0, REVISIONS)] {
            assert_eq!(unstamped(stamped(rule, revision)), Some((rule, revision)));
        }
        assert_eq!((stamped(NO_RULE, 3), unstamped(NO_RULE)), (NO_RULE, None));
    }
}

//! The decisions of the BPF programs, pure: what a session's tables say about a path, an address, a rate, a kill.
//!
//! The same code is compiled for the kernel's verifier and for the tests on the host, so that
//! `policy.permits(…) == verdict(encode(compile(policy)), …)` can be stated as a property.
//! It never touches a map, a hook, a kernel pointer or a clock: whoever calls it brings [`Tables`], [`Path`],
//! [`Network`] and the numbers.
//!
//! ```text
//! Path (inodes and names, the object first) ─┐
//! Tables (OBJECTS, NAMED, NAMES)  ───────────┴► path::examine ─► Entry ─► file::*    ─► allow | Denial
//! Network (ADDRESSES, PORTS, LEARNED) ─────────────────────────► network::*          ─► Passage | Denial
//! rate::take, budget::take ─► over?                   Denial ─► action::kills ─► deny | kill
//! ```
//! Everything is `#[inline(always)]`, without panics and with loops of constant bounds: the verifier follows each path.

#![no_std]
#![forbid(unsafe_code)]

pub mod action;
pub mod budget;
pub mod file;
pub mod name;
pub mod network;
pub mod path;
pub mod rate;

#[cfg(test)]
mod tests;

use abi::{Entry, Reason};

/// The look-ups by path, of one session.
pub trait Tables {
    /// `OBJECTS`; it has no entry for inode 0.
    fn object(&self, inode: u64) -> Option<&Entry>;
    /// `NAMED`, by the node above and [`abi::name_hash`] of the component.
    fn named(&self, node: u32, name: u64) -> Option<&Entry>;
    /// `NAMES`: the policy rule, by `NAME_EXACT`, `NAME_PREFIX` or `NAME_SUFFIX`, the compared bytes' number and hash.
    fn name(&self, kind: u16, length: u16, hash: u64) -> Option<u32>;
}

/// The components of a path, the object itself first (index 0) and the root last.
pub trait Path {
    /// How many there are, the root among them; at least 1.
    fn depth(&self) -> usize;
    /// The inode of a component; 0 if the object does not exist yet.
    fn inode(&self, index: usize) -> u64;
    /// The length of a component's name in bytes; 0 for the root; more than [`abi::MAX_NAME`] if it cannot be read.
    fn length(&self, index: usize) -> u32;
    /// For each length of a name (modulo 64) the [`path::length_bit`].
    #[inline(always)]
    fn lengths(&self) -> u64 {
        (0..self.depth()).fold(0, |bits, index| bits | path::length_bit(self.length(index)))
    }
    /// Whether the name of a component can be one of those with these lengths (see [`Self::lengths`]).
    #[inline(always)]
    fn has_length_of(&self, index: usize, lengths: u64) -> bool {
        path::may_be_one(self.length(index), lengths)
    }
    /// Whether [`Self::byte`] can be answered; a name of which it cannot is closed.
    #[inline(always)]
    fn is_readable(&self, _index: usize) -> bool {
        true
    }
    /// One byte of a name; `at` is less than its length.
    fn byte(&self, index: usize, at: u32) -> u8;
    /// [`abi::name_hash`] of a part of a name; `start + length` is at most its length. `None`: it cannot be read.
    fn hash(&self, index: usize, start: u32, length: u32) -> Option<u64>;

    /// What is known about component `index` alone. The programs put a verifier's boundary here; the answer must be that
    /// of [`path::look`].
    #[inline(always)]
    fn look(&self, tables: &impl Tables, index: usize, found: &mut Entry) -> bool {
        path::look(tables, self, index, found)
    }

    /// The programs put a verifier's boundary here; the answer must be that of [`path::look_for_socket`].
    #[inline(always)]
    fn look_for_socket(&self, tables: &impl Tables, index: usize) -> path::Socket {
        path::look_for_socket(tables, self, index)
    }

    /// What is said by name about the components beneath component `index`, whose entry is `above`.
    /// The programs put a verifier's boundary here; the answer must be that of [`path::beneath`].
    #[inline(always)]
    fn beneath(&self, tables: &impl Tables, above: &Entry, index: usize) -> Beneath {
        let mut entry = path::NOTHING;
        let node = (above.node, above.name_lengths);
        let on_the_way = path::beneath(tables, self, node, index, &mut entry);
        Beneath { entry, on_the_way }
    }

    /// Whether a rule closes component `index` by this part of its name. The programs put a verifier's boundary here; the
    /// answer must be that of [`name::part_closes`].
    #[inline(always)]
    fn part_closed(&self, tables: &impl Tables, index: usize, part: name::Part) -> Closed {
        name::part_closes(tables, self, index, part)
    }

    /// The name rule that closes component `index`. The programs put a verifier's boundary here; the answer must be
    /// that of [`name::closes`].
    #[inline(always)]
    fn closed(&self, tables: &impl Tables, names: &abi::Names, ends: bool, index: usize) -> Closed {
        name::closes(tables, self, names, ends, index)
    }
}

/// The look-ups by address, of one session.
pub trait Network {
    /// `ADDRESSES`: the longest prefix of an address in its IPv6 form.
    fn address(&self, address: &[u8; 16]) -> Option<&abi::Address>;
    /// `PORTS`.
    fn port(&self, port: u16, usage: abi::PortUse) -> Option<&abi::Port>;
    /// `LEARNED`: what the resolver has learned about an address in its IPv6 form.
    fn learned(&self, address: &[u8; 16]) -> Option<&abi::Learned>;
}

/// The answer of [`path::beneath`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beneath {
    /// The deepest entry that decides, if its flags say that it does.
    pub entry: Entry,
    /// The path's object itself lies on the way to something that is told apart by name.
    pub on_the_way: bool,
}

/// The answer of [`name::closes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// No name rule matches.
    Open,
    /// This policy rule closes it.
    By(u32),
    /// The name could not be read: whoever asks must deny.
    Unreadable,
}

/// Why something is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The reason.
    pub reason: Reason,
    /// The policy rule; [`abi::NO_RULE`] if none.
    pub rule: u32,
    /// For [`Reason::Rate`] what is used up: an [`abi::Bucket`], or [`abi::BUCKETS`] and an [`abi::Spending`]; else 0.
    pub limit: u32,
}

impl Denial {
    /// A denial that no rule made.
    #[inline(always)]
    pub const fn of(reason: Reason) -> Self {
        Self::by(reason, abi::NO_RULE)
    }

    /// A denial by a rule, or by the nearest one.
    #[inline(always)]
    pub const fn by(reason: Reason, rule: u32) -> Self {
        Self { reason, rule, limit: 0 }
    }

    /// A denial because a bucket is empty.
    #[inline(always)]
    pub const fn rate(bucket: abi::Bucket) -> Self {
        Self { reason: Reason::Rate, rule: abi::NO_RULE, limit: bucket as u32 }
    }

    /// A denial because a call has spent what it may.
    #[inline(always)]
    pub const fn budget(spent: abi::Spending, rule: u32) -> Self {
        Self { reason: Reason::Rate, rule, limit: abi::BUCKETS as u32 + spent as u32 }
    }
}

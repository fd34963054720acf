//! Grant classes: which grants hold at which moment.
//!
//! Class 0 is what always holds. Each distinct set of tool grants and budgets gets a class of its own.
//! A session's *active* set is class 0 plus the classes of the calls in flight.

use std::fmt;

use super::RuleId;

/// The highest number of classes in one policy; the active set is one 64-bit word.
pub const MAX_CLASSES: usize = 64;

/// The number of a grant class, 0 to 63.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(u8);

impl ClassId {
    /// The class that always holds.
    pub const ALWAYS: Self = Self(0);

    /// The class with this number, or `None` from 64 on.
    pub fn new(number: usize) -> Option<Self> {
        u8::try_from(number).ok().filter(|n| usize::from(*n) < MAX_CLASSES).map(Self)
    }

    /// The number, 0 to 63.
    pub fn number(self) -> u8 {
        self.0
    }
}

/// A set of grant classes; bit *i* stands for class *i*.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassMask(u64);

impl ClassMask {
    /// No class: what such a mask guards is always denied.
    pub const NONE: Self = Self(0);
    /// Only class 0: what such a mask guards always holds.
    pub const ALWAYS: Self = Self(1);
    /// Every class.
    pub const ALL: Self = Self(u64::MAX);

    /// The mask with just this class.
    pub fn only(class: ClassId) -> Self {
        Self(1 << class.0)
    }

    /// Classes in either set.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the sets share a class.
    pub fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether the set has this class.
    pub fn contains(self, class: ClassId) -> bool {
        self.intersects(Self::only(class))
    }

    /// Whether the set has no class.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set as a word, bit *i* for class *i*.
    pub fn bits(self) -> u64 {
        self.0
    }
}

/// What one call of a class may spend while it is in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallBudget {
    /// New connections over IP, and the rule that says so.
    pub connections: Option<(u32, RuleId)>,
    /// Bytes sent over IP, and the rule that says so.
    pub sent_bytes: Option<(u64, RuleId)>,
}

impl fmt::Debug for ClassMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClassMask({:#x})", self.0)
    }
}

//! What a rule looks for, and how much a finding weighs.

use std::fmt;
use std::ops::BitOr;

use serde::Deserialize;

/// What a rule looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Text that gives orders to a model instead of answering it.
    Injection,
    /// Text that leads data out: addresses that carry it, commands that send it.
    Exfiltration,
    /// Keys, tokens, passwords.
    Secret,
    /// Data about people.
    Pii,
}

impl Class {
    const ALL: [Self; 4] = [Self::Injection, Self::Exfiltration, Self::Secret, Self::Pii];

    /// Orders and leaks are written in words, which can be disguised; secrets and numbers are exact.
    pub(crate) fn is_worded(self) -> bool {
        matches!(self, Self::Injection | Self::Exfiltration)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Injection => "injection",
            Self::Exfiltration => "exfiltration",
            Self::Secret => "secret",
            Self::Pii => "pii",
        })
    }
}

/// A set of classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Classes(u8);

impl Classes {
    /// No class.
    pub const NONE: Self = Self(0);
    /// Every class.
    pub const ALL: Self = Self(0b1111);
    /// Hidden instructions only.
    pub const INJECTION: Self = Self(0b0001);
    /// Ways out only.
    pub const EXFILTRATION: Self = Self(0b0010);
    /// Secrets only.
    pub const SECRET: Self = Self(0b0100);
    /// Personal data only.
    pub const PII: Self = Self(0b1000);

    /// How many sets there are.
    pub(crate) const SETS: usize = 16;

    /// The set as a number below [`Self::SETS`].
    pub(crate) fn number(self) -> usize {
        usize::from(self.0 & Self::ALL.0)
    }

    /// Whether the class is in the set.
    pub fn contains(self, class: Class) -> bool {
        self.0 & Self::from(class).0 != 0
    }

    /// The classes in the set.
    pub fn iter(self) -> impl Iterator<Item = Class> {
        Class::ALL.into_iter().filter(move |class| self.contains(*class))
    }
}

impl From<Class> for Classes {
    fn from(class: Class) -> Self {
        match class {
            Class::Injection => Self::INJECTION,
            Class::Exfiltration => Self::EXFILTRATION,
            Class::Secret => Self::SECRET,
            Class::Pii => Self::PII,
        }
    }
}

impl BitOr for Classes {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// How sure a rule is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a note: honest texts often match.
    Low,
    /// Worth an act: honest texts rarely match.
    #[default]
    High,
}

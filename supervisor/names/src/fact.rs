//! Facts: what was refused and why, as plain data for the audit log. Their number is bounded; equal ones are counted.

use std::net::IpAddr;

use policy::plan::RuleId;

/// How many different facts are kept until they are taken.
const MAX_FACTS: usize = 256;

/// A name was refused, or something of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameFact {
    /// The name in lower case, without a trailing dot; bytes that no host name has are escaped (`\032`). At most 1,016
    /// characters: that is what 255 octets escape to.
    pub name: String,
    /// Why.
    pub why: Why,
    /// The classes that were active.
    pub active: u64,
    /// How often this was so since facts were taken last, from 1.
    pub times: u32,
}

/// Why something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// No rule names it.
    #[error("no rule names it")]
    Unnamed,
    /// Rules name it, but not while no call of their tools is in flight.
    #[error("no call of a tool that may reach it is in flight")]
    Inactive {
        /// The first of the rules.
        rule: RuleId,
    },
    /// The name is allowed, but not records of this type (IANA's number).
    #[error("records of type {0} are not looked up for it")]
    Kind(u16),
    /// Only the class IN is looked up, not this one (IANA's number).
    #[error("records of class {0} are not looked up")]
    Class(u16),
    /// A label has other characters than letters, digits, `-` and `_`.
    #[error("it is no host name")]
    NoHostName,
    /// The answer held an address that is not public and that no range of the policy holds.
    #[error("it stands for {0}, which is neither public nor in a range of the policy")]
    Rebinding(IpAddr),
    /// A limit was reached.
    #[error(transparent)]
    Limit(#[from] Limit),
}

/// Limits, most of them against tunnels: names beneath a wildcard carry data to whoever serves the zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    /// Labels beneath the rule's name.
    #[error("it has more than {} labels beneath the rule's name", crate::shape::MAX_LABELS)]
    Labels,
    /// Characters of one label.
    #[error("one of its labels has more than {} characters", crate::shape::MAX_LABEL)]
    Label,
    /// Characters beneath the rule's name.
    #[error("it has more than {} characters beneath the rule's name", crate::shape::MAX_LENGTH)]
    Length,
    /// A long label looks like encoded data.
    #[error("one of its labels looks like encoded data")]
    Entropy,
    /// Distinct new names a minute.
    #[error("more new names were asked for than are allowed in a minute")]
    NewNames,
    /// Look-ups a minute.
    #[error("more look-ups were made than are allowed in a minute")]
    Lookups,
    /// Look-ups that wait for an upstream.
    #[error("more look-ups wait for an answer than may at a time")]
    Waiting,
    /// Names of which something is known.
    #[error("more names are known than may be at a time")]
    Names,
    /// Addresses that are known.
    #[error("more addresses are known than may be at a time")]
    Addresses,
}

/// What has happened since facts were taken last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Different facts in the order in which they first were so.
    pub list: Vec<NameFact>,
    /// How many facts there were for which there was no place.
    pub lost: u64,
}

impl Facts {
    pub(crate) fn add(&mut self, name: &str, why: Why, active: u64) {
        let same = |fact: &&mut NameFact| fact.why == why && fact.active == active && fact.name == name;
        if let Some(fact) = self.list.iter_mut().rev().find(same) {
            fact.times = fact.times.saturating_add(1);
        } else if self.list.len() < MAX_FACTS {
            self.list.push(NameFact { name: name.to_owned(), why, active, times: 1 });
        } else {
            self.lost = self.lost.saturating_add(1);
        }
    }
}

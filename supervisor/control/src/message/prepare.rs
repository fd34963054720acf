//! Another policy for a session that runs.
//!
//! ```text
//! a connection of its own: prepare ─► prepared ─ learn_next … ─ commit ─► done     its end without a commit: nothing changes
//! ```

use serde::{Deserialize, Serialize};

use super::{Open, Skipped};
use crate::bounded;
use crate::name::SessionId;

/// The most grant classes of one policy, without the one that always holds.
pub(super) const MAX_CLASSES: usize = 63;

/// What a session of this very process would do next. Everything is as in [`Open`]; what a running process cannot change
/// (its command, its doors) is only read where the policy is compiled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prepare {
    /// The session.
    pub session: SessionId,
    /// How often its policy was changed, with this time: 1 to 255. It stands in the numbers of the rules.
    pub revision: u8,
    /// The numbers that the grant classes of its policies have until now, which go on meaning what they mean; at most 63.
    #[serde(deserialize_with = "bounded::list::<_, _, 0, MAX_CLASSES>")]
    pub classes: Vec<NumberedClass>,
    /// The policy, and what it is compiled with.
    pub open: Open,
}

/// A grant class that has its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberedClass {
    /// The first eight bytes of SHA-256 over what it grants.
    pub grants: u64,
    /// 1 to 63.
    pub number: u8,
}

/// The policy is written down, and holds from a commit on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// As in [`super::Opened`].
    pub revision: String,
    /// The numbers of the new policy's grant classes, and of those before. They must be those of the client's plan.
    pub classes: Vec<NumberedClass>,
    /// As in [`super::Opened`].
    pub skipped: Vec<Skipped>,
}

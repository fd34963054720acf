//! The tricks, by what they play on.

mod addresses;
mod loopback;
mod names;
mod protocols;
mod questions;

use super::trick::Trick;

/// Every trick.
pub(super) fn all() -> impl Iterator<Item = Trick> {
    [addresses::tricks(), names::tricks(), questions::tricks(), protocols::tricks(), loopback::tricks()]
        .into_iter()
        .flatten()
}

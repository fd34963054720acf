//! The kernel is what its entry in the matrix says; everything else is computed from the entry.

use anyhow::{Result, ensure};

use crate::case::{Case, On};
use crate::facts::probe;
use crate::ground::Ground;

pub(super) const CASES: &[Case] = &[Case::new("facts/as_expected", as_expected).on(On::Every).seconds(2)];

fn as_expected(ground: &Ground) -> Result<()> {
    let seen = probe()?;
    let differences = seen.differences(ground.facts());
    println!("seen: {}", serde_json::to_string(&seen)?);
    ensure!(differences.is_empty(), "this kernel is not what its entry says:\n{}", differences.join("\n"));
    Ok(())
}

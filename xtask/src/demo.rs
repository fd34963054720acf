//! x
use crate::checkout::Checkout;
use anyhow::{Result, bail};
pub(crate) fn run(_c: &Checkout) -> Result<()> {
    bail!("later")
}

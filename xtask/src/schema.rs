//! `cargo xtask schema`
use crate::checkout::Checkout;
use anyhow::{Result, bail};
#[derive(clap::Args)]
pub(crate) struct Options {}
pub(crate) fn run(_c: &Checkout, _o: &Options) -> Result<()> {
    bail!("later")
}

//! `cargo xtask schema`: the JSON Schema of the policy language, from the types that the parser itself uses.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::checkout::Checkout;

/// Where editors find it: the name that `docs/policy.md` tells.
const FILE: &str = "policies/mcpguard.schema.json";

/// Options of `cargo xtask schema`.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Write nothing; fail if the committed schema is not the one that the types give
    #[arg(long)]
    pub(crate) check: bool,
}

/// Writes the schema, or compares it.
pub(crate) fn run(checkout: &Checkout, options: &Options) -> Result<()> {
    let path = checkout.root().join(FILE);
    let fresh = format!("{:#}\n", policy::schema());
    if options.check {
        let committed = fs::read_to_string(&path).with_context(|| format!("cannot read {FILE}"))?;
        ensure!(committed == fresh, "{FILE} is not what the types give; run `cargo xtask schema`");
        return Ok(());
    }
    fs::write(&path, fresh).with_context(|| format!("cannot write {FILE}"))?;
    eprintln!("schema: wrote {FILE}");
    Ok(())
}

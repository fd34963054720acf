//! `cargo xtask schema`: the JSON Schemas of policies and host rules, from the types that the parser itself uses.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::checkout::Checkout;

/// Where editors find them: the names that `docs/policy.md` and `docs/host-rules.md` tell.
const POLICY: &str = "policies/mcpguard.schema.json";
const HOST: &str = "policies/host.schema.json";

/// Options of `cargo xtask schema`.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Write nothing; fail if the committed schema is not the one that the types give
    #[arg(long)]
    pub(crate) check: bool,
}

/// Writes the schemas, or compares them.
pub(crate) fn run(checkout: &Checkout, options: &Options) -> Result<()> {
    one(checkout, options, POLICY, &policy::schema())?;
    one(checkout, options, HOST, &policy::host_schema())
}

fn one(checkout: &Checkout, options: &Options, file: &str, schema: &Value) -> Result<()> {
    let path = checkout.root().join(file);
    let fresh = format!("{schema:#}\n");
    if options.check {
        let committed = fs::read_to_string(&path).with_context(|| format!("cannot read {file}"))?;
        ensure!(committed == fresh, "{file} is not what the types give; run `cargo xtask schema`");
        return Ok(());
    }
    fs::write(&path, fresh).with_context(|| format!("cannot write {file}"))?;
    eprintln!("schema: wrote {file}");
    Ok(())
}

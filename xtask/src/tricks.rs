//! `cargo xtask tricks`: the table of tricks, clients and backends in the test internet (tests/src/internet).
//!
//! It needs root for the namespaces, and makes no other use of it: nothing of the host's own network is touched.

use anyhow::{Context, Result, bail};

use crate::checkout::Checkout;
use crate::{setup, test};

/// Options of `cargo xtask tricks`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Whose column: bare, notify, ebpf or all
    #[arg(long, default_value = "all")]
    backend: String,
    /// Only the tricks or clients whose name holds this text
    #[arg(long)]
    only: Option<String>,
    /// One JSON array instead of a table
    #[arg(long)]
    json: bool,
    /// Write the table into docs/network.md as well
    #[arg(long)]
    write: bool,
    /// Both sides in one namespace, as on a kernel without pairs of interfaces
    #[arg(long)]
    loopback: bool,
    /// No table: a shell in the test internet, as `user` or `root`
    #[arg(long, value_name = "WHO")]
    shell: Option<String>,
}

/// Builds what is needed and prints the table; an error if anything in it is wrong.
pub(crate) fn run(checkout: &Checkout, options: &Options) -> Result<()> {
    setup::run(checkout, setup::Scope::Tests)?;
    let mcpguard = test::build(checkout, &[])?;
    let mut command = checkout.cargo();
    command.args(["run", "--quiet", "--package", "mcpguard-tests", "--bin", "tricks", "--"]);
    command.args(["--backend", &options.backend]).env("MCPGUARD_BIN", mcpguard);
    command.args(options.only.iter().flat_map(|text| ["--only", text]));
    command.args(options.json.then_some("--json")).args(options.write.then_some("--write"));
    command.args(options.loopback.then_some("--loopback"));
    command.args(options.shell.iter().flat_map(|who| ["--shell", who]));
    let status = command.status().context("cannot start the tricks")?;
    if !status.success() {
        bail!("not everything is as it must be");
    }
    Ok(())
}

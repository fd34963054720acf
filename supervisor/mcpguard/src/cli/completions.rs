//! `mcpguard completions SHELL`: shell completions, generated from the command line's definition.
//!
//! ```text
//! $ mcpguard completions bash > ~/.local/share/bash-completion/completions/mcpguard
//! ```

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

/// Arguments of `mcpguard completions`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the completions.
pub(crate) fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "mcpguard", &mut text);
    out.write_all(&text)?;
    Ok(0)
}

//! `mcpguard man [--dir DIR]`: manual pages, generated from the command line's definition.
//!
//! ```text
//! $ mcpguard man | man -l -
//! $ mcpguard man --dir ~/.local/share/man/man1
//! ```

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::CommandFactory;

/// Arguments of `mcpguard man`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write one page for each command into this directory instead of printing the main page
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints or writes the pages.
pub(crate) fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    let command = super::Cli::command();
    match args.dir {
        Some(dir) => {
            std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
            clap_mangen::generate_to(command, &dir)
                .with_context(|| format!("cannot write into {}", dir.display()))?;
        }
        None => clap_mangen::Man::new(command).render(out)?,
    }
    Ok(0)
}

//! The `mcpguard` command: composes policy, enforcement, doorman and audit; decides nothing itself.
//!
//! ```text
//! policy text ─► policy::load ─► compile ─► Plan ─┬─► enforce::prepare ─► spawn ─► server
//!                                                 ├─► mcp::Engine ◄──── session ────┘
//!                                                 └─► coverage ─► refuse or start ─► audit::Log
//! ```
//!
//! It never prints to stdout in `exec`: stdout belongs to MCP.

#![forbid(unsafe_code)]

mod caller;
mod cli;
mod compose;
mod daemon;
mod egress;
mod environment;
mod forms;
mod host;
mod host_rules;
mod hosted;
mod install;
mod pinned;
mod policies;
mod session;
mod sessions;
mod stamped;
mod terminal;
mod trust;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    if let Some(code) = cli::enter::intercept() {
        return code;
    }
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return cli::usage(&error),
    };
    match cli.run() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            terminal::error(&error);
            ExitCode::from(cli::exit_code_of(&error))
        }
    }
}

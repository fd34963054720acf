//! `mcpguard enter` (hidden): the single-threaded last mile. It seals itself and becomes the server.
//!
//! It is taken before the command line is parsed, so that the way to the server's first instruction stays short.

use std::process::ExitCode;

/// Runs the stage if this process was started for it.
pub(crate) fn intercept() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    (arguments.next()? == "enter").then(|| ExitCode::from(enforce::enter_main(arguments)))
}

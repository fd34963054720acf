//! `mcpguard daemon`: one owner of the kernel part for every user's sessions, in two processes.
//!
//! ```text
//!            /run/mcpguard/control.sock                   socket pair (wire)
//! clients ◄──── control ────► front (user mcpguard, sealed) ◄────► keeper (root): eBPF layer, control groups, canaries
//!                               └─► compiles policies, host log, metrics
//! ```

mod arguments;
mod config;
mod front;
mod journal;
mod keeper;
mod wire;

use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;

use telemetry::Metrics;

use crate::trust::Keepers;
use config::Config;
use front::shown::Shown;
use journal::Journal;

pub(crate) use arguments::Arguments;
pub(crate) use front::words;

/// Runs one of the two processes; the number is the exit status.
///
/// # Errors
/// See the two.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    match arguments.front {
        false => keeper::run(arguments),
        true => serve(arguments),
    }
}

/// The front finds its two sockets where a program has its input and its output. What only root may write is read, and the
/// host log opened, before it hears anybody.
fn serve(arguments: &Arguments) -> anyhow::Result<u8> {
    // It was started by another name than its own.
    let _ = nix::sys::prctl::set_name(c"mcpguard-front");
    arguments.seal()?;
    let keeper = std::io::stdin().as_fd().try_clone_to_owned()?;
    let listener = std::io::stdout().as_fd().try_clone_to_owned()?;
    let config = Config::read(Path::new(config::PLACE), &Keepers::Only(0))?;
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"), jiff::Timestamp::now()));
    let journal = Journal::open(&config.log, &metrics)?;
    let shown = Shown { metrics, address: config.metrics_address() };
    front::run(listener, keeper, arguments.of_the_front(shown)?, Box::new(journal))
}

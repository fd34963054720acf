//! `mcpguard daemon`: one owner of the kernel part for every user's sessions, in two processes.
//!
//! ```text
//!            /run/mcpguard/control.sock                   socket pair (wire)
//! clients ◄──── control ────► front (user mcpguard, sealed) ◄────► keeper (root): eBPF layer, control groups, canaries
//!                               └─► compiles policies, host log, metrics
//! ```

mod arguments;
mod front;
mod keeper;
mod told;
mod wire;

use std::os::fd::AsFd;

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

/// The front finds its two sockets where a program has its input and its output.
fn serve(arguments: &Arguments) -> anyhow::Result<u8> {
    arguments.seal()?;
    let keeper = std::io::stdin().as_fd().try_clone_to_owned()?;
    let listener = std::io::stdout().as_fd().try_clone_to_owned()?;
    front::run(listener, keeper, arguments.of_the_front()?, Box::new(told::Told::default()))
}

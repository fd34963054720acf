//! `mcpguard daemon`: one owner of the kernel part for every user's sessions, in two processes.
//!
//! ```text
//!            /run/mcpguard/control.sock                   socket pair (wire)
//! clients ◄──── control ────► front (user mcpguard, sealed) ◄────► keeper (root): eBPF layer, control groups, canaries
//!                               └─► compiles policies, host log, metrics
//! ```

mod arguments;
mod keeper;
mod wire;

pub(crate) use arguments::Arguments;

/// Runs one of the two processes; the number is the exit status.
///
/// # Errors
/// See the two.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    match arguments.front {
        false => keeper::run(arguments),
        true => anyhow::bail!("the front is not built yet"),
    }
}

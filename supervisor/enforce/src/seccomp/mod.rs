//! seccomp: which system calls exist for the server, with which scalar arguments, and who hears of the refused ones.
//!
//! ```text
//! groups, arguments, network ──► Profile ──compile──► instructions ──enter──► the kernel
//!                                   └────────────── decides again ◄──────── denials: refused calls, reported
//! ```

mod arguments;
mod compile;
mod denials;
mod groups;
mod modes;
mod network;
mod profile;
mod refused;
mod table;
#[cfg(test)]
mod tests;
mod verdict;

pub(crate) use compile::silence;
pub use compile::{CompileError, Instruction, Reporting, compile};
pub use denials::{DenialListener, ListenError, Served, SyscallDenial};
pub(crate) use modes::Modes;
pub(crate) use network::Sockets;
pub use profile::{Profile, reason};
pub use table::name_of;
pub use verdict::Action;

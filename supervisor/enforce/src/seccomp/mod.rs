//! seccomp: which system calls exist for the server, with which scalar arguments, and who hears of the refused ones.
//!
//! ```text
//! groups, arguments, network ──► Profile ──compile──► instructions ──enter──► the kernel
//!                                   └────────────── decides again ◄──────── denials: refused calls, reported
//! gate ──► which calls about addresses the supervisor carries out (`crate::notify`), where eBPF does not decide them
//! ```

mod arguments;
mod compile;
mod denials;
mod gate;
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
pub use denials::{DenialListener, ListenError, Served, SyscallDenial, Woken};
pub(crate) use modes::{Modes, open_as};
pub use network::Addresses;
pub(crate) use network::Sockets;
pub use profile::{Profile, reason};
pub use table::name_of;
pub use verdict::Action;

//! Makes the kernel obey a plan: Landlock, seccomp, limits, and the last mile before `execve`. Needs no root.
//!
//! ```text
//! probe ──► Support ─┐
//! Plan ──────────────┼─ prepare ─► Ready ─ spawn ─► Guard ─ end_tree ─► Ended
//! Command ───────────┘              │ Orders           ▲ reports of refused calls
//!                                   ▼                  │
//!                       `mcpguard enter`: session, limits, privileges, Landlock, seccomp ─ execve ─► the server
//! ```
//! It decides nothing about policy and never falls back to something weaker: what a plan asks and this host lacks is
//! `coverage`'s business before, and an error here is the end of the start. It never starts a server that is not
//! sealed, never lets a reported system call continue, and never signals a process that is not its own unreaped child.
//!
//! All unsafe code of mcpguard's user space is in `sys`.

pub mod bpf;
pub mod cgroup;
mod egress;
mod enclosure;
pub mod encode;
mod enter;
mod examine;
mod fixed;
mod guard;
pub mod keeper;
mod limits;
mod notify;
mod orders;
mod prepare;
mod probe;
mod programs;
mod ruleset;
mod seccomp;
mod spawn;
mod standing;
mod sys;
mod tree;

pub use bpf::Event as KernelEvent;
pub use egress::{Doors, Egress, LearnError};
pub use enclosure::{
    EncloseError, Enclosure, EnclosureError, PlaceError, Proof, ProofFailure, Revised, clean_up, unreachable,
};
pub use enter::{EnterError, enter, main as enter_main};
pub use examine::{Finding, Outcome, examine};
pub use fixed::{Beyond, Fixed};
pub use guard::Guard;
pub use notify::{Attempt, GateError, NetworkDenial, read_address, write_address};
pub use orders::Sealed;
pub use prepare::{Command, Encloser, PrepareError, Ready, Summary, implied, prepare};
pub use probe::{probe, probe_without_root};
pub use ruleset::Skipped;
pub use seccomp::{
    Action, Addresses, CompileError, DenialListener, Instruction, ListenError, Profile, Reporting, Served,
    SyscallDenial, Woken, compile, name_of, reason,
};
pub use spawn::{Outer, SpawnError, Stdio3};
pub use standing::{FreezeError, Grounds, KillError, Standing, hurry};
pub use tree::{
    Ended, Ending, Exited, Status, SupervisorError, become_subreaper, end_tree, harden_supervisor,
};

/// A signal, as `nix` has it.
pub use nix::sys::signal::Signal;
/// A process number, as `nix` has it.
pub use nix::unistd::Pid;

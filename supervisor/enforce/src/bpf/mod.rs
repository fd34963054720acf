//! The eBPF layer: programs in the kernel that deny what the policy denies, at the instant and for the tool call.
//!
//! ```text
//! probe ─► Probe ─ Layer::load ─► Layer: programs attached, maps empty, nobody in scope
//! Plan ─ encode ─► Tables ─ Layer::open ─► Session: maps filled, inodes held      ┌─► ActiveMask: one store a call
//!                                             └ tag the last mile, join the group ─┼─► Events: what was denied
//!                                                                                  └─► Canary: seen to deny
//! ```
//! It decides nothing about policy: `encode` says what holds, the programs (`ebpf/`) say it of a request. It never
//! touches a process that is not tagged and not in a session's control group, never lets a session begin with less than
//! its tables, and never takes a program away while a session is open. If this process dies, the pinned programs deny
//! its sessions everything.
//!
//! It needs Linux 5.17 and root. `RLIMIT_MEMLOCK` is raised by nobody: since 5.11 maps are charged to the control group.

mod active;
mod at_once;
mod btf;
mod canary;
mod egress;
mod events;
mod hooks;
mod layer;
mod maps;
mod object;
mod pins;
mod preemption;
mod probe;
mod program;
mod proof;
mod register;
mod session;
mod storage_types;

pub use active::ActiveMask;
pub use btf::{Btf, BtfError};
pub(crate) use canary::Zygote;
pub use canary::{Answer, Bait, Canary, CanaryError, Gap, Tried};
pub(crate) use events::parse as parse_event;
pub use events::{Event, EventError, Events, Peer, SeenPath};
pub use layer::{Layer, LayerError, Options};
pub use maps::{MapsError, Sizes};
pub use object::ObjectError;
pub(crate) use object::built;
pub(crate) use pins::layers as pinned_layers;
pub use pins::{Leftover, Outcome, PinError, clean_leftovers};
pub use probe::{Probe, probe};
pub use program::ProgramError;
pub use proof::ProofError;
pub use register::RegisterError;
pub use session::{Cgroup, Mark, Opening, Session, SessionError, Terms, UnopenedError};

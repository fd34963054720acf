//! The eBPF layer.

mod btf;
mod hooks;
mod maps;
mod object;
mod probe;
mod program;
mod proof;
mod task_types;

pub use btf::{Btf, BtfError};
pub use maps::{MapsError, Sizes};
pub use object::ObjectError;
pub use probe::{Probe, probe};
pub use program::ProgramError;
pub use proof::ProofError;

//! The kernel's own description of its types (`/sys/kernel/btf/vmlinux`): where a member of a structure lies, and by
//! which number a function is attached to.
//!
//! Source: `Documentation/bpf/btf.rst`. Read as bytes that may be damaged: every length is checked, every chain of types
//! is followed a bounded number of times, and what cannot be understood is an error and never a guess.

mod index;
mod members;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use index::Index;

/// Where the kernel shows its types (Linux 5.4, `CONFIG_DEBUG_INFO_BTF`).
const KERNEL: &str = "/sys/kernel/btf/vmlinux";

/// Why the type information is of no use.
#[derive(Debug, thiserror::Error)]
pub enum BtfError {
    /// It cannot be read.
    #[error("the kernel's type information {} cannot be read: {} (the kernel needs CONFIG_DEBUG_INFO_BTF)", .0.display(), .1)]
    Unreadable(PathBuf, std::io::Error),
    /// It contradicts itself.
    #[error("the kernel's type information is damaged: {what} (at byte {at})")]
    Damaged {
        /// What is wrong.
        what: &'static str,
        /// Where, counted from the start of the section that is read.
        at: usize,
    },
    /// A structure, or a member of it, is not there.
    #[error("this kernel has no field `{member}` in `struct {structure}`, which the programs read")]
    NoField {
        /// The structure.
        structure: String,
        /// The member, with dots.
        member: String,
    },
    /// Several structures of this name disagree, or the member is a bit field.
    #[error("the field `{member}` of `struct {structure}` has no single byte offset in this kernel")]
    Unclear {
        /// The structure.
        structure: String,
        /// The member, with dots.
        member: String,
    },
    /// The function is not there, so nothing can be attached to it.
    #[error("this kernel has no function `{0}` to attach a program to")]
    NoFunction(String),
}

/// The types of one kernel.
#[derive(Debug)]
pub struct Btf {
    index: Index,
}

impl Btf {
    /// Those of the running kernel.
    pub fn of_running_kernel() -> Result<Self, BtfError> {
        Self::read(Path::new(KERNEL))
    }

    fn read(path: &Path) -> Result<Self, BtfError> {
        let bytes = std::fs::read(path).map_err(|error| BtfError::Unreadable(path.to_owned(), error))?;
        Self::parse(bytes)
    }

    /// Those that these bytes describe.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, BtfError> {
        Index::of(bytes).map(|index| Self { index })
    }

    /// Bytes from the structure's start to the member. Dots lead into embedded structures; anonymous structures and
    /// unions are looked through.
    pub fn offset_of(&self, structure: &str, member: &str) -> Result<u32, BtfError> {
        members::offset(&self.index, structure, member)
    }

    /// The number of a function, which `BPF_PROG_LOAD` takes as `attach_btf_id`.
    ///
    /// Only functions of the security hooks and helpers of programs (`security_…`, `bpf_…`) are known.
    pub fn function(&self, name: &str) -> Result<u32, BtfError> {
        self.index.function(name).ok_or_else(|| BtfError::NoFunction(name.to_owned()))
    }
}

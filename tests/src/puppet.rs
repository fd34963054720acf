//! The puppet servers: `tests/puppet`, plain scripts that do what the test says.

use std::ffi::OsString;

use anyhow::Result;

use crate::binaries::attack_helper;
use crate::servers::{checkout, node};

/// Which puppet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// `puppet.mjs`; raw system calls by the helper `attack`.
    Node,
    /// `puppet.py`; raw system calls by `ctypes`.
    Python,
}

impl Runtime {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Node, Self::Python];

    /// The puppet's command line.
    pub fn puppet(self) -> Result<Vec<OsString>> {
        let scripts = checkout().join("tests/puppet");
        Ok(match self {
            Self::Node => vec![node()?.into(), scripts.join("puppet.mjs").into(), attack_helper()?.into()],
            Self::Python => vec!["/usr/bin/python3".into(), scripts.join("puppet.py").into()],
        })
    }

    /// A policy for the puppet: its runtime, its script, the workspace to write; `more` is added at the top level.
    pub fn policy(self, more: &str) -> Result<String> {
        let scripts = checkout().join("tests/puppet");
        let (preset, program) = match self {
            Self::Node => ("runtime/node", attack_helper()?),
            Self::Python => ("runtime/python", "/bin/true".into()),
        };
        Ok(format!(
            "version: 1\nname: puppet\nextends: [{preset}]\nfilesystem:\n  read: [\"{}\"]\n  write: [\"${{workspace}}\"]\n\
             execution:\n  allowed_programs: [\"{}\"]\n{more}",
            scripts.display(),
            program.display(),
        ))
    }
}

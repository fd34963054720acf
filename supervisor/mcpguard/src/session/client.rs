//! The client's side of the pipe: our own stdin and stdout.

use std::io;

use super::stdio::{Inlet, Outlet};

/// The client's side of the pipe.
pub(super) struct Client {
    /// What the client says.
    pub(super) input: Inlet,
    /// What the client hears.
    pub(super) output: Outlet,
}

impl Client {
    /// Takes stdin and stdout.
    pub(super) fn connect() -> io::Result<Self> {
        Ok(Self { input: Inlet::shared(io::stdin())?, output: Outlet::shared(io::stdout())? })
    }
}

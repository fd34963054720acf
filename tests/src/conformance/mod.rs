//! The conformance table: what becomes of each odd message in each protocol revision, seen from both ends of the pipe.
//!
//! ```text
//! tests/conformance/*.txt ─► Case ─► Pipe: the test is the client and, through `relay.py`, the server ─► Fate ─► Page
//!                                     └─ once more without mcpguard: does the attack arrive?              │
//! docs/conformance.md  ◄──────────────────────── must say the same ───────────────────────────────────────┘
//! ```

mod case;
mod fate;
mod page;
mod pipe;
mod revision;
mod suite;
mod trial;

pub use case::{Case, cases};
pub use page::{Page, Row, table};
pub use revision::Revision;
pub use suite::{Checks, run_suite};
pub use trial::{Trial, Verdict};

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The MCP client.
    Client,
    /// The server.
    Server,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

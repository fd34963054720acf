//! The harness of the end-to-end tests: it starts the real `mcpguard` with real servers and talks MCP to them.
//!
//! It never looks into a crate of the supervisor: what it knows, a user knows. It never touches the user's own
//! home: every test has a [`Scene`] with a home, a workspace and a forbidden place of its own.
//!
//! ```text
//! test ── Scene ── Start ──► mcpguard exec ──► puppet | real server
//!   ▲                │ Client: JSON-RPC lines       │
//!   └─ answers, audit records, processes ◄──────────┘
//! ```

#![forbid(unsafe_code)]

mod audit_log;
mod binaries;
mod client;
pub mod conformance;
pub mod daemon;
mod host;
pub mod internet;
mod note;
mod patience;
mod planted;
mod processes;
mod puppet;
mod run;
mod scene;
mod servers;
mod skip;
mod start;
mod terminal;

pub use audit_log::{Record, records, verify};
pub use binaries::{attack_helper, mcpguard};
pub use client::{Answer, Client, INITIALIZE_REVISIONS};
pub use host::{HostDaemon, User};
pub use note::note;
pub use processes::{
    Victim, alive, children_of, eventually, kilobytes, marked, parent_of_zombie, zombies_of,
};
pub use puppet::Runtime;
pub use run::{Finished, run};
pub use scene::Scene;
pub use servers::{Server, checkout, conformance_suite, inspector, node, node_modules, python};
pub use skip::skip;
pub use start::Start;
pub use terminal::Terminal;

//! A test internet: servers of a real Debian behind a wire of our own, with names, certificates and people who listen.
//!
//! ```text
//!  namespace "here"                                   namespace "internet"
//!  mcpguard, the server, clients ── veth ──────────── unbound   zones, a log of every question
//!  resolv.conf, hosts, certificates of its own        nginx     several names on one address, TLS and plain
//!  neighbours on loopback: a page, a relay, a friend  collector listens on other ports, and taps the wire
//! ```
//!
//! Nothing of the host's own network is touched, and no packet leaves the two namespaces: there is no other way out of
//! them. Everything ends with the process that raised it: the servers live in a process namespace whose first process
//! reads from a pipe of ours.
//!
//! Where the kernel has no pairs of interfaces ([`Wire::Loopback`]), both are one namespace, and the addresses stand on
//! its loopback interface.

mod benign;
mod certificates;
mod crowd;
mod debian;
mod evidence;
mod guard;
mod hosts;
mod judge;
mod namespace;
mod programs;
mod raise;
mod report;
mod run;
mod servers;
mod stage;
mod texts;
mod throng;
mod trick;
mod tricks;
mod zones;

pub use evidence::{Evidence, Seen};
pub use judge::Verdict;
pub use raise::{Internet, SOFT_LIMIT, Who, Wire};
pub use report::{Report, Row};
pub use run::{Backend, table, table_in, table_with};
pub use throng::{Stood, carried_by};
pub use trick::{Proof, Trick};

/// Every trick, and every use that must go on working.
pub fn all() -> Vec<Trick> {
    // The allowed ones first: whoever has been reached rightly is known by address to those who come next.
    benign::all().into_iter().chain(tricks::all()).collect()
}

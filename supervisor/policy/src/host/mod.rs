//! Host rules: what no policy on a host may exceed. An administrator writes them; they meet a plan by intersection.
//!
//! ```text
//! Source… ─load─► HostRules ─narrow(Policy, Plan, &Caller)─► Narrowed: the plan, what was narrowed, what is firm
//!                                                         └► Problems: each grant that is more than the host allows
//! ```
//!
//! Numbers are narrowed to the smaller one and denies are added. A grant that is outside of the maximum, or only partly
//! inside, is refused: to cut it silently would surprise whoever wrote it. Every file narrows by itself, so that no
//! file can widen another one.

mod audit;
mod caller;
mod check;
mod desk;
mod document;
mod environment;
mod files;
mod firm;
mod limits;
mod load;
mod meaning;
mod narrow;
mod network;
mod presets;
mod rates;
mod roots;
mod rules;
mod tools;
mod words;

pub(crate) use words::ToolPattern;

pub use caller::Caller;
pub use load::load;
pub use narrow::{Narrowed, Narrowing};
pub use rules::HostRule;

pub(crate) use document::HostDocument;

use crate::plan::Origin;

/// The rules of a host: one document a file, none of which can widen another one.
#[derive(Clone, Debug)]
pub struct HostRules {
    files: Vec<HostDocument>,
    sources: Vec<String>,
    revision: String,
}

impl HostRules {
    /// The names of the files, in the order in which they narrow.
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// SHA-256 in hex over every text, each preceded by its length in bytes as eight bytes, little end first.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// Where it stands that nothing may be started with a rule that is not enforced (`allow_degraded: false`).
    pub fn forbids_degraded(&self) -> Option<&Origin> {
        let written = self.files.iter().filter_map(|file| file.allow_degraded.as_ref());
        written.filter(|at| !at.value).map(|at| &at.origin).next()
    }
}

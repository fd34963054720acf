//! The policy compiler: text → `Document` → `Policy` → `Plan`. Pure: it knows no file system, no clock and no kernel.
//!
//! ```text
//! Source ─yaml─► tree ─document─► Document ─policy─► Policy ─compile(&Context)─► Plan ─coverage(&Support)─► Coverage
//!    ▲                               │                                           ├─reach─► Reach
//!    └──────── Library (extends) ◄───┘                                           └─HostRules::narrow(&Caller)─► Narrowed
//! ```
//!
//! It never reads a file, a variable or the time: the caller hands in texts, paths and variables. It never
//! stops at the first mistake: all [`Problems`] of a policy come at once. And it never drops a key silently:
//! every key that asks for something becomes a [`plan::Rule`], and [`coverage()`] answers for each of them.

#![forbid(unsafe_code)]

pub mod compile;
pub mod coverage;
mod document;
pub mod host;
pub mod limits;
mod meaning;
pub mod plan;
mod policy;
pub mod problem;
pub mod reach;
mod schema;
mod shared;
pub mod support;
mod yaml;

pub use compile::{Context, Programs};
pub use coverage::{Coverage, coverage};
pub use document::is_public;
pub use host::{HostRules, Narrowed};
pub use meaning::{Request, permits};
pub use plan::Plan;
pub use policy::{Library, Policy, Source, load};
pub use problem::{Problem, Problems, Severity};
pub use reach::{Reach, reach};
pub use schema::{host_schema, schema};
pub use support::{CgroupSupport, Ebpf, HookWay, Layer, Support};
pub use yaml::plain;

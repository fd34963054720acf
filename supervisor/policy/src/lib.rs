//! The policy compiler: text → `Document` → `Policy` → `Plan`. Pure: it knows no file system, no clock and no kernel.

#![forbid(unsafe_code)]

pub mod coverage;
pub mod plan;
pub mod support;

pub use coverage::Coverage;
pub use plan::Plan;
pub use support::{Layer, Support};

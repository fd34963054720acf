//! Alert rules over audit records. Sans-IO: a record and the time go in, alerts come out.
//!
//! ```text
//!  audit record ─► Event ──┐                     ┌─ Any ────────────────────────┐
//!  other facts  ─► Event ──┴─► Filter ─► group ──┼─ MoreThan: sliding window ───┼─► quiet? ─► Alert ─► one line, or JSON
//!  now          ─► Clock ────────────────────────┴─ FirstSeen: known values ────┘      └─ counted, told by the next one
//!                                                        └─ lock-out of the group ─► Watch::is_locked
//!  pack (TOML)  ─► Pack ─► Rule, Rule, …
//! ```
//!
//! What it guarantees
//! - **Memory is bounded.** A rule has at most [`MOST_GROUPS`] groups; a group has at most `count + 1` marks of its window,
//!   or [`MOST_VALUES`] known values, of which a rule has at most [`MOST_VALUES_OF_RULE`]. Long keys are shortened.
//! - **Windows are exact.** A [`Threshold`] is passed if, and only if, more than `count` events are younger than its window.
//! - **Nothing is hidden by a bound.** Groups without anything in them make room first. Where a group must go that could
//!   have alerted, or known values are full, an alert says so ([`Occasion`]).
//! - **Work is linear.** A glob is matched in one pass. An event that no rule matches costs no allocation.
//! - **Time may do as it likes.** See [`Millis`]: a clock that stands still or is set back silences nothing.
//!
//! What it never does: read a file or a clock, send an alert, lock anybody out, stop a session. It says what a rule asks
//! for; somebody else does it.
//!
//! What it cannot see: what no record tells. Today's audit vocabulary has no record of an allowed connection (a session tells
//! its watch itself) or of an authentication; whoever knows of one makes the [`Event`] ([`Kind`]). All that is
//! known is in memory: it starts anew with the process.
//!
//! ```
//! use alerts::{Event, Kind, Millis, Pack, Verdict, Watch};
//!
//! let mut watch = Watch::new(Pack::baseline()?.into_rules());
//! let call = Event { session: "5f3c", tool: Some("run_command"), verdict: Some(Verdict::Allowed), ..Event::new(Kind::ToolCall) };
//! let alerts = watch.event(&call, Millis(0));
//! assert_eq!(alerts[0].rule, "shell-tool");
//! assert!(watch.event(&call, Millis(1)).is_empty(), "told a moment ago");
//! # Ok::<(), alerts::PackError>(())
//! ```

#![forbid(unsafe_code)]

mod alert;
mod clock;
mod denial;
mod event;
mod filter;
mod glob;
mod group;
mod groups;
mod key;
mod kind;
mod line;
mod occasion;
mod pack;
mod path;
mod record;
mod rule;
mod seen;
mod threshold;
mod watch;
mod watched;
mod window;

pub use alert::{Alert, MOST_SAMPLES};
pub use clock::{Millis, SET_BACK};
pub use event::{Event, Origin};
pub use filter::Filter;
pub use glob::{Glob, GlobError};
pub use groups::MOST_GROUPS;
pub use kind::{Kind, Layer, Verdict};
pub use line::MOST_CHARACTERS;
pub use occasion::{GroupKey, LockOut, Occasion};
pub use pack::{Example, ExampleError, Pack, PackError, PackRule};
pub use path::{PathPrefix, PathPrefixError};
pub use rule::{Condition, Field, GroupBy, Rule, Severity};
pub use seen::{MOST_VALUES, MOST_VALUES_OF_RULE};
pub use threshold::{MOST_COUNT, Threshold, ThresholdError};
pub use watch::Watch;

#[cfg(test)]
mod tests;

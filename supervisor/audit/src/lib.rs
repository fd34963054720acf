//! Audit records: what happened in a session, in one vocabulary, without secrets, chained and written to a file.
//!
//! ```text
//! facts ─► Body ─► redact (secrets out, long texts cut) ─► seal (seq, revision, prev, hash) ─► one write(2) ─► log file
//!                                                                                                 │
//!            verify ◄──┬── read ◄── files in order (rotated ones first, then the log) ◄───────────┘
//!            render ◄──┴── follow
//! ```
//!
//! What it never does: decide anything about a session, lose a record without saying so, change or remove a byte of a
//! record once written (whole rotated files go when `keep` says so, and that is recorded), or write a secret it knows.
//!
//! What the chain proves, and what not. Each line carries the hash of the line before it and its own, so that a changed,
//! removed, inserted or reordered line is found. There is no key in it: someone who may write the file can forge all of
//! it from one point on. Who wants to rule that out keeps [`Verified::head`] elsewhere. Lines cut off at the very end
//! show only as a session without its `session_end` ([`SessionSeen::ended`]).

#![forbid(unsafe_code)]

mod body;
mod chain;
mod escape;
mod files;
mod filter;
mod follow;
mod lines;
mod log;
mod numbers;
mod read;
mod record;
mod redact;
mod render;
mod revision;
mod verify;

pub use body::{
    Action, Actor, Alert, Approval, ApprovalState, Body, CallRef, Carried, CarriedSession, Cause,
    CoverageEntry, CoverageState, Degraded, Denial, EndReason, Finding, FindingKind, Findings, Handshake,
    Hooks, Kernel, KernelDenial, Layer, Lost, LostKind, Noise, Occasion, Operation, OperationKind, Outcome,
    PinState, Pins, Policy, PolicyChanged, Process, Recovered, Repaired, Rotated, RotationReason, RuleRef,
    SessionEnd, SessionStart, Severity, Speaker, Stream, ToolCall, ToolResult, Treatment, Verdict,
};
pub use chain::{Digest, SealError, unseal};
pub use escape::for_people;
pub use files::{free_name, log_files, newest_log, rotated, session_logs, session_path};
pub use filter::{Filter, Selection};
pub use follow::{Follower, Start, follow};
pub use lines::MAX_LINE_BYTES;
pub use log::{Log, LogConfig, LogError};
pub use numbers::{KernelNumbers, Number};
pub use read::{ReadError, Reader, read};
pub use record::{ParseError, Place, Record, SessionId, VERSION, write_line};
pub use redact::{Detail, Forms, MIN_SECRET_BYTES, Redact, Redactor, Seen, Sight};
pub use render::render;
pub use revision::Revision;
pub use verify::{Damage, Repair, SessionSeen, Verified, VerifyError, verify};

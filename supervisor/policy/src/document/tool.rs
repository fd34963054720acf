//! `tools`: what the doorman decides about a call, and what a call grants while it is in flight.

use schemars::json_schema;

use super::argument::Argument;
use super::decode::{FromText, text};
use super::destination::Destination;
use super::glob;
use super::list::{Filled, Item};
use super::names::{ArgumentName, Scope, Sentence};
use super::numbers::{Bytes, PerMinute, Whole};
use super::path::{PathText, Program};
use super::section::section;
use super::table::{Name, Table};
use super::words::{OnRateLimit, Permission, scalar};
use crate::problem::Complaint;

/// The longest time a call may take: a day.
pub(crate) type Seconds = Whole<1, 86_400>;

/// Events while a call is in flight.
pub(crate) type PerCall = Whole<1, 1_000_000>;

/// The tools of a server by name or glob.
pub(crate) type Tools = Table<ToolKey, Tool>;

section! {
    /// What holds for a tool.
    Tool requires [] {
        /// A disabled tool is refused and hidden from `tools/list`. Under `defaults`, `false` makes the section an allow-list: a tool that is named is enabled.
        enabled: bool,
        /// The scope that the caller must hold.
        require_scope: Scope,
        /// A person must approve each call.
        require_approval: bool,
        /// Two approvers must approve each call: two people, or a person and the program of `approvals`.
        sensitive: bool,
        /// A call is refused if its record cannot be written.
        require_audit_log: bool,
        /// What the call's arguments must be.
        arguments: Table<ArgumentName, Argument>,
        /// Whether arguments that `arguments` does not name may be there; by default they may.
        unknown_arguments: Permission,
        /// Check arguments against the tool's own `inputSchema`: `true`, always, so that a tool must be listed before it is called; `false`, never. Not written: where the tool has been listed.
        validate_arguments: bool,
        /// Paths that may be used while a call of this tool is in flight, on top of `filesystem`.
        allowed_paths: Filled<Item<PathText>>,
        /// `allowed_paths` may be read, not written.
        read_only: bool,
        /// Domains that may be reached while a call of this tool is in flight, on top of `network`.
        allowed_domains: Filled<Item<Destination>>,
        /// Programs that may be executed while a call of this tool is in flight, on top of `execution`.
        allowed_programs: Filled<Item<Program>>,
        /// Calls per minute.
        max_requests_per_minute: PerMinute,
        /// What becomes of a call beyond `max_requests_per_minute`; by default it is denied.
        on_rate_limit: OnRateLimit,
        /// Seconds after which a call is cancelled and answered with an error.
        timeout_seconds: Seconds,
        /// While a call of this tool is in flight no other call is.
        exclusive: bool,
        /// The longest request.
        max_request_bytes: Bytes,
        /// The longest answer.
        max_response_bytes: Bytes,
        /// New connections over IP while one call is in flight.
        max_connections_per_call: PerCall,
        /// Bytes sent over IP while one call is in flight.
        max_sent_bytes_per_call: Bytes,
        /// Why; told to the client when the tool is refused.
        reason: Sentence,
    }
}

/// A key under `tools`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ToolKey {
    /// What holds for every tool, unless its own entry says otherwise.
    Defaults,
    /// One tool.
    Exact(String),
    /// Every tool whose name matches and that no exact name and no longer glob matches.
    Glob(String),
}

impl ToolKey {
    /// The key as it was written.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Defaults => "defaults",
            Self::Exact(text) | Self::Glob(text) => text,
        }
    }
}

const TOOL: &str = r"^[^\s\\\[\]{}!]{1,128}$";

impl FromText for ToolKey {
    const WHAT: &str = "a tool's name or glob";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        if text == "defaults" {
            return Ok(Self::Defaults);
        }
        let strange = |c: char| c.is_whitespace() || "\\[]{}!".contains(c);
        if text.is_empty() || text.chars().count() > 128 || text.contains(strange) {
            let message = format!(
                "`{text}` is not a tool's name or glob; `*` (any run) and `?` (one character) are the only patterns"
            );
            return Err(Complaint::new(message));
        }
        if !text.contains(['*', '?']) {
            return Ok(Self::Exact(text.to_owned()));
        }
        if text.chars().all(|c| c == '*') {
            return Err(
                Complaint::new("what holds for every tool stands under `defaults`").instead("defaults")
            );
        }
        let plain = glob::canonical(text);
        match plain == text {
            true => Ok(Self::Glob(plain)),
            false => Err(Complaint::new(format!("`{text}` says the same as a plainer glob")).instead(plain)),
        }
    }
}

impl Name for ToolKey {
    const MAY_BE_EMPTY: bool = false;
    fn pattern() -> &'static str {
        TOOL
    }
}

scalar! {
    ToolKey: text, json_schema!({ "type": "string", "pattern": TOOL });
}

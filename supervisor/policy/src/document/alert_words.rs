//! Scalars of `alerts`: names, globs, addresses of servers, and words from fixed sets.

use std::net::Ipv6Addr;

use super::decode::FromText;
use super::table::Name;
use super::words::words;
use crate::plan::{
    AlertEvent, AlertField, AlertGroup, AlertOutcome, AlertPack, AlertSeverity, AlertSubject, Webhook,
};
use crate::problem::Complaint;

words! { "a pack of rules", AlertPack {
    /// What anybody would want to be told of; `docs/alerts.md` lists its rules.
    AlertPack::Baseline = "baseline",
} }

words! { "an event", AlertEvent {
    /// The session starts.
    AlertEvent::SessionStart = "session_start",
    /// Client and server have told each other who they are.
    AlertEvent::Handshake = "handshake",
    /// A tool is called, or the call is refused.
    AlertEvent::ToolCall = "tool_call",
    /// A call has ended.
    AlertEvent::ToolResult = "tool_result",
    /// Something other than a tool call was refused.
    AlertEvent::Denial = "denial",
    /// A name was spoken to a host (TLS, HTTP) and let through.
    AlertEvent::Connection = "connection",
    /// Something was found in a text.
    AlertEvent::Findings = "findings",
    /// A call is held for its approval, or is decided about.
    AlertEvent::Approval = "approval",
    /// The server was remembered, or is not what it was, and nothing is closed for it.
    AlertEvent::Pins = "pins",
    /// The server is not what it was, and tools are closed for it.
    AlertEvent::ToolQuarantine = "tool_quarantine",
    /// A rule of the policy is not enforced.
    AlertEvent::Degraded = "degraded",
    /// The server wrote bytes that are not MCP.
    AlertEvent::Noise = "noise",
    /// Facts could not be written down.
    AlertEvent::Lost = "lost",
    /// The session's policy is another one.
    AlertEvent::PolicyChanged = "policy_changed",
    /// The session ends.
    AlertEvent::SessionEnd = "session_end",
} }

words! { "an outcome", AlertOutcome {
    /// It was let through, or ended well.
    AlertOutcome::Allowed = "allowed",
    /// mcpguard or the kernel refused it.
    AlertOutcome::Denied = "denied",
    /// It was let through and failed by itself.
    AlertOutcome::Failed = "failed",
} }

words! { "a kind of thing", AlertSubject {
    /// A tool, or the MCP pipe.
    AlertSubject::Tool = "tool",
    /// A file.
    AlertSubject::File = "file",
    /// A host or socket.
    AlertSubject::Network = "network",
    /// A program.
    AlertSubject::Exec = "exec",
    /// System calls, privileges, limits of the process tree.
    AlertSubject::System = "system",
} }

words! { "host, tool or program", AlertField {
    /// The host's name or address.
    AlertField::Host = "host",
    /// The tool.
    AlertField::Tool = "tool",
    /// The program that acted or was to be executed.
    AlertField::Program = "program",
} }

words! { "session or tool", AlertGroup {
    /// All events of the session together.
    AlertGroup::Session = "session",
    /// Each tool's events by themselves.
    AlertGroup::Tool = "tool",
} }

words! { "a severity", AlertSeverity {
    /// To be read some day.
    AlertSeverity::Info = "info",
    /// To be looked at.
    AlertSeverity::Warning = "warning",
    /// To be looked at now.
    AlertSeverity::Critical = "critical",
} }

/// The word `any`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Always;

impl FromText for Always {
    const WHAT: &str = "`any`";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        match text {
            "any" => Ok(Self),
            other => Err(Complaint::new(format!(
                "`{other}` is no condition; write `when: any`, or `more_than` with `within_seconds`, or `first_seen`"
            ))
            .instead("any")),
        }
    }
}

/// The name of a rule: it stands in records and messages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AlertName(pub(crate) String);

impl AlertName {
    pub(super) const PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";
}

impl FromText for AlertName {
    const WHAT: &str = "a rule's name";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let sound = text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        if sound && text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Complaint::new(
            "a rule's name is 1 to 64 letters, digits, `.`, `_` and `-`, and starts with a letter or digit",
        ))
    }
}

impl Name for AlertName {
    const MAY_BE_EMPTY: bool = false;
    fn pattern() -> &'static str {
        Self::PATTERN
    }
}

/// A name in which `*` stands for any text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AlertGlob(pub(crate) String);

impl FromText for AlertGlob {
    const WHAT: &str = "a name or glob";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        match text {
            "" => Err(Complaint::new("a glob may not be empty; `*` is every name")),
            text if text.len() > 256 => Err(Complaint::new("a glob has at most 256 bytes")),
            text if text.contains(['?', '[', ']', '{', '}']) || text.contains(char::is_control) => {
                Err(Complaint::new(format!("`{text}` is no glob: `*` alone stands for other text here")))
            }
            text => Ok(Self(text.to_owned())),
        }
    }
}

/// Where a server is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebhookUrl(pub(crate) Webhook);

impl FromText for WebhookUrl {
    const WHAT: &str = "an address such as `http://127.0.0.1:9093/hook`";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let wrong = |why: &str| Complaint::new(format!("{why}; write `http://host:port/path`"));
        if text.starts_with("https:") {
            return Err(wrong(
                "alerts are sent by plain HTTP, and a local proxy or collector brings them further by TLS",
            ));
        }
        let rest = text
            .strip_prefix("http://")
            .ok_or_else(|| wrong("this is no address that begins with `http://`"))?;
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains('#') || text.len() > 2048 {
            return Err(wrong("an address is up to 2048 printable ASCII characters without blanks and `#`"));
        }
        let split = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(split);
        let (host, port) =
            host_and_port(authority).ok_or_else(|| wrong("this names no host, or no port that there is"))?;
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self(Webhook { authority: authority.to_owned(), host, port, path }))
    }
}

/// The host without brackets, and the port: 80 where none is written. Names and passwords before the host are none.
fn host_and_port(authority: &str) -> Option<(String, u16)> {
    let (host, rest) = match authority.strip_prefix('[') {
        Some(inner) => {
            let (host, rest) = inner.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            (host, rest)
        }
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let plain = |host: &str| host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_:".contains(&b));
    let port = match rest.strip_prefix(':') {
        Some(port) => port.parse().ok().filter(|port| *port != 0 && !rest.starts_with(":+"))?,
        None if rest.is_empty() => 80,
        None => return None,
    };
    (!host.is_empty() && plain(host)).then(|| (host.to_owned(), port))
}

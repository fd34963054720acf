//! The words for what an event is.

use serde::Deserialize;

/// What kind of record an event is made from: the names of [`audit::Body::EVENTS`], then two that no record has yet, and one that some `pins` records are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A session starts.
    SessionStart,
    /// Client and server have told each other who they are.
    Handshake,
    /// A tool is called.
    ToolCall,
    /// A call has ended.
    ToolResult,
    /// Something other than a tool call was refused.
    Denial,
    /// A rule of the policy is not enforced.
    Degraded,
    /// Bytes that are not MCP.
    Noise,
    /// Facts that could not be written down.
    Lost,
    /// A file of the log was begun.
    Rotated,
    /// The end of the log was not a whole record.
    Recovered,
    /// A session ends.
    SessionEnd,
    /// The kernel denied something, as the host's daemon heard it.
    KernelDenial,
    /// Somebody did something to a session, or to the daemon.
    Operation,
    /// Where the sessions stand that a file carries on.
    Carried,
    /// The log's last line was cut off.
    Repaired,
    /// The session's policy is another one.
    PolicyChanged,
    /// Something was found in a text.
    Findings,
    /// A call is held for its approval, or is decided about.
    Approval,
    /// The server was remembered, or is not what it was, and nothing was closed for it.
    Pins,
    /// Somebody was told of something. Whoever makes alerts of records does not watch these, or one would make the next.
    Alert,
    /// A caller said who it is, and was believed or not. No record yet.
    Authentication,
    /// A host was looked up or connected to, and that was allowed; refusals are denials. No record yet.
    Connection,
    /// Tools were put in quarantine, since the server is not what it was: `pins` records in which something is closed.
    ToolQuarantine,
}

/// How something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It was let through, or ended well.
    Allowed,
    /// mcpguard or the kernel refused it.
    Denied,
    /// It was let through and failed by itself.
    Failed,
}

/// What something reached for. ([`audit::Layer`] is another thing: who refused it.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// A tool, or the MCP pipe.
    Tool,
    /// A file.
    File,
    /// A host or socket.
    Network,
    /// A program.
    Exec,
    /// Anything else of the kernel's: system calls, privileges, limits of the process tree.
    System,
}

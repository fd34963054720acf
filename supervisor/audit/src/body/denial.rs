//! What was refused, by which layer and why.

use serde::{Deserialize, Serialize};

use super::{CallRef, RuleRef};
use crate::redact::redact_fields;

/// Something other than a tool call was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denial {
    /// The layer that refused.
    pub layer: Layer,
    /// Why.
    pub cause: Cause,
    /// What was refused: the system call's name, the method, the path, the address, the program.
    pub what: String,
    /// More about it: arguments of a system call, the wanted access, the message's direction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What was done about it.
    pub action: Action,
    /// The rule that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleRef>,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The process that tried, where a process did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// Tool calls in flight at that moment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<CallRef>,
    /// How often, where equal denials were put together; at least 1.
    pub count: u64,
    /// The limit that was reached, in the unit of `cause`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

redact_fields!(Denial {
    text: [what, detail, rule, reason, process, calls],
    plain: [layer, cause, action, count, limit]
});

/// A layer that refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Landlock.
    Landlock,
    /// seccomp.
    Seccomp,
    /// Resource limits of each process.
    Rlimit,
    /// The spawn stage.
    Spawn,
    /// The doorman on the MCP pipe.
    Doorman,
    /// The audit log.
    Audit,
    /// eBPF programs.
    Ebpf,
    /// Control groups.
    Cgroup,
    /// The session's resolver.
    Resolver,
    /// The session's proxy, which checks the name that a connection says.
    Proxy,
}

/// Why something was refused. `mcpguard why` tells from it which line of a policy would allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// `tools.*.enabled: false`.
    ToolDisabled,
    /// `tools.*.max_requests_per_minute`; the limit is in calls per minute.
    ToolRate,
    /// `session.max_requests_per_minute`; the limit is in calls per minute.
    SessionRate,
    /// `session.max_concurrent_calls`; the limit is in calls.
    Concurrency,
    /// `tools.*.max_request_bytes`; the limit is in bytes.
    RequestSize,
    /// `tools.*.max_response_bytes` or `responses.max_bytes`; the limit is in bytes.
    ResponseSize,
    /// `session.max_message_bytes`; the limit is in bytes.
    MessageSize,
    /// `tools.*.timeout_seconds`; the limit is in milliseconds.
    Timeout,
    /// A method that neither the protocol nor `session.extra_methods` names.
    UnknownMethod,
    /// `session.server_requests`: sampling, elicitation or roots.
    ServerRequest,
    /// A message that has no single reading: not JSON, duplicate keys, a batch, invalid UTF-8 …
    Malformed,
    /// A message that the protocol does not allow at this point: a reused id, an answer that nobody asked for.
    Protocol,
    /// The caller lacks a scope that the tool requires.
    Scope,
    /// A person has not approved the call.
    Approval,
    /// An argument breaks a rule of the tool.
    Argument,
    /// The answer does not fit the tool's output schema.
    OutputSchema,
    /// The answer holds something that the policy keeps from the client.
    Content,
    /// A prompt or a resource that the policy closes, or whose address could be written in another way.
    Disabled,
    /// The server shows the tool otherwise than somebody has accepted it, or nobody has looked at it.
    Quarantine,
    /// A system call outside of the profile.
    Syscall,
    /// A file outside of the grants.
    File,
    /// A connection or a listening socket outside of the grants.
    Network,
    /// A program outside of the grants.
    Program,
    /// A resource limit.
    Resource,
    /// A rate of what the process tree does: executions, connections, opened files, bytes sent; the limit is per minute.
    Rate,
    /// Something that no policy grants: other processes, mounts, namespaces, bpf.
    Privilege,
    /// A process of the session outside of its control group, or a stranger inside of it.
    Escape,
    /// More denials than `on_violation.repeated` allows; the limit is their number.
    Repeated,
    /// The guard was not seen to deny what it must.
    Proof,
    /// An error of mcpguard's own; errors deny.
    Internal,
}

/// What was done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The operation failed.
    Denied,
    /// The message was not passed on, and nobody waits for an answer to it.
    Dropped,
    /// The process was killed before its system call returned, or the whole session is ended.
    Killed,
    /// The whole session is frozen.
    Frozen,
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// Its id, in mcpguard's own pid namespace.
    pub pid: u32,
    /// Its program, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
}

redact_fields!(Process { text: [program], plain: [pid] });

/// Bytes that are not MCP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    /// Where they came from.
    pub stream: Stream,
    /// How many bytes.
    pub bytes: u64,
    /// How many lines.
    pub lines: u64,
    /// The first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<String>,
}

redact_fields!(Noise { text: [sample], plain: [stream, bytes, lines] });

/// A stream of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Where only MCP belongs.
    Stdout,
    /// Where servers complain.
    Stderr,
}

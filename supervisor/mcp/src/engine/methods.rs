//! The methods of every protocol revision, by direction.
//!
//! Source: the schemas 2024-11-05 to 2025-11-25 and 2026-07-28 of the specification, and its tasks extension.
//! `ui/*` (the apps extension) is spoken between a host and its iframe, never on this pipe, and so is not here.

/// Requests that a client may send.
pub(super) const CLIENT_REQUESTS: &[&str] = &[
    "tools/call",
    "tools/list",
    "initialize",
    "ping",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "resources/subscribe",
    "resources/unsubscribe",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "logging/setLevel",
    "tasks/get",
    "tasks/result",
    "tasks/list",
    "tasks/cancel",
    "tasks/update",
    "server/discover",
    "subscriptions/listen",
];

/// Notifications that a client may send.
pub(super) const CLIENT_NOTIFICATIONS: &[&str] = &[
    "notifications/cancelled",
    "notifications/initialized",
    "notifications/progress",
    "notifications/roots/list_changed",
    "notifications/tasks/status",
];

/// Notifications that a server may send.
pub(super) const SERVER_NOTIFICATIONS: &[&str] = &[
    "notifications/progress",
    "notifications/message",
    "notifications/cancelled",
    "notifications/tools/list_changed",
    "notifications/prompts/list_changed",
    "notifications/resources/list_changed",
    "notifications/resources/updated",
    "notifications/elicitation/complete",
    "notifications/subscriptions/acknowledged",
    "notifications/tasks",
    "notifications/tasks/status",
];

/// What stands for a method in facts about the server's stderr.
pub(super) const STDERR: &str = "stderr";

/// Requests of a server that the policy decides about.
pub(super) const SAMPLING: &str = "sampling/createMessage";
pub(super) const ELICITATION: &str = "elicitation/create";
pub(super) const ROOTS: &str = "roots/list";

/// Requests of a server about a task that the client runs for it (2025-11-25): sampling or elicitation, postponed.
pub(super) const SERVER_TASKS: &[&str] = &["tasks/get", "tasks/result", "tasks/list", "tasks/cancel"];

/// Whether a method is the protocol's own. The policy's `extra_methods` are those beyond it: naming one of these there
/// changes nothing, or it would take a tool call out of the tools' rules.
pub(super) fn is_protocol(method: &str) -> bool {
    [
        CLIENT_REQUESTS,
        CLIENT_NOTIFICATIONS,
        SERVER_NOTIFICATIONS,
        SERVER_TASKS,
        &[SAMPLING, ELICITATION, ROOTS],
    ]
    .iter()
    .any(|methods| methods.contains(&method))
}

/// The first revision of the modern era.
pub(super) const MODERN: &str = "2026-07-28";
/// The only revision with JSON-RPC batches.
pub(super) const WITH_BATCHES: &str = "2025-03-26";
/// The error by which a 2025-11-25 server asks for a URL elicitation instead of answering.
pub(super) const URL_ELICITATION_REQUIRED: i64 = -32042;

/// Keys of `_meta` that every modern request carries.
pub(super) const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
pub(super) const META_CLIENT: &str = "io.modelcontextprotocol/clientInfo";
pub(super) const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
pub(super) const META_SERVER: &str = "io.modelcontextprotocol/serverInfo";

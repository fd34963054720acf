//! The sections of a policy, apart from `tools`. Absent means: grants nothing.

use super::access::Accesses;
use super::address::{ListenPort, Port};
use super::alerts::Alerts;
use super::content::Content;
use super::destination::Destination;
use super::list::{Filled, Item, List, Subject};
use super::names::{MediaType, Method, PolicyName, Reference, Scope, Sentence, VariableName};
use super::numbers::{Bytes, Cpus, PerMinute, Version, Whole};
use super::path::{Denied, PathText, Program};
use super::range::Cidr;
use super::secret::Secret;
use super::section::section;
use super::table::Table;
use super::template::Template;
use super::tool::{Seconds, Tools};
use super::words::{OnRateLimit, Permission, Redaction};
use crate::document::At;
use crate::host::ToolPattern;
use crate::plan::{
    ArgumentDetail, AuditFailure, Consequence, FirstUse, OnChange, OnViolation, SyscallProfile,
};
use crate::support::Layer;

section! {
    /// What an MCP server may do. What no key grants is denied.
    Document requires ["version"] {
        /// The version of the policy language.
        version: Version,
        /// The policy's name in records; by default the file's name.
        name: PolicyName,
        /// What the policy is for.
        description: Sentence,
        /// Shipped presets or relative files that hold first. Lists add, scalars override, a deny stays.
        extends: List<At<Reference>>,
        /// The server's environment variables. No other one is passed.
        environment: Environment,
        /// Files that the whole process tree may use at all times.
        filesystem: Filesystem,
        /// Whom the whole process tree may talk to at all times.
        network: Network,
        /// What may be executed, and how much it may use.
        execution: Execution,
        /// Tools by name or glob. Without this section every tool passes the doorman.
        tools: Tools,
        /// Scopes that are roles, each with the tools that it opens by name or glob. With this section no tool is open to a caller without such a scope.
        roles: Roles,
        /// Prompts by name or glob: which are open, and to whom. Without this section every prompt is.
        prompts: Accesses,
        /// Resources by address or glob: which are open, and to whom. Without this section every resource is. Addresses that can be written in another way are refused.
        resources: Accesses,
        /// How calls are approved that `require_approval` and `sensitive` hold.
        approvals: Approvals,
        /// What holds for all calls of a session together.
        session: Session,
        /// What the server may ask of the client.
        server_requests: ServerRequests,
        /// What is checked in answers.
        responses: Responses,
        /// What texts between client and server may hold.
        content: Content,
        /// What the server was when somebody looked at it, and what happens when it is another.
        pins: Pins,
        /// What is written down.
        audit: Audit,
        /// Of what somebody is to be told.
        alerts: Alerts,
        /// What a violation leads to, by kind.
        on_violation: OnViolations,
        /// Layers that must enforce; otherwise nothing is started.
        require: List<At<Layer>>,
    }
}

/// Scopes with the tools that they open.
pub(crate) type Roles = Table<Scope, Filled<Item<ToolPattern>>>;

section! {
    /// The server's environment variables. No other one is passed.
    Environment requires [] {
        /// Variables that are passed as they are.
        pass: List<Item<VariableName>>,
        /// Variables that are set to a value.
        set: Table<VariableName, At<Template>>,
        /// Variables that hold a secret. Their values are redacted everywhere.
        secrets: Table<VariableName, Secret>,
    }
}

section! {
    /// Files that the whole process tree may use. The longest path decides; at equal length a deny.
    Filesystem requires [] {
        /// Paths that may be read, with everything beneath.
        read: List<Item<PathText>>,
        /// Paths that may be read and written, with everything beneath.
        write: List<Item<PathText>>,
        /// Paths that stay closed, with everything beneath, and names that do wherever they are met.
        deny: List<Item<Denied>>,
        /// Opened files per minute.
        max_opens_per_minute: PerMinute,
    }
}

section! {
    /// Whom the whole process tree may talk to.
    Network requires [] {
        /// Domains that may be reached on the allowed ports. `*.example.com` does not include `example.com`.
        allowed_domains: Filled<Item<Destination>>,
        /// Ports that may be reached on the domains and ranges; by default 443.
        allowed_ports: Filled<Item<Port>>,
        /// Address ranges that may be reached; `public` is every public address, by number or by any name. Private addresses can be reached only if they are listed here.
        allowed_cidrs: Filled<Item<Cidr>>,
        /// TCP ports that the server may listen on; 0 is any free one.
        listen: Filled<Item<ListenPort>>,
        /// Unix sockets that may be connected to.
        unix_sockets: Filled<Item<PathText>>,
        /// New connections per minute.
        max_connections_per_minute: PerMinute,
        /// Bytes sent per minute; at most 4GiB.
        max_sent_bytes_per_minute: Bytes,
        /// Names looked up per minute.
        max_lookups_per_minute: PerMinute,
        /// Different names per minute that no rule spells out (beneath a wildcard, of services, of texts, or any); by default 120.
        max_names_per_minute: PerMinute,
        /// Different addresses that are connected to per minute.
        max_destinations_per_minute: PerMinute,
    }
}

section! {
    /// What may be executed, and how much it may use.
    Execution requires [] {
        /// Programs by name (looked up once in the server's `PATH`) or path.
        allowed_programs: Filled<Item<Program>>,
        /// Memory: of the whole tree with a control group, else of each process.
        memory_limit: Bytes,
        /// Share of processors; 0.5 is half of one.
        cpus: Cpus,
        /// Processes and threads at once.
        max_processes: Whole<1, 4_194_304>,
        /// Executions per minute.
        max_execs_per_minute: PerMinute,
        /// Open files of one process.
        max_open_files: Whole<8, 1_048_576>,
        /// The longest file that may be written.
        max_file_size: Bytes,
        /// Which system calls are there at all.
        seccomp: SyscallProfile,
    }
}

section! {
    /// How calls are approved that `require_approval` and `sensitive` hold. With `mcpguard approve` they can be in any case.
    Approvals requires [] {
        /// Seconds after which a call that nobody has approved is refused; by default 300.
        timeout_seconds: Seconds,
        /// A program that decides, with its arguments: it gets the call as JSON on its stdin, and ends with 0 to approve it, with 1 to deny it, and with anything else to leave it to others.
        command: Filled<At<Template>>,
        /// Ask the person at the client as well (elicitation), where the client can. A client that is not trusted can answer by itself.
        ask_client: bool,
    }
}

section! {
    /// What holds for all calls of a session together.
    Session requires [] {
        /// Tool calls per minute.
        max_requests_per_minute: PerMinute,
        /// What becomes of a call beyond `max_requests_per_minute`; by default it is denied.
        on_rate_limit: OnRateLimit,
        /// The longest message in either direction; by default 32MiB.
        max_message_bytes: Bytes,
        /// Calls in flight at once; by default 1024.
        max_concurrent_calls: Whole<1, 65_536>,
        /// Methods beyond the protocol's own that may pass.
        extra_methods: Filled<Item<Method>>,
    }
}

section! {
    /// What the server may ask of the client. By default nothing.
    ServerRequests requires [] {
        /// Let the client's model write text (`sampling/createMessage`).
        sampling: Permission,
        /// Ask the person at the client (`elicitation/create`).
        elicitation: Permission,
        /// List the client's workspace directories (`roots/list`).
        roots: Permission,
    }
}

section! {
    /// What is checked in answers.
    Responses requires [] {
        /// The longest answer to a tool call.
        max_bytes: Bytes,
        /// Items in one answer: contents, messages.
        max_items: Whole<1, 1_000_000>,
        /// Levels of nesting in one answer; no message may have more than 64.
        max_depth: Whole<1, 64>,
        /// What images, sounds, files and links in answers may be, such as `image/png` or `text/*`. Plain texts may always be there.
        allowed_media_types: Filled<Item<MediaType>>,
        /// Links and files in answers must be for what the policy itself grants: files by `filesystem`, hosts by `network`.
        check_links: bool,
        /// Check structured content against the tool's output schema.
        validate_output_schema: bool,
        /// What is cut out of answers: short for `content.answers` with `redact`.
        redact: Filled<At<Redaction>>,
    }
}

section! {
    /// What the server was when somebody looked at it, and what happens when it is another. With this section it is pinned.
    Pins requires [] {
        /// The lock file; by default `mcpguard.lock` in mcpguard's state directory. The server must not be able to write it.
        lock: PathText,
        /// What happens where the lock file does not know the server; by default `record`.
        first_use: FirstUse,
        /// What happens where it has changed in meaning; by default `quarantine`.
        on_change: OnChange,
    }
}

section! {
    /// What is written down.
    Audit requires [] {
        /// How much of a call's arguments; by default `redacted`.
        arguments: ArgumentDetail,
        /// What happens when a record cannot be written; by default `stop`.
        on_failure: AuditFailure,
        /// The log file; by default in the user's state directory.
        path: PathText,
        /// Size after which the file is rotated; by default 64MiB.
        max_bytes: Bytes,
        /// Rotated files that are kept; by default 8.
        keep: Whole<1, 1000>,
    }
}

section! {
    /// What a violation leads to, by kind. By default the operation fails.
    OnViolations requires [] {
        /// A file outside of the grants.
        file: OnViolation,
        /// A connection outside of the grants.
        network: OnViolation,
        /// A program outside of the grants.
        exec: OnViolation,
        /// A refused tool call.
        tool: OnViolation,
        /// A refused system call.
        syscall: OnViolation,
        /// Many denied files, connections and programs in a short time.
        repeated: Repeated,
    }
}

section! {
    /// What many denied files, connections and programs in a short time lead to.
    Repeated requires ["count", "within_seconds", "then"] {
        /// How many.
        count: Whole<1, 1_000_000>,
        /// Within how many seconds.
        within_seconds: Whole<1, 86_400>,
        /// What they lead to.
        then: Consequence,
    }
}

impl Subject for VariableName {
    const KEY: &str = "name";
    type Options = ();
    fn show(&self) -> String {
        self.0.clone()
    }
}

impl Subject for MediaType {
    const KEY: &str = "media_type";
    type Options = ();
    fn show(&self) -> String {
        self.0.clone()
    }
}

impl Subject for Method {
    const KEY: &str = "method";
    type Options = ();
    fn show(&self) -> String {
        self.0.clone()
    }
}

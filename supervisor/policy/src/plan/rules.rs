//! The rules of a plan: one entry for each thing that the policy asks for, with the place where it was written.
//!
//! `Coverage` answers for each of them which layer enforces it on this host. A rule that stands in the policy
//! but not in this list would be a rule that parses and is not enforced.

use std::fmt;

use super::{Consequence, OnViolation, ViolationKind};
use crate::support::Layer;

/// Where a rule was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The file as the user named it, or the preset's name (`runtime/node`).
    pub source: String,
    /// Line, from 1; 0 for rules that mcpguard adds itself.
    pub line: u32,
    /// Column in characters, from 1; 0 for rules that mcpguard adds itself.
    pub column: u32,
}

impl Origin {
    /// The place of rules that hold because nothing was written.
    pub fn default_deny() -> Self {
        Self { source: "default deny".to_owned(), line: 0, column: 0 }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { source, line: 0, .. } => f.write_str(source),
            Self { source, line, column } => write!(f, "{source}:{line}:{column}"),
        }
    }
}

/// The index of a rule in [`super::Plan::rules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub u32);

/// One thing that the policy asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The rule as a person reads it: `filesystem.deny: **/.env`, `tools.fetch.allowed_domains: example.org`.
    pub text: String,
    /// Where it was written.
    pub origin: Origin,
    /// The policy author's `reason:`.
    pub reason: Option<String>,
    /// What must be enforced.
    pub ask: Ask,
}

/// What a rule needs from a layer; `coverage` decides from this alone and the host's `Support`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Opened files per minute.
    OpenRate,
    /// A path may be read, written or executed at all times.
    PathGrant,
    /// A path that a wider grant covers must stay closed (deny inside allow).
    PathDenyInsideGrant,
    /// A denied path that no grant covers: default deny already closes it.
    PathDenyOutsideGrants,
    /// A name rule such as `**/.env`, denied wherever it is met inside a grant.
    NameDeny,
    /// Paths that may be used only while a call of a tool is in flight.
    ToolPaths,
    /// Programs that may be executed only while a call of a tool is in flight.
    ToolPrograms,
    /// Domains that may be reached only while a call of a tool is in flight.
    ToolDomains,
    /// The network is closed altogether.
    NoNetwork,
    /// A domain that may be reached; everything else stays closed. How is said by the entries of the plan that it made.
    Domain,
    /// An address range that may be reached; everything else stays closed.
    Cidr,
    /// Ports that may be reached; everything else stays closed.
    Ports,
    /// Ports that the server may listen on; everything else stays closed.
    Listen,
    /// A unix socket that may be connected to; everything else stays closed.
    UnixSocket,
    /// Connections per minute.
    ConnectRate,
    /// Bytes that are sent per minute.
    SentBytesRate,
    /// Names that are looked up per minute.
    LookupRate,
    /// Different names per minute that no rule spells out.
    NameRate,
    /// Different addresses that are connected to per minute.
    DestinationRate,
    /// Connections while one call is in flight.
    CallConnections,
    /// Bytes that are sent while one call is in flight.
    CallSentBytes,
    /// The only programs that may be executed.
    Programs,
    /// Executions per minute.
    ExecRate,
    /// Memory in bytes.
    Memory,
    /// Processor share.
    Cpus,
    /// Number of processes.
    Processes,
    /// Number of open files of one process.
    OpenFiles,
    /// Size of a file that is written.
    FileSize,
    /// A seccomp profile.
    SyscallProfile,
    /// An environment variable is passed, set or filled from a secret; every other one is absent.
    Environment,
    /// A rule that the doorman decides by itself: enabled, rates, timeouts, exclusive, sizes, server requests.
    Doorman,
    /// The caller must hold a scope.
    Scope,
    /// A person must approve the call.
    Approval,
    /// The call's arguments are checked by type or pattern.
    Arguments,
    /// The answer is checked against the tool's output schema.
    OutputSchema,
    /// Texts are searched for secrets, personal data, hidden instructions, invisible characters.
    Content,
    /// The server is compared with what it was when somebody looked at it.
    Pins,
    /// A record must be written, or the session stops.
    Audit,
    /// Somebody is told of what is written down.
    Alert,
    /// What happens at a violation of this kind, where it is more than `deny`.
    Violation(ViolationKind, OnViolation),
    /// What many denials within a short time lead to.
    Repeated(Consequence),
    /// A layer that the policy requires by name.
    Layer(Layer),
}

//! Of what somebody is to be told, and how: plain data, without what watches and what delivers.

use std::time::Duration;

use super::{AbsolutePath, RuleId};

/// Rules over records, and who is told of what they find.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertsPlan {
    /// Shipped rules, each with the policy's rule that asks for them.
    pub packs: Vec<(AlertPack, RuleId)>,
    /// The policy's own rules. One with the name of a shipped one holds in its place.
    pub rules: Vec<AlertRule>,
    /// Who is told.
    pub to: AlertTargets,
}

/// Shipped rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertPack {
    /// What anybody would want to be told of.
    Baseline,
}

/// When somebody is to be told. Each list that is not empty must have something that fits the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRule {
    /// Its name.
    pub name: String,
    /// Why it matters.
    pub reason: Option<String>,
    /// How much.
    pub severity: AlertSeverity,
    /// Kinds of events.
    pub events: Vec<AlertEvent>,
    /// How it went.
    pub outcomes: Vec<AlertOutcome>,
    /// What it reached for.
    pub about: Vec<AlertSubject>,
    /// Globs of the tool's name, in which `*` stands for any text; letters of ASCII match in either case.
    pub tools: Vec<String>,
    /// The same of the host's name or address.
    pub hosts: Vec<String>,
    /// Directories in which the path lies.
    pub paths: Vec<AbsolutePath>,
    /// When such events are worth an alert.
    pub when: AlertWhen,
    /// Which of them belong together.
    pub by: AlertGroup,
    /// For how long a group is not told of again.
    pub quiet: Duration,
    /// The policy's rule.
    pub from: RuleId,
}

/// When events are worth an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertWhen {
    /// Each of them is.
    Any,
    /// More than so many in so much time are.
    MoreThan {
        /// How many are not too many; at most 4,096.
        count: u32,
        /// In how much time.
        within: Duration,
    },
    /// One with a value that no event of the group had before is.
    FirstSeen(AlertField),
}

/// A field of which values are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertField {
    /// The host.
    Host,
    /// The tool; of a denial, the first one in flight.
    Tool,
    /// The program.
    Program,
}

/// Which events belong together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlertGroup {
    /// All of the session.
    #[default]
    Session,
    /// Those of a tool.
    Tool,
}

/// How much an alert matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertSeverity {
    /// To be read some day.
    Info,
    /// To be looked at.
    #[default]
    Warning,
    /// To be looked at now.
    Critical,
}

/// How something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertOutcome {
    /// It was let through, or ended well.
    Allowed,
    /// mcpguard or the kernel refused it.
    Denied,
    /// It was let through and failed by itself.
    Failed,
}

/// What something reached for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertSubject {
    /// A tool, or the MCP pipe.
    Tool,
    /// A file.
    File,
    /// A host or socket.
    Network,
    /// A program.
    Exec,
    /// Anything else of the kernel's.
    System,
}

/// What may have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertEvent {
    /// The session starts.
    SessionStart,
    /// Client and server have told each other who they are.
    Handshake,
    /// A tool is called.
    ToolCall,
    /// A call has ended.
    ToolResult,
    /// Something other than a tool call was refused.
    Denial,
    /// A name was spoken to a host and let through. There is no record of it.
    Connection,
    /// Something was found in a text.
    Findings,
    /// A call is held for its approval, or is decided about.
    Approval,
    /// The server was remembered, or is not what it was, and nothing is closed for it.
    Pins,
    /// The server is not what it was, and tools are closed for it.
    ToolQuarantine,
    /// A rule of the policy is not enforced.
    Degraded,
    /// Bytes that are not MCP.
    Noise,
    /// Facts that could not be written down.
    Lost,
    /// The session's policy is another one.
    PolicyChanged,
    /// The session ends.
    SessionEnd,
}

/// Who is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertTargets {
    /// mcpguard's own stderr.
    pub stderr: bool,
    /// A program, with its arguments.
    pub command: Option<Vec<String>>,
    /// A server.
    pub webhook: Option<Webhook>,
    /// The host's syslog.
    pub syslog: bool,
}

impl AlertTargets {
    /// Whether nobody is told.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A server that is told by HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Host and port as they were written.
    pub authority: String,
    /// The host's name or address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Path and query, beginning with `/`. May hold a key, so it is not shown.
    pub path: String,
}

//! Judgement: what the shell has to do about one message.

use policy::plan::RuleId;

use crate::fact::Fact;

/// What to do about one message, or about a moment that has come.
///
/// The shell writes `facts` to the audit log first. If that fails and the policy says `stop`, nothing of the rest is
/// done. Then it stores [`crate::Engine::active`] where the kernel reads it, sends `forward`, then `to_server` and
/// `to_client` in their order. No line here has its newline; the shell adds `\n` to each.
#[derive(Debug, Default)]
#[must_use]
pub struct Judgement {
    /// What goes on to the other side in the place of the message.
    pub forward: Forward,
    /// Lines to the client: answers to what was refused or has timed out.
    pub to_client: Vec<Vec<u8>>,
    /// Lines to the server: cancellations, calls whose turn has come, errors to its refused requests.
    pub to_server: Vec<Vec<u8>>,
    /// What happened.
    pub facts: Vec<Fact>,
    /// The session has to be ended after all of this.
    pub end: Option<End>,
}

/// What goes on to the other side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Forward {
    /// The line as it came, byte for byte.
    Unchanged,
    /// This line instead.
    Rewritten(Vec<u8>),
    /// Nothing.
    #[default]
    Nothing,
}

/// Why the session has to be ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// A refused call, and the policy says `on_violation: { tool: kill }`.
    Violation {
        /// The tool.
        tool: String,
        /// The rule, if it is a rule of a tool.
        rule: Option<RuleId>,
    },
}

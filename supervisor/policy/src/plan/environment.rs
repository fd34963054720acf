//! Environment: the only variables that the server sees.

use super::{AbsolutePath, RuleId};

/// One variable of the server's environment. The list is complete: nothing else is passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The name.
    pub name: String,
    /// Where its value comes from.
    pub source: ValueSource,
    /// The policy rule that made this entry.
    pub from: RuleId,
}

/// Where the value of a variable comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueSource {
    /// The variable of the same name in mcpguard's own environment; absent there, absent here.
    Inherited,
    /// Written in the policy, variables already expanded. Not a secret.
    Literal(String),
    /// A secret: redacted everywhere. Its absence stops the start.
    Secret(SecretSource),
}

/// Where a secret is fetched from, by the supervisor, before the server starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// A variable of mcpguard's own environment.
    Environment(String),
    /// The content of a file, without one trailing newline.
    File(AbsolutePath),
    /// The standard output of a program, without one trailing newline. No shell is involved.
    Command(Vec<String>),
    /// An entry of the kernel keyring or the desktop's secret service: service and user.
    Keyring {
        /// The service attribute.
        service: String,
        /// The user attribute.
        user: String,
    },
}

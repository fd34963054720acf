//! What the server was when somebody looked at it.

use super::{AbsolutePath, RuleId};

/// The server is compared with what a lock file says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinsPlan {
    /// The lock file; `None`: that of mcpguard's state directory.
    pub lock: Option<AbsolutePath>,
    /// Where the lock file does not know it.
    pub first_use: FirstUse,
    /// Where it has changed in meaning.
    pub on_change: OnChange,
    /// The policy rule.
    pub from: RuleId,
}

/// What happens where the lock file does not know the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstUse {
    /// It is taken as it is, and remembered.
    #[default]
    Record,
    /// Its tools are closed until somebody has accepted it.
    Refuse,
}

/// What happens where the server has changed in meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnChange {
    /// A record tells of it.
    Flag,
    /// What has changed is closed until somebody has accepted it.
    #[default]
    Quarantine,
    /// The whole server is closed until somebody has accepted it.
    Block,
}

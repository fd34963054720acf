//! What can be wrong with a pack.

/// What is wrong with a pack. Lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// It is no TOML of a pack's shape, or a value in it is none that can be.
    #[error("line {line}, column {column}: {what}")]
    Toml {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
        /// What is wrong.
        what: String,
    },
    /// It has another version.
    #[error("line {line}, column {column}: the pack has version {found}; this mcpguard reads version 1")]
    Version {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
        /// The pack's version.
        found: u32,
    },
    /// A rule of which nobody shows what it does.
    #[error(
        "line {line}, column {column}: rule `{rule}` needs at least one example each in `fires` and `passes`"
    )]
    NoExample {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
        /// The rule.
        rule: String,
    },
    /// Two rules of one name.
    #[error("line {line}, column {column}: there is another rule `{rule}`")]
    Twice {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
        /// The rule.
        rule: String,
    },
}

/// An example that does not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExampleError {
    /// The rule should have alerted.
    #[error("rule `{rule}` does not alert about example {number} of its `fires`")]
    Silent {
        /// The rule.
        rule: String,
        /// Which example, from 1.
        number: usize,
    },
    /// The rule should not have alerted.
    #[error("rule `{rule}` alerts about example {number} of its `passes`")]
    Alerted {
        /// The rule.
        rule: String,
        /// Which example, from 1.
        number: usize,
    },
}

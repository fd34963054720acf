//! What answers must be.

use super::{FilesPlan, RuleId};

/// What is checked in answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponsesPlan {
    /// Bytes of one answer line to a tool call.
    pub max_bytes: Option<u64>,
    /// Elements of `content`, `contents` or `messages` in one answer, by this rule.
    pub max_items: Option<(u64, RuleId)>,
    /// Levels of nesting of a result, by this rule: `{}` has one.
    pub max_depth: Option<(u64, RuleId)>,
    /// What images, sounds, files and links may be, by this rule: `image/png`, `text/*`.
    pub media_types: Option<(Vec<String>, RuleId)>,
    /// What links and files in answers must be for.
    pub links: Option<LinksPlan>,
    /// Check `structuredContent` against the tool's `outputSchema`, by this rule.
    pub validate_output_schema: Option<RuleId>,
}

impl ResponsesPlan {
    /// Whether an answer can be withheld for what it holds.
    pub fn judges_content(&self) -> bool {
        let Self { max_bytes: _, max_items, max_depth, media_types, links, validate_output_schema: _ } = self;
        max_items.is_some() || max_depth.is_some() || media_types.is_some() || links.is_some()
    }
}

/// Where links may lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinksPlan {
    /// To files that some class may read.
    pub files: FilesPlan,
    /// By these schemes.
    pub schemes: Vec<String>,
    /// To these hosts: `example.org:443`, `*.example.org:8080`, `*` for every public one.
    pub hosts: Vec<String>,
    /// The rule.
    pub from: RuleId,
}

impl LinksPlan {
    /// Only to what the server alone knows, until files and hosts are granted.
    pub fn to_nothing(from: RuleId) -> Self {
        Self { files: FilesPlan::default(), schemes: Vec::new(), hosts: Vec::new(), from }
    }
}

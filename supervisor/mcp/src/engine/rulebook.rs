//! The rulebook: which rule holds for a tool, and how a rule is told to a person or a model.

use std::time::Duration;

use policy::plan::{ClassId, Rule, RuleId, ToolRule, ToolsPlan};

/// The tools' rules and the words of all rules.
#[derive(Debug)]
pub(super) struct Rulebook {
    tools: ToolsPlan,
    /// By `RuleId`.
    words: Vec<Words>,
}

/// A rule in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) text: String,
    /// `github.yaml:31:3`.
    pub(super) place: String,
}

/// What a rule means for one call. Copied, so that a call in flight keeps the terms it was admitted under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) enabled: bool,
    pub(super) per_minute: Option<u32>,
    pub(super) timeout: Option<Duration>,
    pub(super) exclusive: bool,
    pub(super) max_request_bytes: Option<u64>,
    pub(super) max_response_bytes: Option<u64>,
    pub(super) class: ClassId,
    pub(super) from: RuleId,
}

impl From<&ToolRule> for Terms {
    fn from(rule: &ToolRule) -> Self {
        // Every field is named: one that is added to the plan must be enforced or left out on purpose.
        let ToolRule {
            key: _,
            enabled,
            max_requests_per_minute,
            timeout,
            exclusive,
            max_request_bytes,
            max_response_bytes,
            class,
            reason: _,
            from,
        } = rule;
        Self {
            enabled: *enabled,
            per_minute: *max_requests_per_minute,
            timeout: *timeout,
            exclusive: *exclusive,
            max_request_bytes: *max_request_bytes,
            max_response_bytes: *max_response_bytes,
            class: *class,
            from: *from,
        }
    }
}

impl Rulebook {
    pub(super) fn new(tools: ToolsPlan, rules: &[Rule]) -> Self {
        let words = rules.iter().map(|rule| Words { text: rule.text.clone(), place: place(rule) }).collect();
        Self { tools, words }
    }

    /// The rule of a tool: its exact name, then the longest glob, then the default.
    pub(super) fn rule(&self, tool: &str) -> &ToolRule {
        let ToolsPlan { default, exact, globs } = &self.tools;
        let glob = || globs.iter().find(|(pattern, _)| matches(pattern, tool)).map(|(_, rule)| rule);
        exact.get(tool).or_else(glob).unwrap_or(default)
    }

    /// The rule of a task whose tool is not known.
    pub(super) fn default(&self) -> &ToolRule {
        &self.tools.default
    }

    pub(super) fn words(&self, rule: RuleId) -> Option<&Words> {
        self.words.get(rule.0 as usize)
    }
}

fn place(rule: &Rule) -> String {
    let origin = &rule.origin;
    match origin.line {
        0 => origin.source.clone(),
        line => format!("{}:{line}:{}", origin.source, origin.column),
    }
}

/// Whether a glob matches the whole name: `*` is any run of characters, `?` is one character.
fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // Where to go on when the run of the last star has to be one character longer.
    let mut retry = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match retry {
                Some((after, run)) => {
                    retry = Some((after, run + 1));
                    (p, n) = (after, run + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn globs() {
        for (pattern, name) in [
            ("*", ""),
            ("*", "x"),
            ("get_*", "get_"),
            ("get_*", "get_x"),
            ("*_x", "a_x_x"),
            ("a*b*c", "axbxbc"),
            ("?", "ä"),
        ] {
            assert!(matches(pattern, name), "{pattern} matches {name}");
        }
        for (pattern, name) in
            [("", "x"), ("get_*", "xget_"), ("?", ""), ("?", "xy"), ("a*b", "abc"), ("Get_*", "get_x")]
        {
            assert!(!matches(pattern, name), "{pattern} does not match {name}");
        }
    }
}

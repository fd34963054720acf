//! The names of what is found: ids of rules, and those of kinds of invisible characters.

use crate::invisible::Kind;
use crate::scanner::PACKS;

/// What a session's own secrets are found by.
pub const OWN_SECRET: &str = "own-secret";

/// Every name under which something is found by what comes with the program.
pub fn rule_names() -> impl Iterator<Item = &'static str> {
    let ids = PACKS.iter().flat_map(|pack| pack.lines()).filter_map(id);
    ids.chain(Kind::ALL.map(Kind::name)).chain([OWN_SECRET])
}

/// Whether something is found under this name.
pub fn is_rule(name: &str) -> bool {
    rule_names().any(|known| known == name)
}

/// Packs are written with each rule's id on a line of its own; a test compares this with how they are really read.
fn id(line: &str) -> Option<&str> {
    line.strip_prefix("id = \"")?.strip_suffix('"')
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Escape,
        Self::Control,
        Self::ZeroWidth,
        Self::Bidi,
        Self::Tag,
        Self::Selector,
        Self::Annotation,
        Self::Filler,
        Self::PrivateUse,
        Self::Noncharacter,
    ];

    /// Its name in records and policies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Escape => "terminal-escape",
            Self::Control => "control-character",
            Self::ZeroWidth => "zero-width",
            Self::Bidi => "direction-control",
            Self::Tag => "tag-characters",
            Self::Selector => "variation-selectors",
            Self::Annotation => "annotation",
            Self::Filler => "hangul-filler",
            Self::PrivateUse => "private-use",
            Self::Noncharacter => "noncharacter",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Kind, is_rule, rule_names};
    use crate::Scanner;

    #[test]
    fn the_guide_tells_every_name() {
        let guide = include_str!("../../../docs/content.md");
        let missing: Vec<_> =
            rule_names().filter(|name| !guide.contains(&format!("| `{name}` | "))).collect();
        assert!(missing.is_empty(), "docs/content.md does not tell of {missing:?}");
    }

    #[test]
    fn names_are_those_of_the_rules_and_each_is_there_once() {
        let scanner = Scanner::new().unwrap();
        let names: Vec<_> = rule_names().collect();
        let different: BTreeSet<_> = names.iter().collect();
        assert_eq!(names.len(), different.len());
        assert_eq!(names.len(), scanner.rules().count() + Kind::ALL.len() + 1);
        assert!(scanner.rules().all(|rule| is_rule(rule.id())));
        assert!(!is_rule("no-such-rule"));
    }
}

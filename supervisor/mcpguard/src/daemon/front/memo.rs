//! What the front wants to know of a session after a restart; the keeper keeps it with the session.

use std::time::{SystemTime, UNIX_EPOCH};

use enforce::keeper::Order;
use policy::plan::Rule;
use serde::{Deserialize, Serialize};

use super::compile::Compiled;
use crate::stamped;

/// What this build writes first. Another build's memo is not read; its session goes on without a name.
const FORM: u32 = 2;

/// A session as its client asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memo {
    form: u32,
    /// What its user calls it.
    pub(crate) name: String,
    /// The policy's name.
    pub(crate) policy: String,
    /// SHA-256 in hex over the policy's texts.
    pub(crate) revision: String,
    /// SHA-256 in hex over the texts of the host's rules that it was compiled under, if there were any.
    pub(crate) host_rules: Option<String>,
    /// When it was opened: milliseconds since 1970.
    pub(crate) opened_ms: u64,
    /// How often its policy was changed until then.
    pub(crate) stamp: u8,
    /// The rules, by number. Of very many the last ones may be missing.
    pub(crate) rules: Vec<MemoRule>,
    /// Those of the policy before, by whose rules something may have been denied that is told of only now.
    pub(crate) before: Vec<MemoRule>,
}

/// A rule, for records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MemoRule {
    /// As a person reads it.
    pub(crate) text: String,
    /// Where it was written.
    pub(crate) origin: String,
    /// Its author's reason.
    pub(crate) reason: Option<String>,
}

impl From<&Rule> for MemoRule {
    fn from(Rule { text, origin, reason, ask: _ }: &Rule) -> Self {
        Self { text: text.clone(), origin: origin.to_string(), reason: reason.clone() }
    }
}

impl Memo {
    /// A session that is opened now.
    pub(crate) fn now(
        name: &str,
        policy: &str,
        revision: &str,
        host_rules: Option<String>,
        rules: Vec<MemoRule>,
    ) -> Self {
        let [name, policy, revision] = [name, policy, revision].map(str::to_owned);
        Self {
            form: FORM,
            name,
            policy,
            revision,
            host_rules,
            opened_ms: now_ms(),
            stamp: 0,
            rules,
            before: Vec::new(),
        }
    }

    /// As the keeper keeps it.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut memo = self.clone();
        loop {
            match postcard::to_stdvec(&memo) {
                Ok(bytes) if bytes.len() <= Order::MEMO => return bytes,
                _ if !memo.before.is_empty() => memo.before.clear(),
                _ if memo.rules.is_empty() => return Vec::new(),
                _ => memo.rules.truncate(memo.rules.len() / 2),
            }
        }
    }

    /// What the keeper has kept. What cannot be read is a session without a name.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let read: Option<Self> = postcard::from_bytes(bytes).ok();
        read.filter(|memo| memo.form == FORM)
            .unwrap_or_else(|| Self::now("unknown", "unknown", "", None, Vec::new()))
    }

    /// The same session under another policy.
    pub(super) fn followed_by(&self, compiled: &Compiled) -> Self {
        let Compiled { policy, revision, host_rules, rules, stamp, .. } = compiled;
        let (policy, revision, host_rules) = (policy.clone(), revision.clone(), host_rules.clone());
        let (rules, before) = (rules.clone(), self.rules.clone());
        Self { policy, revision, host_rules, stamp: *stamp, rules, before, ..self.clone() }
    }

    /// A rule by its number in the kernel's tables.
    pub(crate) fn rule(&self, number: u32) -> Option<&MemoRule> {
        stamped::rule(number, self.stamp, &self.rules, &self.before)
    }

    /// How long ago it was opened, in milliseconds.
    pub(crate) fn age_ms(&self) -> u64 {
        now_ms().saturating_sub(self.opened_ms)
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memo(rules: usize) -> Memo {
        let rule = MemoRule {
            text: "filesystem.read: /srv".repeat(100),
            origin: "p.yaml:3:4".to_owned(),
            reason: None,
        };
        Memo::now("github", "github", "ab12", Some("cd".to_owned()), vec![rule; rules])
    }

    #[test]
    fn a_memo_comes_back() {
        let memo = memo(3);
        assert_eq!(Memo::from_bytes(&memo.to_bytes()), memo);
    }

    #[test]
    fn a_memo_always_fits_and_keeps_its_first_rules() {
        let bytes = memo(2000).to_bytes();
        assert!(bytes.len() <= Order::MEMO);
        let back = Memo::from_bytes(&bytes);
        assert_eq!((back.name.as_str(), back.rules.len() >= 250), ("github", true));
    }

    #[test]
    fn a_rule_is_that_of_its_own_policy() {
        let rule = |text: &str| MemoRule { text: text.to_owned(), origin: "p:1:1".to_owned(), reason: None };
        let memo = Memo { stamp: 2, rules: vec![rule("new")], before: vec![rule("old")], ..memo(0) };
        let text = |stamp| memo.rule(abi::stamped(0, stamp)).map(|rule| rule.text.as_str());
        assert_eq!([text(2), text(1), text(0), text(3)], [Some("new"), Some("old"), None, None]);
        assert_eq!(memo.rule(abi::NO_RULE), None);
    }

    #[test]
    fn another_builds_memo_is_a_session_without_a_name() {
        for bytes in [&b""[..], b"\x02", &[0xff; 100]] {
            assert_eq!(Memo::from_bytes(bytes).name, "unknown");
        }
        let other = Memo { form: FORM + 1, ..memo(1) };
        assert_eq!(Memo::from_bytes(&other.to_bytes()).name, "unknown");
    }
}

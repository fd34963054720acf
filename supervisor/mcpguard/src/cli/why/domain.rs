//! A rule about a domain, read back from its text in a record: `tools.fetch.allowed_domains: db.example (address-only, srv)`.

use audit::RuleRef;

use super::lines;

/// What a rule's text says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DomainRule<'a> {
    /// The rule itself.
    pub(super) rule: &'a RuleRef,
    /// The key under `tools`; `None` for a rule of the section `network`, which holds always.
    pub(super) tool: Option<&'a str>,
    /// The name, or `*.name`.
    pub(super) domain: &'a str,
    /// `address-only`, `srv`, `txt`.
    options: Vec<&'a str>,
}

impl<'a> DomainRule<'a> {
    /// `None` if the rule is about something else.
    pub(super) fn read(rule: &'a RuleRef) -> Option<Self> {
        let (key, item) = rule.text.split_once(".allowed_domains: ")?;
        let tool = match key {
            "network" => None,
            key => Some(key.strip_prefix("tools.")?),
        };
        let (domain, options) = item.split_once(" (").unwrap_or((item, ""));
        let options = options.trim_end_matches(')').split(", ").filter(|option| !option.is_empty()).collect();
        Some(Self { rule, tool, domain, options })
    }

    /// Whether it allows this name.
    pub(super) fn names(&self, name: &str) -> bool {
        match self.domain.strip_prefix("*.") {
            Some(parent) => {
                name.strip_suffix(parent).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
            None => name == self.domain,
        }
    }

    /// The item for a name of this rule, with one more option.
    pub(super) fn with(&self, name: &str, option: &str) -> String {
        let known = self.options.iter().copied().filter(|known| *known != option);
        let mut options: Vec<&str> = known.chain([option]).collect();
        options.sort_unstable();
        item(name, &options)
    }
}

/// `{ domain: db.example, verify: address-only, records: [srv] }`.
pub(super) fn item(name: &str, options: &[&str]) -> String {
    let records: Vec<&str> = options.iter().copied().filter(|option| *option != "address-only").collect();
    let mut keys = vec![format!("domain: {}", lines::text(name))];
    if options.contains(&"address-only") {
        keys.push("verify: address-only".to_owned());
    }
    if !records.is_empty() {
        keys.push(format!("records: [{}]", records.join(", ")));
    }
    format!("{{ {} }}", keys.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> RuleRef {
        RuleRef { text: text.to_owned(), ..RuleRef::default() }
    }

    #[test]
    fn rules_are_read_back() {
        for (text, tool, domain, with_srv) in [
            (
                "network.allowed_domains: a.example",
                None,
                "a.example",
                "{ domain: n.example, records: [srv] }",
            ),
            (
                "tools.get.*.allowed_domains: *.a.example (address-only, txt)",
                Some("get.*"),
                "*.a.example",
                "{ domain: n.example, verify: address-only, records: [srv, txt] }",
            ),
            (
                "network.allowed_domains: a.example (srv)",
                None,
                "a.example",
                "{ domain: n.example, records: [srv] }",
            ),
        ] {
            let rule = rule(text);
            let read = DomainRule::read(&rule).expect(text);
            assert_eq!(
                (read.tool, read.domain, &read.with("n.example", "srv")[..]),
                (tool, domain, with_srv)
            );
        }
        for text in
            ["network.allowed_cidrs: public", "tools.t.enabled: false", "x.allowed_domains: a.example"]
        {
            assert_eq!(DomainRule::read(&rule(text)), None, "{text}");
        }
    }

    #[test]
    fn names_of_a_rule() {
        for (domain, name, expected) in [
            ("a.example", "a.example", true),
            ("a.example", "b.a.example", false),
            ("*.a.example", "b.a.example", true),
            ("*.a.example", "a.example", false),
            ("*.a.example", "eva.example", false),
            ("*.a.example", ".a.example", false),
        ] {
            let rule = rule(&format!("network.allowed_domains: {domain}"));
            assert_eq!(DomainRule::read(&rule).expect(domain).names(name), expected, "{domain} {name}");
        }
    }
}

//! Domain rules of all classes: one entry for each name and each way to reach it.

use std::fmt;

use crate::document::address::Domain;
use crate::document::destination::Destination;
use crate::document::list::Subject;
use crate::plan::{ClassId, ClassMask, DomainRule, Records, RuleId, Verify};

/// A domain and how it is reached. Two that differ in anything are two entries of the plan, so that a tool's way is not
/// what always holds, nor the other way round.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Way {
    domain: Domain,
    verify: Verify,
    records: Records,
}

impl Way {
    /// What an item of `allowed_domains` says.
    pub(crate) fn of(destination: Destination) -> Self {
        let (verify, records) = (destination.verify(), destination.records());
        Self { domain: destination.domain, verify, records }
    }

    fn is(&self, rule: &DomainRule) -> bool {
        let Self { domain: Domain { name, subdomains_only }, verify, records } = self;
        (name, *subdomains_only, *verify, *records)
            == (&rule.name, rule.subdomains_only, rule.verify, rule.records)
    }
}

impl fmt::Display for Way {
    /// As a person reads it: `db.example (address-only, srv)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { domain, verify, records: Records { srv, txt } } = self;
        let told = [(*verify == Verify::AddressOnly, "address-only"), (*srv, "srv"), (*txt, "txt")];
        let told: Vec<&str> = told.iter().filter(|(holds, _)| *holds).map(|(_, word)| *word).collect();
        f.write_str(&domain.show())?;
        if told.is_empty() { Ok(()) } else { write!(f, " ({})", told.join(", ")) }
    }
}

/// Lets a class reach a domain. What another rule says in the same words keeps that rule and gets the class.
pub(super) fn add(rules: &mut Vec<DomainRule>, way: Way, class: ClassId, from: RuleId) {
    if let Some(rule) = rules.iter_mut().find(|rule| way.is(rule)) {
        rule.classes = rule.classes.union(ClassMask::only(class));
        return;
    }
    let Way { domain: Domain { name, subdomains_only }, verify, records } = way;
    rules.push(DomainRule { name, subdomains_only, classes: ClassMask::only(class), verify, records, from });
}

/// Whether class 0 reaches every name of the domain already, in the same way.
pub(super) fn always(rules: &[DomainRule], way: &Way) -> bool {
    rules.iter().any(|rule| rule.classes.contains(ClassId::ALWAYS) && covers(rule, way))
}

fn covers(rule: &DomainRule, Way { domain, verify, records }: &Way) -> bool {
    let beneath = domain.name.strip_suffix(&rule.name).is_some_and(|rest| rest.ends_with('.'));
    let named = match (rule.subdomains_only, domain.subdomains_only) {
        (true, true) => beneath || rule.name == domain.name,
        (true, false) => beneath,
        (false, true) => false,
        (false, false) => rule.name == domain.name,
    };
    let records = rule.records.srv >= records.srv && rule.records.txt >= records.txt;
    named && rule.verify == *verify && records
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::FromText;

    const PLAIN: Records = Records { srv: false, txt: false };
    const SRV: Records = Records { srv: true, txt: false };

    fn way(text: &str, verify: Verify, records: Records) -> Way {
        Way { domain: Domain::from_text(text).expect(text), verify, records }
    }

    #[test]
    fn coverage_of_names() {
        for (rule, asked, expected) in [
            ("example.com", "example.com", true),
            ("example.com", "a.example.com", false),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "*.a.example.com", true),
            ("*.example.com", "*.example.com", true),
            ("example.com", "*.example.com", false),
            ("*.example.com", "evilexample.com", false),
        ] {
            let mut rules = Vec::new();
            add(&mut rules, way(rule, Verify::Name, PLAIN), ClassId::ALWAYS, RuleId(0));
            assert_eq!(always(&rules, &way(asked, Verify::Name, PLAIN)), expected, "{rule} {asked}");
        }
    }

    #[test]
    fn another_way_to_a_name_is_another_entry() {
        let mut rules = Vec::new();
        add(&mut rules, way("a.example", Verify::Name, SRV), ClassId::ALWAYS, RuleId(0));
        for (verify, records, expected) in [
            (Verify::Name, PLAIN, true),
            (Verify::Name, SRV, true),
            (Verify::Name, Records { srv: true, txt: true }, false),
            (Verify::AddressOnly, PLAIN, false),
        ] {
            assert_eq!(
                always(&rules, &way("a.example", verify, records)),
                expected,
                "{verify:?} {records:?}"
            );
        }
        let class = ClassId::new(1).expect("1");
        add(&mut rules, way("a.example", Verify::AddressOnly, SRV), class, RuleId(1));
        add(&mut rules, way("a.example", Verify::Name, SRV), class, RuleId(2));
        let entries: Vec<_> =
            rules.iter().map(|rule| (rule.verify, rule.classes.bits(), rule.from.0)).collect();
        assert_eq!(entries, [(Verify::Name, 0b11, 0), (Verify::AddressOnly, 0b10, 1)]);
    }

    #[test]
    fn a_way_is_told_where_it_is_not_the_usual_one() {
        assert_eq!(way("*.a.example", Verify::Name, PLAIN).to_string(), "*.a.example");
        let both = Records { srv: true, txt: true };
        assert_eq!(
            way("a.example", Verify::AddressOnly, both).to_string(),
            "a.example (address-only, srv, txt)"
        );
    }
}

//! Domain rules of all classes, one entry a name.

use crate::document::address::Domain;
use crate::plan::{ClassId, ClassMask, DomainRule, RuleId};

/// Lets a class reach a domain. A name that another rule allows already keeps that rule and gets the class.
pub(super) fn add(rules: &mut Vec<DomainRule>, domain: Domain, class: ClassId, from: RuleId) {
    let Domain { name, subdomains_only } = domain;
    let known = rules.iter_mut().find(|rule| rule.name == name && rule.subdomains_only == subdomains_only);
    match known {
        Some(rule) => rule.classes = rule.classes.union(ClassMask::only(class)),
        None => rules.push(DomainRule { name, subdomains_only, classes: ClassMask::only(class), from }),
    }
}

/// Whether class 0 reaches every name of the domain already.
pub(super) fn always(rules: &[DomainRule], domain: &Domain) -> bool {
    rules.iter().any(|rule| rule.classes.contains(ClassId::ALWAYS) && covers(rule, domain))
}

fn covers(rule: &DomainRule, domain: &Domain) -> bool {
    let beneath = domain.name.strip_suffix(&rule.name).is_some_and(|rest| rest.ends_with('.'));
    match (rule.subdomains_only, domain.subdomains_only) {
        (true, true) => beneath || rule.name == domain.name,
        (true, false) => beneath,
        (false, true) => false,
        (false, false) => rule.name == domain.name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::FromText;

    #[test]
    fn coverage_of_names() {
        let domain = |text| Domain::from_text(text).expect(text);
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
            add(&mut rules, domain(rule), ClassId::ALWAYS, RuleId(0));
            assert_eq!(always(&rules, &domain(asked)), expected, "{rule} {asked}");
        }
    }
}

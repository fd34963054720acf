//! Which rules name a name, and what they grant.

use std::collections::HashMap;

use hickory_proto::rr::RecordType;
use policy::plan::{DomainRule, Records, RuleId, Verify};

use crate::Why;

/// What a rule grants to the addresses of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) classes: u64,
    pub(crate) checked: bool,
    pub(crate) rule: RuleId,
}

/// That a name may be looked up now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Permit {
    /// Of every rule that names it, those of other tools included: the kernel asks for the active class by itself.
    pub(crate) grants: Vec<Grant>,
    /// The first rule that holds now.
    pub(crate) rule: RuleId,
    /// How many bytes of the name stand in front of the nearest rule's name; 0 if a rule spells the name out.
    pub(crate) beneath: usize,
}

/// The domain rules by name.
#[derive(Debug)]
pub(crate) struct Rules {
    /// The rule for whose sake every other name may be looked up: all public addresses are open anyway.
    any: Option<RuleId>,
    exact: HashMap<String, Vec<DomainRule>>,
    wild: HashMap<String, Vec<DomainRule>>,
}

impl Rules {
    pub(crate) fn new(domains: &[DomainRule], any: Option<RuleId>) -> Self {
        let (mut exact, mut wild) = (HashMap::<String, Vec<DomainRule>>::new(), HashMap::new());
        for rule in domains {
            let table = if rule.subdomains_only { &mut wild } else { &mut exact };
            table.entry(rule.name.clone()).or_default().push(rule.clone());
        }
        Self { any, exact, wild }
    }

    /// Whether some rule names it, in whatever class.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.naming(name).next().is_some()
    }

    /// Every rule that names it, the nearest first.
    fn naming<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a DomainRule> {
        let above = name.match_indices('.').filter_map(|(at, _)| self.wild.get(&name[at + 1..]));
        self.exact.get(name).into_iter().chain(above).flatten()
    }

    /// Whether records of a type may be looked up for a name (lower case, no trailing dot) in these classes.
    pub(crate) fn permit(&self, name: &str, kind: RecordType, active: u64) -> Result<Permit, Why> {
        let mut grants = Vec::with_capacity(2);
        let (mut rule, mut nearest) = (None, 0);
        for (base, labels) in bases(name, kind) {
            for named in self.naming(base).filter(|named| fits(kind, labels, named.records)) {
                let classes = named.classes.bits();
                grants.push(Grant { classes, checked: named.verify == Verify::Name, rule: named.from });
                rule = rule.or((classes & active != 0).then_some(named.from));
                nearest = nearest.max(named.name.len());
            }
        }
        let Some(first) = grants.first() else {
            return self.any(name, kind).ok_or_else(|| self.unfit(name, kind));
        };
        let Some(rule) = rule else { return Err(Why::Inactive { rule: first.rule }) };
        let beneath = name.len() - nearest;
        Ok(Permit { grants, rule, beneath: beneath.saturating_sub(1) })
    }

    /// What may be looked up although no rule names it. It grants nothing: what it stands for is open by its address.
    fn any(&self, name: &str, kind: RecordType) -> Option<Permit> {
        let rule = self.any.filter(|_| !name.is_empty() && fits(kind, 0, Records::default()))?;
        Some(Permit { grants: Vec::new(), rule, beneath: 0 })
    }

    fn unfit(&self, name: &str, kind: RecordType) -> Why {
        let named = bases(name, kind).any(|(base, _)| self.names(base)) || self.names(name);
        if named { Why::Kind(kind.into()) } else { Why::Unnamed }
    }
}

/// The names that rules may know a question by, and how many labels of a service stand in front of each.
fn bases(name: &str, kind: RecordType) -> impl Iterator<Item = (&str, usize)> {
    let service = name.split_once('.').filter(|(label, _)| label.starts_with('_'));
    let pair = service.and_then(|(service, rest)| {
        rest.split_once('.').filter(|(protocol, _)| is_service(service, protocol)).map(|(_, base)| base)
    });
    let (zero, one, two) = match kind {
        RecordType::SRV => (None, None, pair),
        RecordType::TXT => (Some(name), service.map(|(_, base)| base), None),
        _ => (Some(name), None, None),
    };
    [zero, one, two].into_iter().zip(0..).filter_map(|(base, labels)| base.map(|base| (base, labels)))
}

/// RFC 2782, and RFC 6335 section 5.1: names of services have 1 to 15 characters.
fn is_service(service: &str, protocol: &str) -> bool {
    matches!(service.len(), 2..=16) && matches!(protocol, "_tcp" | "_udp" | "_tls" | "_sctp" | "_dccp")
}

fn fits(kind: RecordType, labels: usize, records: Records) -> bool {
    match kind {
        RecordType::A | RecordType::AAAA | RecordType::HTTPS | RecordType::SVCB => labels == 0,
        RecordType::SRV => labels == 2 && records.srv,
        RecordType::TXT => records.txt,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use policy::plan::{ClassId, ClassMask};

    use super::*;

    fn rule(text: &str, class: usize, records: Records, from: u32) -> DomainRule {
        DomainRule {
            name: text.trim_start_matches("*.").to_owned(),
            subdomains_only: text.starts_with("*."),
            classes: ClassMask::only(ClassId::new(class).expect("a class")),
            verify: Verify::Name,
            records,
            from: RuleId(from),
        }
    }

    #[test]
    fn names_types_and_classes() {
        let plain = Records::default();
        let rules = Rules::new(
            &[
                rule("api.example.org", 0, plain, 0),
                rule("*.example.org", 1, plain, 1),
                rule("db.test", 0, Records { srv: true, txt: true }, 2),
                rule("*.wild.test", 0, Records { srv: true, txt: false }, 3),
            ],
            None,
        );
        let table = [
            ("api.example.org", RecordType::A, 1, Ok((0, 0))),
            ("api.example.org", RecordType::HTTPS, 3, Ok((0, 0))),
            ("a.example.org", RecordType::A, 1, Err(Why::Inactive { rule: RuleId(1) })),
            ("a.example.org", RecordType::AAAA, 3, Ok((1, 1))),
            ("a.b.example.org", RecordType::A, 2, Ok((1, 3))),
            ("example.org", RecordType::A, 3, Err(Why::Unnamed)),
            ("evilexample.org", RecordType::A, 3, Err(Why::Unnamed)),
            ("api.example.org.evil.test", RecordType::A, 3, Err(Why::Unnamed)),
            ("org", RecordType::A, 3, Err(Why::Unnamed)),
            ("", RecordType::A, 3, Err(Why::Unnamed)),
            ("api.example.org", RecordType::ANY, 1, Err(Why::Kind(255))),
            ("api.example.org", RecordType::TXT, 1, Err(Why::Kind(16))),
            ("api.example.org", RecordType::CNAME, 1, Err(Why::Kind(5))),
            ("_x._tcp.api.example.org", RecordType::SRV, 1, Err(Why::Kind(33))),
            ("_pg._tcp.db.test", RecordType::SRV, 1, Ok((2, 8))),
            ("_pg._tcp.db.test", RecordType::A, 1, Err(Why::Unnamed)),
            ("db.test", RecordType::SRV, 1, Err(Why::Kind(33))),
            ("_tcp.db.test", RecordType::SRV, 1, Err(Why::Unnamed)),
            ("_pg._evil.db.test", RecordType::SRV, 1, Err(Why::Unnamed)),
            ("_seventeen-letters._tcp.db.test", RecordType::SRV, 1, Err(Why::Unnamed)),
            ("db.test", RecordType::TXT, 1, Ok((2, 0))),
            ("_acme-challenge.db.test", RecordType::TXT, 1, Ok((2, 15))),
            ("data.db.test", RecordType::TXT, 1, Err(Why::Unnamed)),
            ("_ldap._tcp.a.wild.test", RecordType::SRV, 1, Ok((3, 12))),
            ("_ldap._tcp.wild.test", RecordType::SRV, 1, Err(Why::Kind(33))),
        ];
        for (name, kind, active, expected) in table {
            let found = rules.permit(name, kind, active).map(|permit| (permit.rule.0, permit.beneath));
            assert_eq!(found, expected, "{name} {kind} {active}");
        }
    }

    #[test]
    fn every_rule_that_names_it_grants() {
        let plain = Records::default();
        let rules = Rules::new(
            &[rule("*.test", 2, plain, 0), rule("*.a.test", 1, plain, 1), rule("x.a.test", 0, plain, 2)],
            None,
        );
        let permit = rules.permit("x.a.test", RecordType::A, 1).expect("allowed");
        assert_eq!(permit.grants.iter().map(|grant| grant.classes).collect::<Vec<_>>(), [1, 2, 4]);
    }

    #[test]
    fn where_every_public_address_is_open_every_name_may_be_looked_up_and_grants_nothing() {
        let rules = Rules::new(&[rule("tool.test", 1, Records::default(), 0)], Some(RuleId(7)));
        let other = rules.permit("other.test", RecordType::AAAA, 1).expect("allowed");
        assert_eq!((other.grants.len(), other.rule, other.beneath), (0, RuleId(7), 0));
        let text = rules.permit("other.test", RecordType::TXT, 1);
        assert_eq!(text, Err(Why::Unnamed), "texts carry data");
        let tool = rules.permit("tool.test", RecordType::A, 1);
        assert_eq!(tool, Err(Why::Inactive { rule: RuleId(0) }), "what a rule names it names alone");
    }
}

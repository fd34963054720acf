//! What a plan's network section means, in facts and words for a person: what can be reached, by whom and how it is
//! checked, what is closed, and what the author should know.
//!
//! It says what the policy means; who enforces it on a host is said by [`crate::coverage()`].

mod closed;
mod opening;
mod warnings;

pub use opening::{Kind, Opening, When};

use crate::plan::{Ask, DomainRule, Plan, Rule, RuleId, Speech, Verify};

/// The network of a plan in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// What can be reached or offered.
    pub open: Vec<Opening>,
    /// What cannot, as far as a reader could wonder: sentences without their full stop.
    pub closed: Vec<String>,
    /// What the author should know: sentences without their full stop.
    pub warnings: Vec<String>,
}

/// The network of a plan in words.
pub fn reach(plan: &Plan) -> Reach {
    let domains = plan.network.domains.iter().map(|rule| domain(plan, rule));
    let open = domains.chain(others(plan)).collect();
    Reach { open, closed: closed::sentences(&plan.network), warnings: warnings::sentences(&plan.network) }
}

fn domain(plan: &Plan, rule: &DomainRule) -> Opening {
    let (checked, unchecked) = ports(&plan.network.ports, rule.verify);
    Opening {
        what: written(rule),
        kind: Kind::Domain,
        when: When::of(plan, rule.classes),
        checked,
        unchecked,
        records: rule.records,
        rule: rule.from,
    }
}

/// The domain as the policy names it.
fn written(rule: &DomainRule) -> String {
    format!("{}{}", if rule.subdomains_only { "*." } else { "" }, rule.name)
}

/// The ports on which the name is looked at, and those on which the address is enough.
fn ports(all: &[u16], verify: Verify) -> (Vec<u16>, Vec<u16>) {
    all.iter().partition(|port| verify == Verify::Name && Speech::expected_at(**port).is_some())
}

/// Ranges, listening ports and unix sockets: all of them hold always.
fn others(plan: &Plan) -> impl Iterator<Item = Opening> {
    let numbered = plan.rules.iter().zip(0..).map(|(rule, id)| (rule, RuleId(id)));
    numbered.filter_map(|(rule, id)| other(plan, rule, id))
}

fn other(plan: &Plan, rule: &Rule, id: RuleId) -> Option<Opening> {
    let (_, what) = rule.text.split_once(": ")?;
    let kind = match rule.ask {
        Ask::Cidr if plan.network.any_name == Some(id) => Kind::Public,
        Ask::Cidr => Kind::Range,
        Ask::Listen => Kind::Listen,
        Ask::UnixSocket => Kind::UnixSocket,
        _ => return None,
    };
    let unchecked = match kind {
        Kind::Public | Kind::Range => plan.network.ports.clone(),
        Kind::Domain | Kind::Listen | Kind::UnixSocket => Vec::new(),
    };
    let what = what.to_owned();
    Some(Opening {
        what,
        kind,
        when: When::Always,
        checked: Vec::new(),
        unchecked,
        records: Default::default(),
        rule: id,
    })
}

/// `443, 5432`.
fn numbers(ports: &[u16]) -> String {
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

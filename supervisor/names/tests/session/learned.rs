//! What whoever enforces is told: the classes, the way and the end of each grant.

use hickory_proto::rr::RecordType;
use policy::plan::{NetworkPlan, Verify};

use crate::world::*;

fn grants(change: &names::Change) -> Vec<(u64, u32, u64)> {
    let learned = change.learned.unwrap();
    let used = learned.grants.iter().filter(|grant| grant.until_ns != 0);
    used.map(|grant| (grant.classes, grant.checked, grant.until_ns / SECOND - 1_000)).collect()
}

#[test]
fn names_of_several_tools_share_an_address() {
    let mut direct = rule("d.test", 4);
    direct.verify = Verify::AddressOnly;
    let domains = vec![rule("a.test", 1), rule("b.test", 2), rule("c.test", 1), direct, rule("*.test", 0)];
    let mut session = Session::new(NetworkPlan { domains, ..plan() });
    session.active = u64::MAX;
    let mut learn = |name: &str, live| {
        let (_, changes) = session.resolve(name, RecordType::A, &[address(name, live, "8.8.8.8")]);
        changes.first().map(grants)
    };
    // The wildcard names every one of them, so class 0 reaches the address until the last of them ends.
    assert_eq!(learn("a.test", 100), Some(vec![(2, 1, 100), (1, 1, 100)]));
    assert_eq!(learn("b.test", 50), Some(vec![(2, 1, 100), (1, 1, 100), (4, 1, 50)]));
    assert_eq!(learn("c.test", 200), Some(vec![(2, 1, 200), (1, 1, 200), (4, 1, 50)]));
    assert_eq!(learn("d.test", 300), Some(vec![(16, 0, 300), (1, 1, 300), (2, 1, 200), (4, 1, 50)]));
    for (at, after) in
        [(50, vec![(16, 0, 300), (1, 1, 300), (2, 1, 200)]), (200, vec![(16, 0, 300), (1, 1, 300)])]
    {
        session.now = (1_000 + at) * SECOND - 1;
        assert_eq!(session.names.expire(session.now), []);
        session.now += 1;
        let changes = session.names.expire(session.now);
        assert_eq!(changes.iter().map(grants).collect::<Vec<_>>(), [after]);
    }
    session.now = 1_300 * SECOND;
    assert_eq!(ends(&session.names.expire(session.now), session.now), [(ip("8.8.8.8"), None)]);
    assert_eq!(session.names.next_expiry(), None);
}

#[test]
fn more_classes_than_there_are_places_end_early_and_come_back() {
    let domains: Vec<_> = (1..=6).map(|class| rule(&format!("n{class}.test"), class)).collect();
    let mut session = Session::new(NetworkPlan { domains, ..plan() });
    session.active = u64::MAX;
    let mut told = Vec::new();
    for class in 1..=6 {
        let name = format!("n{class}.test");
        let (_, changes) = session.resolve(&name, RecordType::A, &[address(&name, 100 * class, "8.8.8.8")]);
        told = changes.first().map(grants).unwrap();
    }
    let classes = told.iter().fold(0, |classes, grant| classes | grant.0);
    assert_eq!((told.len(), classes), (4, 0b111_1110));
    for (bits, _, end) in &told {
        // No class is open for longer than its own name says.
        assert!((1..=6).filter(|class| bits & (1 << class) != 0).all(|class| *end <= 100 * class));
    }
    let mut at = 0;
    while let Some(next) = session.names.next_expiry() {
        session.now = next;
        at = next / SECOND - 1_000;
        for change in session.names.expire(next).iter().filter(|change| change.learned.is_some()) {
            let open = grants(change).iter().fold(0, |open, grant| open | grant.0);
            let due = (1..=6).filter(|class| 100 * class > at).fold(0, |due, class| due | 1 << class);
            assert_eq!(open, due, "after {at} s every name that still holds is open");
        }
    }
    assert_eq!(at, 600);
}

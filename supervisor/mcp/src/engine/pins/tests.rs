//! Lists without an end.

use pins::{Identity, List, Lock, Surface};
use policy::plan::{FirstUse, OnChange, PinsPlan, RuleId};

use super::{MOST_PAGES, Pinning, Pins};
use crate::fact::Fact;

fn pins(lock: Lock) -> Pins {
    let plan = PinsPlan {
        lock: None,
        first_use: FirstUse::Record,
        on_change: OnChange::Quarantine,
        from: RuleId(0),
    };
    Pins::new(plan, Pinning { name: "s".to_owned(), lock, identity: Identity::default() })
}

/// A page with one tool of this name that is not the last one.
fn page(pins: &mut Pins, tool: &str, first: bool) -> Option<Fact> {
    pins.page(List::Tools, format!(r#"[{{"name":"{tool}"}}]"#).as_bytes(), first, false)
}

#[test]
fn a_list_that_never_ends_is_met_up_to_a_page_and_what_comes_later_is_new() {
    let mut pins = pins(Lock::default());
    for at in 0..MOST_PAGES {
        let met = page(&mut pins, &format!("t{at}"), at == 0);
        assert!(matches!(met, Some(Fact::ServerPinned { .. })), "{at}");
    }
    assert!(page(&mut pins, "late", false).is_none());
    assert!(pins.closed(List::Tools, "late").is_some() && pins.closed(List::Tools, "t9").is_none());
    // In another session as well.
    let mut next = self::pins(pins.lock);
    assert!(page(&mut next, "t0", true).is_none());
    let told = page(&mut next, "late", false);
    assert!(matches!(told, Some(Fact::ServerChanged { closed, .. }) if closed == ["late"]));
}

#[test]
fn one_listing_is_the_first_use_whether_it_ends_or_not() {
    let mut lock = Lock::default();
    let mut seen = Surface::default();
    let tool: &serde_json::value::RawValue = serde_json::from_str(r#"{"name":"a"}"#).unwrap();
    seen.add_tool(pins::Tool::read(tool).unwrap()).unwrap();
    lock.accept("s", &seen).unwrap();
    let mut pins = pins(lock);
    assert!(pins.closed(List::Tools, "a").is_none() && pins.closed(List::Tools, "b").is_some());
    let told = page(&mut pins, "b", true);
    assert!(matches!(told, Some(Fact::ServerChanged { closed, .. }) if closed == ["b"]));
    assert!(pins.closed(List::Tools, "b").is_some());
    // Prompts are another list, of which nothing is known yet.
    let met = pins.page(List::Prompts, br#"[{"name":"p"}]"#, true, false);
    assert!(matches!(met, Some(Fact::ServerPinned { .. })));
    assert!(pins.closed(List::Prompts, "p").is_none());
}

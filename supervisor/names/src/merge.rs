//! What names grant to one address → the four places of [`abi::Learned`].

use abi::{LEARNINGS, Learned, Learning};
use policy::plan::RuleId;

use crate::rules::Grant;

/// Until when an address is granted to classes in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) classes: u64,
    pub(crate) checked: bool,
    pub(crate) rule: RuleId,
    pub(crate) until_ns: u64,
}

impl End {
    pub(crate) fn new(grant: Grant, until_ns: u64) -> Self {
        let Grant { classes, checked, rule } = grant;
        Self { classes, checked, rule, until_ns }
    }
}

/// What holds from `now_ns` on. As long as it fits it says exactly what the ends say. If it does not, neighbours of one
/// way become one that ends with the first of them: less is open than could be, until that end is rewritten.
pub(crate) fn learned(ends: &[End], now_ns: u64) -> Learned {
    let mut steps = steps(ends, now_ns);
    while steps.len() > LEARNINGS {
        let Some(at) = nearest(&steps) else { break };
        let later = steps.remove(at);
        // The earlier one is next: its end and its rule stay.
        steps[at].classes |= later.classes;
    }
    let mut learned = Learned::default();
    for (place, step) in learned.grants.iter_mut().zip(steps) {
        let End { classes, checked, rule, until_ns } = step;
        *place = Learning { classes, until_ns, rule: rule.0, checked: checked.into() };
    }
    learned
}

/// The ends that say something new, by way and from the last one on. What has all its classes granted for longer in the
/// same way says nothing.
fn steps(ends: &[End], now_ns: u64) -> Vec<End> {
    let mut steps: Vec<End> = ends.iter().filter(|end| end.until_ns > now_ns).copied().collect();
    steps.sort_by_key(|end| (end.checked, std::cmp::Reverse(end.until_ns)));
    let mut granted = (false, 0);
    steps.retain_mut(|step| {
        let before = if granted.0 == step.checked { granted.1 } else { 0 };
        granted = (step.checked, before | step.classes);
        step.classes & !before != 0
    });
    steps
}

/// Of the neighbours of one way those whose ends lie nearest: the index of the later one.
fn nearest(steps: &[End]) -> Option<usize> {
    let apart = |at: &usize| steps[*at].until_ns - steps[at + 1].until_ns;
    (0..steps.len().saturating_sub(1))
        .filter(|at| steps[*at].checked == steps[at + 1].checked)
        .min_by_key(apart)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn end(classes: u64, checked: bool, until_ns: u64) -> End {
        End { classes, checked, rule: RuleId(classes as u32), until_ns }
    }

    fn told(learned: &Learned) -> Vec<(u64, u64, u32)> {
        let used = learned.grants.iter().filter(|grant| grant.classes != 0);
        used.map(|grant| (grant.classes, grant.until_ns, grant.checked)).collect()
    }

    #[test]
    fn what_fits_is_told_as_it_is() {
        let ends = [end(1, true, 100), end(2, true, 50), end(4, false, 10), end(2, true, 5), end(8, true, 4)];
        assert_eq!(told(&learned(&ends, 5)), [(4, 10, 0), (1, 100, 1), (2, 50, 1)]);
        assert_eq!(learned(&ends, 100), Learned::default());
        assert_eq!(told(&learned(&ends, 99)), [(1, 100, 1)]);
    }

    #[test]
    fn what_does_not_fit_ends_with_the_first() {
        let ends: Vec<End> = [(1, 100), (2, 90), (4, 89), (8, 50), (16, 20)]
            .map(|(classes, until)| end(classes, true, until))
            .to_vec();
        assert_eq!(told(&learned(&ends, 0)), [(1, 100, 1), (6, 89, 1), (8, 50, 1), (16, 20, 1)]);
        assert_eq!(told(&learned(&ends, 89)), [(1, 100, 1), (2, 90, 1)]);
    }

    fn open(grants: impl Iterator<Item = (u64, bool, u64)>, class: u64, way: bool, now: u64) -> bool {
        let mut grants = grants;
        grants.any(|(classes, checked, until)| classes & class != 0 && checked == way && until > now)
    }

    proptest! {
        #[test]
        fn never_open_for_longer(
            ends in prop::collection::vec((1_u64..256, any::<bool>(), 1_u64..20), 0..12), now in 0_u64..20
        ) {
            let ends: Vec<End> = ends.into_iter().map(|(classes, way, until)| end(classes, way, until)).collect();
            let learned = learned(&ends, now);
            let fits = steps(&ends, now).len() <= LEARNINGS;
            for at in now..21 {
                for (class, way) in (0..8).flat_map(|bit| [(1 << bit, true), (1 << bit, false)]) {
                    let meant = open(ends.iter().map(|e| (e.classes, e.checked, e.until_ns)), class, way, at);
                    let told = learned.grants.iter().map(|g| (g.classes, g.checked == 1, g.until_ns));
                    let told = open(told, class, way, at);
                    prop_assert!(!told || meant);
                    // What is open now stays open until something ends: nothing is forgotten by putting together.
                    prop_assert!(!meant || told || (!fits && at > now));
                }
            }
        }
    }
}

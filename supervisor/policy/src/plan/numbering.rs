//! Which numbers the grant classes of a session have: the same grants keep their number when the policy is another one.

use std::collections::BTreeMap;

use super::{ClassId, MAX_CLASSES};

/// The numbers that grant classes have in a session, by what they grant. None is ever used for other grants: a bit of the
/// active set, and a connection that was let through in a class, mean the same or nothing under every policy of the session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbering(BTreeMap<u64, ClassId>);

impl Numbering {
    /// Takes what somebody else tells of a numbering; `None`: it is none, because a number is 0, too high or there twice.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (u64, u8)>) -> Option<Self> {
        let mut numbering = Self::default();
        for (grants, number) in pairs {
            let class = ClassId::new(number.into()).filter(|class| *class != ClassId::ALWAYS)?;
            let is_new = !numbering.0.values().any(|known| *known == class);
            if !is_new || numbering.0.insert(grants, class).is_some() {
                return None;
            }
        }
        Some(numbering)
    }

    /// The first eight bytes of SHA-256 over what each class grants, and its number.
    pub fn pairs(&self) -> impl Iterator<Item = (u64, u8)> + '_ {
        self.0.iter().map(|(grants, class)| (*grants, class.number()))
    }

    /// The number of these grants, and whether it is a new one; `None`: there is no number left.
    pub(crate) fn number(&mut self, grants: u64) -> Option<ClassId> {
        if let Some(known) = self.0.get(&grants) {
            return Some(*known);
        }
        let is_free = |class: &ClassId| !self.0.values().any(|known| known == class);
        let class = (1..MAX_CLASSES).filter_map(ClassId::new).find(is_free)?;
        self.0.insert(grants, class);
        Some(class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_never_used_for_other_grants() {
        let mut first = Numbering::default();
        let numbers = [7, 8, 7].map(|grants| first.number(grants).expect("there are some").number());
        assert_eq!(numbers, [1, 2, 1]);
        let mut second = Numbering::from_pairs(first.pairs()).expect("a numbering");
        assert_eq!(second.number(9).map(ClassId::number), Some(3));
        assert_eq!(second.number(8).map(ClassId::number), Some(2));
    }

    #[test]
    fn there_are_so_many() {
        let mut numbering = Numbering::default();
        assert!((0..63).all(|grants| numbering.number(grants).is_some()));
        assert_eq!((numbering.number(99), numbering.number(5).map(ClassId::number)), (None, Some(6)));
    }

    #[test]
    fn what_is_no_numbering_is_refused() {
        for pairs in [&[(1, 0)][..], &[(1, 64)], &[(1, 3), (2, 3)], &[(1, 3), (1, 4)]] {
            assert_eq!(Numbering::from_pairs(pairs.iter().copied()), None, "{pairs:?}");
        }
    }
}

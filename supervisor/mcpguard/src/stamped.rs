//! A rule by the number that the kernel told of: of the policy in force, or of the one before it, under which something may
//! have been denied that is told of only now.

/// The rule, if `number` is one of the policy whose `stamp` it is (see [`abi::stamped`]) or of the one before.
pub(crate) fn rule<'a, Rule>(
    number: u32,
    stamp: u8,
    now: &'a [Rule],
    before: &'a [Rule],
) -> Option<&'a Rule> {
    let (rule, of) = abi::unstamped(number)?;
    let rules = match of {
        of if of == u32::from(stamp) => now,
        of if of + 1 == u32::from(stamp) => before,
        _ => return None,
    };
    rules.get(usize::try_from(rule).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_of_the_policy_in_force_or_of_the_one_before() {
        let (now, before) = (["new 0", "new 1"], ["old 0"]);
        let of = |number, stamp| rule(number, stamp, &now, &before).copied();
        assert_eq!(of(abi::stamped(1, 3), 3), Some("new 1"));
        assert_eq!(of(abi::stamped(0, 2), 3), Some("old 0"));
        assert_eq!(of(abi::stamped(1, 2), 3), None, "the old policy had one rule");
        assert_eq!(of(abi::stamped(0, 1), 3), None, "two policies ago");
        assert_eq!(of(abi::stamped(0, 4), 3), None, "not in force yet");
        assert_eq!(of(abi::NO_RULE, 3), None);
    }
}

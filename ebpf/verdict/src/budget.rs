//! Budgets of calls: what is spent while a call is in flight counts for every call that may have spent it.
//!
//! A server is one program, so that nobody can tell which of two calls made it connect. What only some classes are granted
//! counts for those; what is granted always may be for any call. No call thus ever spends more than it has; with several in
//! flight, one may be charged for another.

use abi::{ALWAYS, Budget};

/// The classes of `budgets` that are charged for what `granted` allows under the active set.
#[inline(always)]
pub fn charged(granted: u64, active: u64, budgets: u64) -> u64 {
    let may_be = if granted & ALWAYS != 0 { active } else { granted & active };
    may_be & budgets
}

/// What has been spent once `amount` more is; `None` if there is not so much left.
#[inline(always)]
pub fn take(budget: &Budget, amount: u64) -> Option<u64> {
    let left = budget.granted.saturating_sub(budget.spent);
    if amount > left { None } else { Some(budget.spent.wrapping_add(amount)) }
}

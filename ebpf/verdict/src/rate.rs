//! Rates: the generic cell rate algorithm (ITU-T I.371 annex A, virtual scheduling) on one word.

use abi::Rate;

/// What taking tokens leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// There is no limit; nothing is to be stored.
    Unlimited,
    /// They are there: store this in place of the old word, if that has not changed meanwhile.
    Store(u64),
    /// There are not enough.
    Over,
}

/// Takes `amount` tokens. `back_at`: when those that were taken will be back; `now`: on the same clock.
#[inline(always)]
pub fn take(rate: &Rate, back_at: u64, now: u64, amount: u64) -> Taken {
    if rate.interval_ns == 0 {
        return Taken::Unlimited;
    }
    // Compared by division: the product is at most the window then.
    if amount > rate.window_ns / rate.interval_ns {
        return Taken::Over;
    }
    let taken = back_at.saturating_sub(now);
    let free = rate.window_ns.saturating_sub(taken);
    let wanted = rate.interval_ns.wrapping_mul(amount);
    if wanted > free { Taken::Over } else { Taken::Store(now.wrapping_add(taken).wrapping_add(wanted)) }
}

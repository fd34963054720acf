//! What is counted on the way out: connections, the addresses that they go to, and what calls may spend.

use abi::{Bucket, Budget, CLASSES, DESTINATION_NS, DestinationKey, Reason, SPENDINGS, Spending};
use verdict::{Denial, budget};

use crate::kernel::opaque;
use crate::maps::{ACTIVE, DESTINATIONS};
use crate::member::{Member, now_ns};
use crate::rate;
use crate::told::Told;

/// The answer of [`charge`] to what cannot be.
const FAILED: u32 = u32::MAX;

/// A new connection to somewhere that these classes are granted.
#[inline(always)]
pub(crate) fn connection(member: &Member, told: &Told, classes: u64) -> Result<(), Denial> {
    take(member, Bucket::Connect, 1)?;
    destination(member, told)?;
    spend(member, classes, Spending::Connections, 1)?;
    // SAFETY: a map value.
    unsafe { rate::add(&raw mut (*member.state).connects, 1) };
    Ok(())
}

/// An address that the session goes to; it costs a token if it has not been for a while.
#[inline(always)]
pub(crate) fn destination(member: &Member, told: &Told) -> Result<(), Denial> {
    if member.policy.rates[Bucket::Destination as usize].interval_ns == 0 {
        return Ok(());
    }
    let words = [told[0], told[1], u64::from(member.slot)];
    // SAFETY: the three words are a key (see `reach`).
    let key = unsafe { words.as_ptr().cast::<DestinationKey>().read() };
    let now = now_ns();
    // SAFETY: the value is a number that is read once.
    if unsafe { DESTINATIONS.get(&key) }.is_some_and(|until| *until > now) {
        return Ok(());
    }
    take(member, Bucket::Destination, 1)?;
    // What cannot be kept costs a token again.
    let _ = DESTINATIONS.insert(&key, now + DESTINATION_NS, 0);
    Ok(())
}

/// Takes tokens from a bucket of the session.
#[inline(always)]
pub(crate) fn take(member: &Member, bucket: Bucket, amount: u64) -> Result<(), Denial> {
    let limit = member.policy.rates[bucket as usize].interval_ns;
    if limit != 0 && rate::take(member.rules, bucket as u32, amount) != 0 {
        return Err(Denial::rate(bucket));
    }
    Ok(())
}

/// Charges the calls in flight.
#[inline(always)]
pub(crate) fn spend(member: &Member, classes: u64, what: Spending, amount: u64) -> Result<(), Denial> {
    let charged = budget::charged(classes, member.active, member.policy.budgets[what as usize]);
    if charged == 0 {
        return Ok(());
    }
    match charge(member.slot, what as u32, charged, amount) {
        0 => Ok(()),
        FAILED => Err(Denial::of(Reason::Internal)),
        rule => Err(Denial::budget(what, rule - 1)),
    }
}

/// Charges each of these classes: 0, [`FAILED`], or one more than the rule of the first that has not so
/// much left. A boundary of the verifier.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn charge(slot: u32, what: u32, classes: u64, amount: u64) -> u32 {
    for class in 0..CLASSES as u32 {
        if classes >> class & 1 != 0 {
            let failed = charge_class(slot, what, class, amount);
            if failed != 0 {
                return failed;
            }
        }
    }
    0
}

/// Charges one class; answers as [`charge`]. A boundary of the verifier.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn charge_class(slot: u32, what: u32, class: u32, amount: u64) -> u32 {
    let Some(active) = ACTIVE.get_value_ptr_mut(slot, &0) else { return FAILED };
    let what = opaque(what as usize);
    let class = opaque(class as usize);
    if what >= SPENDINGS || class >= CLASSES {
        return FAILED;
    }
    // SAFETY: a map value, within the arrays.
    let budget = unsafe { (&raw mut (*active).budgets).cast::<Budget>().add(what * CLASSES + class) };
    for _ in 0..rate::TRIES {
        // SAFETY: as above; each is a word of its own.
        let (granted, spent) = unsafe {
            ((&raw const (*budget).granted).read_volatile(), (&raw const (*budget).spent).read_volatile())
        };
        let seen = Budget { granted, spent, rule: 0, padding: 0 };
        let Some(next) = budget::take(&seen, amount) else { break };
        // SAFETY: as above.
        if unsafe { rate::exchange(&raw mut (*budget).spent, spent, next) } == spent {
            return 0;
        }
    }
    // Without a rule it is denied all the same: the sum must not come out as 0.
    // SAFETY: as above.
    unsafe { (*budget).rule }.saturating_add(1)
}

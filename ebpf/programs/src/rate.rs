//! Token buckets: one word each, replaced only if nobody else replaced it meanwhile.

use core::arch::asm;

use abi::{BUCKETS, Bucket, Rate, slot_of};
use aya_ebpf::helpers::generated::bpf_ktime_get_ns;
use verdict::Denial;
use verdict::rate::Taken;

use crate::maps::{POLICIES, STATES};
use crate::scope::Subject;

/// How often a bucket is tried. Whoever loses this often is over the limit: many others have just taken tokens.
pub(crate) const TRIES: usize = 8;

/// Takes one token.
#[inline(always)]
pub(crate) fn one(subject: &Subject, bucket: Bucket) -> Result<(), Denial> {
    // SAFETY: a map value, and the index of an enum in its array.
    let limit = unsafe { (*subject.policy).rates[bucket as usize].interval_ns };
    if limit == 0 || take(subject.rules, bucket as u32, 1) == 0 {
        return Ok(());
    }
    // SAFETY: the task's own storage.
    unsafe { (*subject.task).decision.access = bucket as u32 };
    Err(Denial::rate(bucket))
}

/// Takes tokens from the bucket of a policy's session: 0, or 1 if there are not enough. A boundary of the verifier.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn take(rules: u32, bucket: u32, amount: u64) -> u32 {
    let (Some(policy), Some(state)) = (POLICIES.get_ptr(rules), STATES.get_ptr_mut(slot_of(rules))) else {
        return 1;
    };
    let bucket = bucket as usize;
    if bucket >= BUCKETS {
        return 1;
    }
    // SAFETY: map values, within the arrays.
    let (rate, word) = unsafe {
        (
            (&raw const (*policy).rates).cast::<Rate>().add(bucket).read(),
            (&raw mut (*state).buckets).cast::<u64>().add(bucket),
        )
    };
    for _ in 0..TRIES {
        // SAFETY: as above.
        let back_at = unsafe { word.read_volatile() };
        // SAFETY: the helper has no preconditions.
        let now = unsafe { bpf_ktime_get_ns() };
        match verdict::rate::take(&rate, back_at, now, amount) {
            Taken::Unlimited => return 0,
            Taken::Over => return 1,
            // SAFETY: as above.
            Taken::Store(next) if unsafe { exchange(word, back_at, next) } == back_at => return 0,
            Taken::Store(_) => {}
        }
    }
    1
}

/// Compare and exchange, Linux 5.12; returns what was there. The compiler offers none for BPF.
///
/// # Safety
/// `place` is in a map value.
#[inline(always)]
pub(crate) unsafe fn exchange(place: *mut u64, old: u64, new: u64) -> u64 {
    let found;
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "r0 = cmpxchg_64({place} + 0, r0, {new})",
            place = in(reg) place,
            new = in(reg) new,
            inout("r0") old => found,
        );
    }
    found
}

/// Adds atomically and returns what was there, Linux 5.12.
///
/// # Safety
/// `place` is in a map value.
#[inline(always)]
pub(crate) unsafe fn add(place: *mut u64, amount: u64) -> u64 {
    let found;
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "{value} = atomic_fetch_add((u64 *)({place} + 0), {value})",
            place = in(reg) place,
            value = inout(reg) amount => found,
        );
    }
    found
}

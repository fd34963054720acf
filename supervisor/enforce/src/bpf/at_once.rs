//! Many programs at once: the kernel checks each on the processor that asks, and most of a layer's start is that.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;
use std::time::Duration;

use super::program::ProgramError;
use crate::sys;

type Loaded = Result<OwnedFd, ProgramError>;

/// Loads on every processor. The results are in the order of the names.
///
/// A process that had one thread has one again when this returns.
pub(super) fn at_once(names: &[&'static str], load: impl Fn(&'static str) -> Loaded + Sync) -> Vec<Loaded> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS);
    if workers == 1 {
        return names.iter().map(|name| load(name)).collect();
    }
    let alone = sys::has_one_thread();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some((index, name)) = take(&next, names) {
            done.push((index, load(name)));
        }
        done
    };
    let mut results: Vec<(usize, Loaded)> = std::thread::scope(|scope| {
        // A thread that cannot be had leaves more to this one.
        let other = |_| Builder::new().spawn_scoped(scope, work).ok();
        let others: Vec<_> = (1..workers).filter_map(other).collect();
        let own = work();
        own.into_iter().chain(others.into_iter().flat_map(|other| other.join().unwrap_or_default())).collect()
    });
    wait_until_alone(alone);
    results.sort_by_key(|(index, _)| *index);
    let lost = names.len() - results.len();
    let missing = std::iter::repeat_with(|| Err(ProgramError::Missing("a program"))).take(lost);
    results.into_iter().map(|(_, loaded)| loaded).chain(missing).collect()
}

/// More than these only wait for each other's memory.
const MOST_WORKERS: usize = 8;

fn take(next: &AtomicUsize, names: &[&'static str]) -> Option<(usize, &'static str)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    names.get(index).map(|name| (index, *name))
}

/// A thread that was joined is listed for a moment longer, and who forks must have one thread.
fn wait_until_alone(alone: bool) {
    for _ in 0..1000 {
        if !alone || sys::has_one_thread() {
            return;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
}

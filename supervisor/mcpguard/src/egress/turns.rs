//! Waiting for a call: one of those who wait looks at the active classes, and wakes the others when they change. Thousands
//! of connections may rest when a tool's call is over; they cost one look every few milliseconds.

use std::cell::Cell;
use std::time::Duration;

use tokio::sync::Notify;

/// How often is looked.
const GLANCE: Duration = Duration::from_millis(5);

/// Those who wait.
#[derive(Debug, Default)]
pub(super) struct Turns {
    is_watched: Cell<bool>,
    changed: Notify,
}

/// The one who looks. When it goes, another one has to.
struct Watcher<'a>(&'a Turns);

impl Turns {
    /// Waits until one of these classes is active; at once if one is. `moment` tells the active classes and the last call,
    /// without which a class that was closed and opened between two looks would not be noticed.
    pub(super) async fn wait(&self, classes: u64, moment: impl Fn() -> (u64, u64)) {
        loop {
            let now = moment();
            if now.0 & classes != 0 {
                return;
            }
            match self.is_watched.replace(true) {
                true => self.changed.notified().await,
                false => Watcher(self).watch(now, &moment).await,
            }
        }
    }
}

impl Watcher<'_> {
    async fn watch(&self, before: (u64, u64), moment: &impl Fn() -> (u64, u64)) {
        while moment() == before {
            tokio::time::sleep(GLANCE).await;
        }
    }
}

impl Drop for Watcher<'_> {
    fn drop(&mut self) {
        self.0.is_watched.set(false);
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use tokio::task::{LocalSet, spawn_local};
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn when_the_one_who_looks_goes_another_one_looks() {
        let (turns, active) = (Rc::new(Turns::default()), Rc::new(Cell::new(1)));
        let waits = |classes| {
            let (turns, active) = (Rc::clone(&turns), Rc::clone(&active));
            spawn_local(async move { turns.wait(classes, || (active.get(), 0)).await })
        };
        LocalSet::new()
            .run_until(async {
                let (first, second, third) = (waits(2), waits(2), waits(4));
                tokio::time::sleep(GLANCE * 3).await;
                assert!(!first.is_finished() && !second.is_finished());
                first.abort();
                active.set(1 | 2);
                timeout(GLANCE * 100, second).await.expect("woken").expect("no panic");
                assert!(!third.is_finished(), "it waits for another class");
                active.set(4);
                timeout(GLANCE * 100, third).await.expect("woken").expect("no panic");
            })
            .await;
    }
}

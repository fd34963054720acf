//! Everybody who is told, each with a queue of its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use audit::Body;
use jiff::Timestamp;
use policy::plan::AlertTargets;

use super::found::{Message, Place};
use super::outlet::Outlet;
use super::running::Running;
use super::ways;

/// How long a session's end waits for whoever is told.
const FAREWELL: Duration = Duration::from_millis(1500);

/// Everybody who is told.
pub(super) struct Desk {
    outlets: Vec<Outlet>,
    /// Those of earlier policies, as long as something waits for them.
    retired: Vec<Outlet>,
    open: bool,
    /// Held while a program is started; see [`Self::quiet`].
    running: Arc<Mutex<Running>>,
}

impl Desk {
    pub(super) fn of(to: &AlertTargets) -> Self {
        let running = Arc::default();
        Self { outlets: outlets(to, &running), retired: Vec::new(), open: false, running }
    }

    /// Starts the threads.
    pub(super) fn open(&mut self) {
        self.open = true;
        self.outlets.iter_mut().for_each(Outlet::open);
    }

    /// Others are told from now on. What waits for those of before is told to them.
    pub(super) fn replace(&mut self, to: &AlertTargets) {
        let old = std::mem::replace(&mut self.outlets, outlets(to, &self.running));
        self.retired.extend(old);
        self.retired.iter_mut().for_each(Outlet::close);
        if self.open {
            self.open();
        }
    }

    pub(super) fn tell(&mut self, body: &Body, line: &str, place: &Place<'_>, policy: &str) {
        let message = Arc::new(Message {
            time: Timestamp::now(),
            session: place.session.to_owned(),
            policy: policy.to_owned(),
            seq: place.seq,
            body: body.clone(),
            line: line.to_owned(),
        });
        let now = Instant::now();
        self.outlets.iter_mut().for_each(|outlet| outlet.offer(&message, now));
    }

    /// The end of a session kills every child of this process: what is started meanwhile would die with them.
    pub(super) fn quiet(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for what waits, a short time for all together, then ends programs that still run; how often somebody was not told.
    pub(super) fn close(&mut self) -> u64 {
        let until = Instant::now() + FAREWELL;
        self.open();
        let mut all: Vec<Outlet> = self.retired.drain(..).chain(self.outlets.drain(..)).collect();
        all.iter_mut().for_each(Outlet::close);
        let untold = all.into_iter().map(|outlet| outlet.end(until)).sum();
        self.quiet().close();
        untold
    }
}

impl Drop for Desk {
    /// A session that fails half-way has told all the same.
    fn drop(&mut self) {
        let _ = self.close();
    }
}

fn outlets(to: &AlertTargets, running: &Arc<Mutex<Running>>) -> Vec<Outlet> {
    let AlertTargets { stderr, command, webhook, syslog } = to;
    let mut all = Vec::new();
    if *stderr {
        all.push(Outlet::new("stderr", ways::Stderr));
    }
    if let Some(argv) = command {
        all.push(Outlet::new("command", ways::Program::new(argv.clone(), Arc::clone(running))));
    }
    if let Some(webhook) = webhook {
        all.push(Outlet::new("webhook", ways::Server::new(webhook.clone())));
    }
    if *syslog {
        all.push(Outlet::new("syslog", ways::HostSyslog::default()));
    }
    all
}

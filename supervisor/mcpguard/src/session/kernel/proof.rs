//! The canary's rounds: one after another, as long as the session lasts. The first one came before the server's first
//! instruction.

use std::time::{Duration, Instant};

use enforce::{Enclosure, KernelEvent, Proof};

/// How often a canary at work is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// The proofs of one session.
pub(super) struct Proofs {
    running: Option<Proof>,
    next: Option<Instant>,
    every: Duration,
}

impl Proofs {
    /// Nothing is proved where no program watches.
    pub(super) fn new(enclosure: Option<&Enclosure>, every: Duration) -> Self {
        let watched = enclosure.is_some_and(Enclosure::is_watched);
        Self { running: None, next: watched.then(|| Instant::now() + every), every }
    }

    /// When to look again.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Whether an event is the canary's; then it is kept as its proof.
    pub(super) fn is_canary(&mut self, event: &KernelEvent) -> bool {
        match &mut self.running {
            Some(proof) if proof.process() == event.process => {
                proof.hear(event.clone());
                true
            }
            _ => false,
        }
    }

    /// Does what is due; an error is a proof that failed.
    pub(super) fn go_on(&mut self, enclosure: &mut Enclosure, now: Instant) -> Result<(), String> {
        if self.next.is_none_or(|next| now < next) {
            return Ok(());
        }
        let Some(proof) = &mut self.running else {
            self.running = Some(Proof::start(enclosure).map_err(|error| error.to_string())?);
            self.next = Some(now + GLANCE);
            return Ok(());
        };
        let done = proof.check(enclosure, now).map_err(|error| error.to_string())?;
        if let Some(proof) = self.running.take_if(|_| done) {
            proof.end(enclosure).map_err(|error| error.to_string())?;
        }
        self.next = Some(now + if done { self.every } else { GLANCE });
        Ok(())
    }
}

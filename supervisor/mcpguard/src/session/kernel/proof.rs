//! The canary's rounds: one after another, as long as the session lasts. The first one came before the server's first
//! instruction.

use std::time::{Duration, Instant};

use enforce::{Enclosure, KernelEvent, Proof, ProofFailure};

/// How often a canary at work is looked at.
const GLANCE: Duration = Duration::from_millis(20);
/// So many canaries in a row may go unheard because the server fills the ring of events; it could silence them for ever.
const UNHEARD: u32 = 10;
/// The time between two of them.
const AGAIN: Duration = Duration::from_secs(1);

/// The proofs of one session.
pub(super) struct Proofs {
    running: Option<Proof>,
    next: Option<Instant>,
    every: Duration,
    unheard: u32,
}

impl Proofs {
    /// Nothing is proved where no program watches.
    pub(super) fn new(enclosure: Option<&Enclosure>, every: Duration) -> Self {
        let watched = enclosure.is_some_and(Enclosure::is_watched);
        Self { running: None, next: watched.then(|| Instant::now() + every), every, unheard: 0 }
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

    /// Another policy is put in force: a canary that runs tries what the old one closes. Another one follows.
    pub(super) fn begin_again(&mut self, enclosure: &mut Enclosure, now: Instant) -> Result<(), String> {
        self.next = self.next.map(|_| now);
        match self.running.take() {
            Some(proof) => proof.end(enclosure).map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }

    /// Does what is due; an error is a proof that failed.
    pub(super) fn go_on(&mut self, enclosure: &mut Enclosure, now: Instant) -> Result<(), String> {
        if self.next.is_none_or(|next| now < next) {
            return Ok(());
        }
        if enclosure.is_frozen() {
            // A canary would stand still as well; whoever has stopped the session lets it go on, too.
            if let Some(proof) = self.running.take() {
                proof.end(enclosure).map_err(|error| error.to_string())?;
            }
            self.next = Some(now + AGAIN.min(self.every));
            return Ok(());
        }
        let Some(proof) = &mut self.running else {
            self.running = Some(Proof::start(enclosure).map_err(|error| error.to_string())?);
            self.next = Some(now + GLANCE);
            return Ok(());
        };
        let pause = match proof.check(enclosure, now) {
            Ok(false) => {
                self.next = Some(now + GLANCE);
                return Ok(());
            }
            Ok(true) => {
                self.unheard = 0;
                self.every
            }
            Err(ProofFailure::Unheard(_)) if self.unheard < UNHEARD => {
                self.unheard += 1;
                AGAIN.min(self.every)
            }
            Err(failure) => return Err(failure.to_string()),
        };
        if let Some(proof) = self.running.take() {
            proof.end(enclosure).map_err(|error| error.to_string())?;
        }
        self.next = Some(now + pause);
        Ok(())
    }
}

//! The canaries' rounds: each session is proved before its server's first instruction, and again and again.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::hosted::Stage;
use super::{HostError, Keeper, Key, Notice, Outcome};
use crate::bpf::{Bait, Canary};
use crate::enclosure::{Proof, ProofFailure};

/// How often a canary at work is looked at, unless it says something.
const GLANCE: Duration = Duration::from_millis(1);
/// So many canaries in a row may go unheard because the ring is full.
const UNHEARD: u32 = 10;
/// The time between two of them, and between two looks at a session that stands still.
const AGAIN: Duration = Duration::from_secs(1);

impl Keeper {
    /// Does what is due.
    pub(super) fn prove(&mut self, now: Instant) {
        while let Some((due, key)) = self.due.first().copied().filter(|(due, _)| *due <= now) {
            self.due.remove(&(due, key));
            let Some(hosted) = self.sessions.get(&key) else { continue };
            let outcome = match hosted.proof {
                Some(_) => self.look_at(key, now),
                None => self.start_proof(key).map(|()| now + self.pause(key)),
            };
            match outcome {
                Ok(next) => self.set_due(key, next),
                Err(error) => self.unproven(key, error),
            }
        }
    }

    /// How long until the next look: a session that stands still has no canary to look at.
    fn pause(&self, key: Key) -> Duration {
        let runs = self.sessions.get(&key).is_some_and(|hosted| hosted.proof.is_some());
        if runs { GLANCE } else { AGAIN }
    }

    /// Starts a canary in a session that does not stand still.
    pub(super) fn start_proof(&mut self, key: Key) -> Result<(), HostError> {
        let Some(hosted) = self.sessions.get_mut(&key) else { return Ok(()) };
        if hosted.group.as_ref().is_some_and(|group| group.is_frozen().unwrap_or(false)) {
            return Ok(());
        }
        let Some(generation) = self.generations.get_mut(&hosted.generation) else { return Ok(()) };
        let name = || self.place.bait_name().filter(|_| generation.layer.way().is_some());
        let bait = Bait { file: name(), address: Some(hosted.unreachable), program: name() };
        let state = generation.layer.state(&hosted.session)?;
        let (zygote, group) = (&mut self.zygote, hosted.group.as_ref());
        let canary = Canary::start_from(zygote, &mut generation.layer, &hosted.session, group, &bait)?;
        let proof = Proof::of(canary, Some(state.dropped[abi::CANARYS]));
        let watched = self.epoll.add(
            proof.words(),
            nix::sys::epoll::EpollEvent::new(nix::sys::epoll::EpollFlags::EPOLLIN, key.0),
        );
        hosted.proof = Some(proof);
        watched.map_err(HostError::Descriptors)
    }

    /// When to look again; an error is a proof that failed.
    fn look_at(&mut self, key: Key, now: Instant) -> Result<Instant, HostError> {
        let Some(hosted) = self.sessions.get_mut(&key) else { return Ok(now) };
        let Some(generation) = self.generations.get_mut(&hosted.generation) else { return Ok(now) };
        if hosted.group.as_ref().is_some_and(|group| group.is_frozen().unwrap_or(false)) {
            return self.drop_proof(key).map(|()| now + AGAIN);
        }
        let Some(proof) = &mut hosted.proof else { return Ok(now + GLANCE) };
        let pause = match proof.judge(&generation.ground(hosted.session.slot()), now) {
            Ok(false) => return Ok(now + GLANCE),
            Ok(true) => {
                hosted.unheard = 0;
                self.settings.canary
            }
            Err(ProofFailure::Unheard(_)) if hosted.unheard < UNHEARD && hosted.stage == Stage::Open => {
                hosted.unheard += 1;
                AGAIN
            }
            Err(failure) => return Err(failure.into()),
        };
        self.drop_proof(key)?;
        self.proven(key);
        Ok(now + pause)
    }

    pub(super) fn drop_proof(&mut self, key: Key) -> Result<(), HostError> {
        let Some(hosted) = self.sessions.get_mut(&key) else { return Ok(()) };
        let Some(generation) = self.generations.get_mut(&hosted.generation) else { return Ok(()) };
        match hosted.proof.take() {
            Some(proof) => Ok(generation.layer.end_canary(&hosted.session, proof.into_canary())?),
            None => Ok(()),
        }
    }

    fn proven(&mut self, key: Key) {
        let Some(hosted) = self.sessions.get_mut(&key) else { return };
        if hosted.stage != Stage::Opening {
            return self.notice(Notice::Proven(key));
        }
        let page = hosted.session.active.as_fd().try_clone_to_owned();
        match (page, self.bundles.remove(&key)) {
            (Ok(page), Some((opened, bundle))) => {
                hosted.stage = Stage::Open;
                self.outcomes.push(Outcome::Opened { key, opened, page, bundle });
            }
            _ => self.unproven(key, HostError::Descriptors(Errno::EMFILE)),
        }
    }

    /// What is not proved does not go on.
    fn unproven(&mut self, key: Key, error: HostError) {
        let Some(hosted) = self.sessions.get(&key) else { return };
        match hosted.stage {
            Stage::Opening => self.fail_if(true, key, error),
            Stage::Open => self.notice(Notice::Unproven(key, error.to_string())),
            Stage::Ending => {}
        }
        let _ = self.end(key);
    }
}

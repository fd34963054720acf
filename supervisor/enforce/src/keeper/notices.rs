//! What the kernel told, numbered, until somebody has written it down.

use super::{Keeper, Key, Notice, Outcome};
use crate::bpf::Event;

/// Events that are read at once.
const TURN: usize = 1024;

impl Keeper {
    /// Everything up to this number is written down.
    pub fn acknowledge(&mut self, number: u64) {
        self.generations.values_mut().for_each(|generation| generation.ring.acknowledge(number));
    }

    /// Numbers begin at 1 again, for a new listener; what nobody has acknowledged comes again.
    pub fn begin_again(&mut self) {
        self.number = 0;
        self.generations.values_mut().for_each(|generation| generation.ring.rewind());
    }

    pub(super) fn notice(&mut self, notice: Notice) {
        self.number += 1;
        self.outcomes.push(Outcome::Notice(self.number, notice));
    }

    /// Whether the last [`Self::work`] has told everything that had happened when it began.
    pub fn has_told_all(&self) -> bool {
        self.told_all
    }

    pub(super) fn read_rings(&mut self) {
        self.told_all = true;
        let names: Vec<String> = self.generations.keys().cloned().collect();
        for name in names {
            let end = self.generations.get(&name).map_or(0, |generation| generation.ring.end());
            for _ in 0..TURN {
                let Some(generation) = self.generations.get_mut(&name) else { break };
                let Some((event, place)) = generation.ring.next() else { break };
                let owner = generation.owner(&event);
                let Some(key) = owner else { continue };
                self.notice(Notice::Event(key, event));
                let number = self.number;
                if let Some(generation) = self.generations.get_mut(&name) {
                    generation.ring.given(number, place);
                }
            }
            if let Some(generation) = self.generations.get_mut(&name) {
                generation.ring.settle();
                self.told_all &= generation.ring.has_read(end);
            }
        }
    }

    /// A canary's event is its proof's, and nobody else's. What an earlier keeper's canary left is nobody's.
    pub(super) fn hear_canaries(&mut self) {
        let mut heard: Vec<(Key, Event)> = Vec::new();
        for generation in self.generations.values_mut() {
            while let Some(event) = generation.proofs.poll() {
                // What cannot be read will be missing.
                let Ok(event) = event else { continue };
                heard.extend(generation.owner(&event).map(|key| (key, event)));
            }
        }
        for (key, event) in heard {
            let proof = self.sessions.get_mut(&key).and_then(|hosted| hosted.proof.as_mut());
            if let Some(proof) = proof.filter(|proof| proof.process() == event.process) {
                proof.hear(event);
            }
        }
    }
}

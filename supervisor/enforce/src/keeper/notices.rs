//! What the kernel told, numbered, until somebody has written it down.

use super::{Keeper, Key, Notice, Outcome};
use crate::bpf::Event;

/// Events that are read at once.
const TURN: usize = 4096;

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

    pub(super) fn read_rings(&mut self) {
        let names: Vec<String> = self.generations.keys().cloned().collect();
        for name in names {
            for _ in 0..TURN {
                let Some(generation) = self.generations.get_mut(&name) else { break };
                let Some((event, place)) = generation.ring.next() else { break };
                let owner = generation.owner(&event);
                let Some(key) = owner.filter(|key| !self.is_canarys(*key, &event)) else { continue };
                self.notice(Notice::Event(key, event));
                let number = self.number;
                if let Some(generation) = self.generations.get_mut(&name) {
                    generation.ring.given(number, place);
                }
            }
            if let Some(generation) = self.generations.get_mut(&name) {
                generation.ring.settle();
            }
        }
    }

    /// A canary's event is its proof's, and nobody else's.
    fn is_canarys(&mut self, key: Key, event: &Event) -> bool {
        let proof = self.sessions.get_mut(&key).and_then(|hosted| hosted.proof.as_mut());
        match proof.filter(|proof| proof.process() == event.process) {
            Some(proof) => {
                proof.hear(event.clone());
                true
            }
            None => false,
        }
    }
}

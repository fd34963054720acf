//! What a session's resolver and proxy may do with the maps, from any thread: one address in or out, one arrival.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock};

use abi::{Learned, LearnedKey, Peer, PeerKey, Spending, rules_of};
use nix::errno::Errno;

use super::active::ActiveMask;
use crate::egress::{Egress, LearnError};
use crate::sys::Elements;

/// The maps of a session's names. They are the layer's; what is done here is done for one slot.
#[derive(Debug)]
pub(super) struct Names {
    slot: u32,
    /// The session's revision.
    revision: AtomicU32,
    learned: Elements<LearnedKey, Learned>,
    peers: Elements<PeerKey, Peer>,
    active: ActiveMask,
    /// Whether the slot is still the session's. Held while an address is made known, so that none comes after the end.
    open: RwLock<bool>,
    /// Whether something may have been learned, so that the end has to look for it.
    knows: AtomicBool,
}

impl Names {
    /// Of a session, over descriptors of its own.
    pub(super) fn new(
        slot: u32,
        revision: u32,
        learned: BorrowedFd<'_>,
        peers: BorrowedFd<'_>,
        active: &ActiveMask,
    ) -> Result<Self, Errno> {
        let own = |map: BorrowedFd<'_>| map.try_clone_to_owned().map_err(|_| Errno::EMFILE);
        Ok(Self {
            slot,
            revision: AtomicU32::new(revision),
            learned: Elements::new(own(learned)?)?,
            peers: Elements::new(own(peers)?)?,
            active: ActiveMask::new(own(active.as_fd())?)?,
            open: RwLock::new(true),
            knows: AtomicBool::new(false),
        })
    }

    /// Whose programs write there by themselves, or that an earlier process has told who knows what.
    pub(super) fn beside_others(self) -> Self {
        Self { knows: AtomicBool::new(true), ..self }
    }

    /// Whether something may have been learned since the session began. After [`Self::shut`] it stays as it is.
    pub(super) fn knows(&self) -> bool {
        self.knows.load(Ordering::Acquire)
    }

    /// From now on nothing is learned and nobody arrives: the slot may become another session's.
    pub(super) fn shut(&self) {
        // A thread that panicked while it held the lock has changed nothing that this one reads.
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = false;
    }

    /// Does something while the session is open.
    fn while_open<T>(&self, act: impl FnOnce() -> T) -> Option<T> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.then(act)
    }

    /// From now on addresses are those of this revision's policy.
    pub(super) fn follow_revision(&self, revision: u32) {
        self.revision.store(revision, Ordering::Release);
    }

    fn put(&self, address: IpAddr, revision: u32, learned: &Learned) -> Result<(), LearnError> {
        let put = self.while_open(|| {
            self.knows.store(true, Ordering::Release);
            self.learned.put(&self.key(address, revision), learned)
        });
        match put.unwrap_or(Err(Errno::EBADF)) {
            Ok(()) => Ok(()),
            Err(Errno::E2BIG | Errno::ENOSPC) => Err(LearnError::Full),
            Err(errno) => Err(LearnError::Kernel(errno)),
        }
    }

    fn key(&self, address: IpAddr, revision: u32) -> LearnedKey {
        LearnedKey { address: octets(address), rules: rules_of(self.slot, revision), padding: 0 }
    }
}

impl Egress for Names {
    fn learn(&self, address: IpAddr, learned: &Learned) -> Result<(), LearnError> {
        self.put(address, self.revision.load(Ordering::Acquire), learned)
    }

    fn learn_next(&self, address: IpAddr, learned: &Learned) -> Result<(), LearnError> {
        self.put(address, self.revision.load(Ordering::Acquire).wrapping_add(1), learned)
    }

    fn forget(&self, address: IpAddr) {
        // What is not known need not be forgotten, and taking away fails for no other reason.
        let revision = self.revision.load(Ordering::Acquire);
        let _ = self.while_open(|| self.learned.remove(&self.key(address, revision)));
    }

    fn arrived(&self, peer: SocketAddr) -> Option<SocketAddr> {
        let key = PeerKey { address: octets(peer.ip()), port: peer.port(), padding: [0; 3] };
        let own = |peer: &Peer| peer.slot == self.slot;
        // Another session's is left to its own proxy.
        let look = || self.peers.get(&key).ok().filter(own).and_then(|_| self.peers.take(&key).ok());
        let found = self.while_open(look).flatten().filter(own)?;
        let wanted = Ipv6Addr::from(found.wanted).to_canonical();
        Some(SocketAddr::new(wanted, found.wanted_port))
    }

    fn moment(&self) -> (u64, u64) {
        self.active.load()
    }

    fn follow(&self, active: u64, call: u64) {
        self.active.store(active, call);
    }

    fn grant(&self, what: Spending, class: u8, upto: u64) {
        self.active.grant(what, class, upto);
    }

    fn spent(&self, what: Spending, class: u8) -> u64 {
        self.active.spent(what, class)
    }
}

/// The address in its IPv6 form.
fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(four) => four.to_ipv6_mapped().octets(),
        IpAddr::V6(six) => six.octets(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use aya_obj::generated::bpf_map_type;

    use super::*;
    use crate::bpf::maps::create_active;
    use crate::sys::{self, MapShape};

    fn map(name: &'static str, key: usize, value: usize) -> Result<OwnedFd, Errno> {
        sys::map_create(&MapShape {
            kind: bpf_map_type::BPF_MAP_TYPE_HASH as u32,
            key_size: key as u32,
            value_size: value as u32,
            max_entries: 2,
            name,
            ..MapShape::default()
        })
    }

    /// Without a program: what is in the maps is seen by their own look-ups. Needs root, like every map.
    #[test]
    fn addresses_come_and_go_and_arrivals_are_told_once_and_to_their_own_session() {
        let made = map("learned", size_of::<LearnedKey>(), size_of::<Learned>());
        let (Ok(learned), true) = (made, nix::unistd::geteuid().is_root()) else {
            assert!(create_active().is_err(), "only root makes maps");
            return;
        };
        let peers = map("peers", size_of::<PeerKey>(), size_of::<Peer>()).unwrap();
        let active = ActiveMask::new(create_active().unwrap()).unwrap();
        let names = Names::new(3, 0, learned.as_fd(), peers.as_fd(), &active).unwrap();
        assert_eq!(Names::new(3, 0, peers.as_fd(), learned.as_fd(), &active).map(drop), Err(Errno::EINVAL));

        let address = |last| IpAddr::from([192, 0, 2, last]);
        assert_eq!(names.learn(address(1), &Learned::default()), Ok(()));
        assert_eq!(names.learn(address(2), &Learned::default()), Ok(()));
        assert_eq!(names.learn(address(3), &Learned::default()), Err(LearnError::Full));
        assert!(names.learned.get(&names.key(address(1), 0)).is_ok());
        names.forget(address(1));
        assert_eq!(names.learned.get(&names.key(address(1), 0)), Err(Errno::ENOENT));
        assert_eq!(names.learn_next(address(1), &Learned::default()), Ok(()));
        assert_eq!(names.learned.get(&names.key(address(1), 0)), Err(Errno::ENOENT), "it does not hold yet");
        names.follow_revision(1);
        names.forget(address(1));
        assert_eq!(names.learned.get(&names.key(address(1), 1)), Err(Errno::ENOENT));
        assert!(
            names.learned.get(&names.key(address(2), 0)).is_ok(),
            "the old one's stays until it is taken out"
        );

        let near: SocketAddr = "127.0.0.1:40000".parse().unwrap();
        let key = PeerKey { address: octets(near.ip()), port: near.port(), padding: [0; 3] };
        let wanted = octets(address(9));
        let peer = |slot| Peer { wanted, wanted_port: 443, padding: 0, slot };
        names.peers.put(&key, &peer(4)).unwrap();
        assert_eq!(names.arrived(near), None);
        assert_eq!(names.peers.get(&key).map(|peer| peer.slot), Ok(4), "another session's is taken away");
        names.peers.put(&key, &peer(3)).unwrap();
        assert_eq!(names.arrived(near), Some(SocketAddr::new(address(9), 443)));
        assert_eq!(names.arrived(near), None);

        names.follow(5, 6);
        assert_eq!((active.load(), names.moment()), ((5, 6), (5, 6)));
        names.peers.put(&key, &peer(3)).unwrap();
        names.shut();
        assert_eq!(names.arrived(near), None);
        assert!(matches!(names.learn(address(1), &Learned::default()), Err(LearnError::Kernel(_))));
    }
}

//! What the resolver, the proxy and the doorman share with the gate: the session's [`Egress`] where no eBPF program
//! decides.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use abi::{Door, Learned, Reason, Spending};
use nix::errno::Errno;
use nix::time::{ClockId, clock_gettime};
use verdict::network::{Moment, Passage, Wanted, bind, listens, reach};

use super::address;
use super::bounded::Bounded;
use super::counts::{Budgets, Counts};
use super::tables::{Tables, View};
use crate::egress::{Doors, Egress, LearnError};

/// Addresses that one session may know.
const MOST_LEARNED: usize = 1 << 16;

/// Connections that are on their way to the proxy. The oldest gives way to the newest; the proxy then closes it.
const MOST_ARRIVALS: usize = 1 << 16;

/// Connections by their near end, as the proxy sees it, and where each wanted to go.
pub(super) type Arrivals = Bounded<SocketAddr, SocketAddr>;

/// One session's network. Locks are held for moments only: nobody waits for a peer while he holds one.
#[derive(Debug)]
pub(crate) struct Session {
    tables: Tables,
    doors: Option<Doors>,
    learned: RwLock<HashMap<[u8; 16], Learned>>,
    arrivals: Mutex<Arrivals>,
    active: AtomicU64,
    call: AtomicU64,
    budgets: Budgets,
}

impl Session {
    pub(crate) fn new(tables: Tables, doors: Option<Doors>) -> Self {
        Self {
            budgets: Budgets::new(&tables.budgets),
            tables,
            doors,
            learned: RwLock::default(),
            arrivals: Mutex::new(Arrivals::new(MOST_ARRIVALS)),
            active: AtomicU64::new(abi::ALWAYS),
            call: AtomicU64::new(0),
        }
    }

    /// Where the doors are.
    pub(super) fn doors(&self) -> Option<Doors> {
        self.doors
    }

    /// Whether, and by which door, somebody may go to this address now.
    pub(super) fn reach(&self, to: SocketAddr, protocol: u32) -> Result<Passage, verdict::Denial> {
        let internal = |_| verdict::Denial::of(Reason::Internal);
        let now_ns = now().map_err(internal)?;
        let at = Moment { active: self.active.load(Ordering::Acquire), now_ns, session: self.tables.flags };
        let wanted = Wanted { address: &address::key(to.ip()), port: to.port(), protocol };
        let learned = self.learned.read().unwrap_or_else(PoisonError::into_inner);
        reach(&View { tables: &self.tables, learned: &learned }, &wanted, &at)
    }

    /// The port of a door on the loopback interface; `None` where there is none to go through.
    pub(super) fn port_of(&self, door: Door) -> Option<u16> {
        match door {
            Door::Direct => None,
            Door::Resolver => self.doors.map(|doors| doors.resolver),
            Door::Proxy => self.doors.map(|doors| doors.proxy),
        }
    }

    /// Whether a socket may be bound to this port.
    pub(super) fn bind(&self, port: u16) -> Result<(), verdict::Denial> {
        bind(&View { tables: &self.tables, learned: &HashMap::new() }, port, self.tables.flags)
    }

    /// Whether a socket that is bound to this port may listen; 0 for one that is not bound.
    pub(super) fn listen(&self, port: u16) -> Result<(), verdict::Denial> {
        match listens(&View { tables: &self.tables, learned: &HashMap::new() }, port, self.tables.flags) {
            true => Ok(()),
            false => Err(verdict::Denial::of(Reason::NotGranted)),
        }
    }

    /// Empty buckets for the gate.
    pub(super) fn counts(&self) -> Counts {
        Counts::new(self.tables.connections, self.tables.destinations)
    }

    /// Charges one connection, to where these classes may go, to the calls in flight.
    pub(super) fn charge(&self, classes: u64) -> Result<(), verdict::Denial> {
        self.budgets.connection(classes, self.active.load(Ordering::Acquire))
    }

    /// The connections on their way to the proxy, which asks for them behind the same lock.
    pub(super) fn arrivals(&self) -> MutexGuard<'_, Arrivals> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `CLOCK_BOOTTIME` in nanoseconds.
pub(super) fn now() -> Result<u64, Errno> {
    let time = std::time::Duration::from(clock_gettime(ClockId::CLOCK_BOOTTIME)?);
    u64::try_from(time.as_nanos()).map_err(|_| Errno::EOVERFLOW)
}

impl Egress for Session {
    fn learn(&self, address: IpAddr, learned: &Learned) -> Result<(), LearnError> {
        let mut known = self.learned.write().unwrap_or_else(PoisonError::into_inner);
        let key = address::key(address);
        if known.len() >= MOST_LEARNED && !known.contains_key(&key) {
            let now = now().map_err(LearnError::Kernel)?;
            known.retain(|_, learned| learned.grants.iter().any(|grant| grant.until_ns > now));
            if known.len() >= MOST_LEARNED {
                return Err(LearnError::Full);
            }
        }
        known.insert(key, *learned);
        Ok(())
    }

    /// Its rules are the session's for its whole life.
    fn learn_next(&self, _: IpAddr, _: &Learned) -> Result<(), LearnError> {
        Err(LearnError::Kernel(Errno::ENOTSUP))
    }

    fn forget(&self, address: IpAddr) {
        self.learned.write().unwrap_or_else(PoisonError::into_inner).remove(&address::key(address));
    }

    fn arrived(&self, peer: SocketAddr) -> Option<SocketAddr> {
        self.arrivals().remove(&address::canonical(peer))
    }

    fn moment(&self) -> (u64, u64) {
        (self.active.load(Ordering::Acquire), self.call.load(Ordering::Acquire))
    }

    fn follow(&self, active: u64, call: u64) {
        self.call.store(call, Ordering::Release);
        self.active.store(active, Ordering::Release);
    }

    fn grant(&self, what: Spending, class: u8, upto: u64) {
        // Nobody here sees what is sent on a connection (`coverage` says so).
        if what == Spending::Connections {
            self.budgets.grant(class, upto);
        }
    }

    fn spent(&self, what: Spending, class: u8) -> u64 {
        match what {
            Spending::Connections => self.budgets.spent(class),
            Spending::SentBytes => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::{LEARNINGS, Learning};

    fn learned(until_ns: u64) -> Learned {
        let grant = Learning { classes: 1, until_ns, rule: 7, checked: 0 };
        let mut grants = [Learning::default(); LEARNINGS];
        grants[0] = grant;
        Learned { grants }
    }

    /// Port 443 for names.
    fn session() -> Session {
        let key = abi::PortKey { port: 443, usage: abi::PortUse::Connect as u16, ..Default::default() };
        let ports = vec![(key, abi::Port { rule: abi::NO_RULE, flags: 0 })];
        Session::new(crate::encode::Tables { ports, ..Default::default() }.into(), None)
    }

    #[test]
    fn what_is_learned_holds_until_its_end() {
        let (session, address) = (session(), "192.0.2.1:443".parse::<SocketAddr>().expect("an address"));
        let reached = || session.reach(address, 6).is_ok();
        assert!(!reached());
        session.learn(address.ip(), &learned(u64::MAX)).expect("room");
        assert!(reached());
        let mapped = "[::ffff:192.0.2.1]:443".parse().expect("an address");
        assert!(session.reach(mapped, 6).is_ok(), "the same host");
        session.learn(address.ip(), &learned(1)).expect("room");
        assert!(!reached(), "the machine has run for longer than a nanosecond");
        session.learn(address.ip(), &learned(u64::MAX)).expect("room");
        session.follow(0b10, 3);
        assert!(!reached(), "its class is not active");
        assert_eq!(session.moment(), (0b10, 3));
        session.follow(1, 4);
        session.forget(address.ip());
        assert!(!reached());
    }

    #[test]
    fn a_full_session_forgets_what_has_ended_and_nothing_else() {
        let session = session();
        let host = |number: usize| IpAddr::from(std::net::Ipv4Addr::from_bits(number as u32));
        for number in 0..MOST_LEARNED {
            let until = if number == 5 { 1 } else { u64::MAX };
            session.learn(host(number), &learned(until)).expect("room");
        }
        assert_eq!(session.learn(host(MOST_LEARNED), &learned(u64::MAX)), Ok(()), "one has ended");
        assert_eq!(session.learn(host(MOST_LEARNED + 1), &learned(u64::MAX)), Err(LearnError::Full));
        assert_eq!(session.learn(host(1), &learned(u64::MAX)), Ok(()), "it is known already");
    }

    #[test]
    fn a_connection_arrives_once_in_whichever_form() {
        let session = session();
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        session.arrivals().insert(address("127.0.0.1:40000"), address("192.0.2.1:443"));
        assert_eq!(session.arrived(address("[::ffff:127.0.0.1]:40000")), Some(address("192.0.2.1:443")));
        assert_eq!(session.arrived(address("127.0.0.1:40000")), None);
    }
}

//! How many connections there are, whose they are, and how much is held for messages that are not complete.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::settings::Limits;

/// All seats.
#[derive(Debug)]
pub(super) struct Seats {
    limits: Limits,
    taken: RefCell<HashMap<u32, Taken>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    connections: usize,
    bytes: usize,
}

/// One connection's seat; free again with its drop.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Rc<Seats>,
    uid: u32,
    begun: Cell<usize>,
    opening: Cell<usize>,
}

/// There is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// The user's own.
    OfUser(usize),
    /// The host's.
    OfHost(usize),
    /// Bytes.
    Bytes,
}

impl std::fmt::Display for Full {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OfUser(own) => {
                write!(
                    to,
                    "you have {own} connections to the daemon, and may have no more; close some of them"
                )
            }
            Self::OfHost(all) => {
                write!(to, "the daemon has {all} connections, and may have no more; try again later")
            }
            Self::Bytes => {
                to.write_str("too many bytes wait for the rest of their messages; send one after another")
            }
        }
    }
}

impl Seats {
    pub(super) fn new(limits: Limits) -> Rc<Self> {
        Rc::new(Self { limits, taken: RefCell::default() })
    }

    /// Connections.
    pub(super) fn connections(&self) -> usize {
        self.taken.borrow().values().map(|taken| taken.connections).sum()
    }

    /// A seat for a connection of this user.
    pub(super) fn take(self: &Rc<Self>, uid: u32) -> Result<Seat, Full> {
        let Limits { connections, connections_of_user, .. } = self.limits;
        let own = self.taken.borrow().get(&uid).map_or(0, |taken| taken.connections);
        if own >= connections_of_user {
            return Err(Full::OfUser(own));
        }
        if uid != 0 && self.connections() >= connections {
            return Err(Full::OfHost(connections));
        }
        self.taken.borrow_mut().entry(uid).or_default().connections += 1;
        Ok(Seat { seats: Rc::clone(self), uid, begun: Cell::new(0), opening: Cell::new(0) })
    }
}

impl Seat {
    /// So many bytes are held now for a message that is not complete.
    pub(super) fn hold(&self, bytes: usize) -> Result<(), Full> {
        self.change(&self.begun, bytes)
    }

    /// So many bytes had the request for a session that is being opened now; 0 once it is.
    pub(super) fn open(&self, bytes: usize) -> Result<(), Full> {
        self.change(&self.opening, bytes)
    }

    fn change(&self, what: &Cell<usize>, bytes: usize) -> Result<(), Full> {
        let mut taken = self.seats.taken.borrow_mut();
        let before = what.replace(bytes);
        let own = taken.entry(self.uid).or_default();
        own.bytes = own.bytes + bytes - before;
        let (own, all) = (own.bytes, taken.values().map(|taken| taken.bytes).sum::<usize>());
        let Limits { begun, begun_of_user, .. } = self.seats.limits;
        if bytes > before && (own > begun_of_user || all > begun) { Err(Full::Bytes) } else { Ok(()) }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.borrow_mut();
        if let Some(own) = taken.get_mut(&self.uid) {
            own.connections -= 1;
            own.bytes -= self.begun.get() + self.opening.get();
            if own.connections == 0 {
                taken.remove(&self.uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(connections: usize, connections_of_user: usize) -> Rc<Seats> {
        let (begun, begun_of_user) = (100, 60);
        Seats::new(Limits { connections, connections_of_user, begun, begun_of_user, ..Limits::default() })
    }

    #[test]
    fn a_user_and_the_host_have_so_many_and_root_always_has_some() {
        let seats = seats(3, 2);
        let first = [seats.take(1).unwrap(), seats.take(1).unwrap()];
        assert_eq!(seats.take(1).unwrap_err(), Full::OfUser(2));
        let second = seats.take(2).unwrap();
        assert_eq!(seats.take(3).unwrap_err(), Full::OfHost(3));
        let root = [seats.take(0).unwrap(), seats.take(0).unwrap()];
        assert_eq!(seats.take(0).unwrap_err(), Full::OfUser(2));
        assert_eq!(seats.connections(), 5);
        drop((first, second, root));
        assert_eq!(seats.connections(), 0);
        assert!(seats.taken.borrow().is_empty());
    }

    #[test]
    fn bytes_are_counted_by_user_and_together() {
        let seats = seats(9, 9);
        let [a, b, c] = [1, 1, 2].map(|uid| seats.take(uid).unwrap());
        assert_eq!((a.hold(40), b.hold(20)), (Ok(()), Ok(())));
        assert_eq!(b.hold(21), Err(Full::Bytes), "of one user");
        assert_eq!(b.hold(0), Ok(()));
        assert_eq!(c.hold(60), Ok(()));
        assert_eq!(b.hold(1), Err(Full::Bytes), "of all");
        drop(c);
        assert_eq!(b.hold(2), Ok(()));
        assert_eq!((b.open(18), b.hold(0), b.open(20)), (Ok(()), Ok(()), Ok(())));
        assert_eq!(a.hold(41), Err(Full::Bytes), "what is being opened counts");
    }
}

//! The front's half of one client connection: what the protocol allows to be said, and what waits to be read.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use control::message::{Code, Followed, Refusal};
use control::{Answer, Event, Fault, FromClient, Misuse, Outgoing, RequestId, ServerSide};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::outbox::Outbox;
use super::refusal::refusal;
use crate::daemon::wire::Connection;

/// One connection, for whoever has something to say on it. It outlives the connection: then nothing happens.
#[derive(Debug)]
pub(super) struct Line {
    /// Its number.
    pub(super) number: Connection,
    inner: RefCell<Inner>,
    standing: Cell<Standing>,
    /// Something waits, or the standing is another one.
    pub(super) changed: Notify,
    /// Something was read, or the standing is another one.
    pub(super) drained: Notify,
    /// The most bytes that may wait.
    most: usize,
    /// When something was read last, or began to wait.
    moved: Cell<Instant>,
}

#[derive(Debug)]
struct Inner {
    side: ServerSide,
    outbox: Outbox,
}

/// Whether a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It does.
    Open,
    /// The last words wait to be read.
    Closing,
    /// It is over at once: its client did not read, or has gone.
    Cut,
}

impl Line {
    pub(super) fn new(number: Connection, side: ServerSide, most: usize) -> Self {
        let inner = RefCell::new(Inner { side, outbox: Outbox::default() });
        let (changed, drained) = (Notify::new(), Notify::new());
        Self {
            number,
            inner,
            standing: Cell::new(Standing::Open),
            changed,
            drained,
            most,
            moved: Cell::new(Instant::now()),
        }
    }

    /// Says who speaks here.
    pub(super) fn greet(&self) {
        let hello = self.inner.borrow().side.hello();
        self.push(hello, Vec::new());
    }

    /// Answers a request. What the protocol cannot say is refused instead.
    pub(super) fn answer(&self, id: RequestId, answer: Answer, descriptors: Vec<OwnedFd>) {
        let said = self.inner.borrow_mut().side.answer(id, answer);
        match said {
            Ok(outgoing) => self.push(Ok(outgoing), descriptors),
            Err(misuse) => {
                tracing::error!("an answer cannot be said: {misuse}");
                let refused = refusal(Code::Internal, format!("the daemon cannot say its answer: {misuse}"));
                let said = self.inner.borrow_mut().side.answer(id, Answer::Refused(refused));
                self.push(said, Vec::new());
            }
        }
    }

    /// Tells of something in the connection's session. A client that does not read is cut off.
    pub(super) fn tell(&self, event: Event) {
        if self.standing.get() == Standing::Open {
            let said = self.inner.borrow_mut().side.tell(event);
            self.push(said, Vec::new());
        }
    }

    /// Tells of a denial, if there is room for it beside answers; whether there was.
    pub(super) fn offer(&self, event: impl FnOnce() -> Event) -> bool {
        let has_room = self.standing.get() == Standing::Open && !self.is_full();
        if has_room {
            self.tell(event());
        }
        has_room
    }

    /// Tells of something that is followed; whether there was room for it.
    pub(super) fn follow(&self, followed: Followed) -> bool {
        let has_room = self.inner.borrow().outbox.bytes() < self.most;
        if has_room && self.standing.get() == Standing::Open {
            let said = self.inner.borrow_mut().side.followed(followed);
            self.push(said, Vec::new());
        }
        has_room
    }

    /// Says why the connection ends; then it ends.
    pub(super) fn close(&self, refusal: Refusal) {
        if self.standing.get() == Standing::Open {
            let said = self.inner.borrow().side.closing(refusal);
            self.push(said, Vec::new());
            if self.standing.get() == Standing::Open {
                self.stand(Standing::Closing);
            }
        }
    }

    /// Ends the connection at once.
    pub(super) fn cut(&self) {
        self.stand(Standing::Cut);
        self.inner.borrow_mut().outbox.clear();
    }

    pub(super) fn standing(&self) -> Standing {
        self.standing.get()
    }

    /// So many descriptors came with the bytes that are heard next.
    pub(super) fn arrived(&self, descriptors: usize) {
        self.inner.borrow_mut().side.arrived(descriptors);
    }

    /// See [`ServerSide::next`].
    pub(super) fn hear(&self, bytes: &mut &[u8]) -> Result<Option<FromClient>, Fault> {
        self.inner.borrow_mut().side.next(bytes)
    }

    /// Whether a message is begun and not complete, and how many bytes are held for it.
    pub(super) fn begun(&self) -> Option<usize> {
        let side = &self.inner.borrow().side;
        side.end().is_err().then(|| side.held())
    }

    /// Whether something waits to be read.
    pub(super) fn waits(&self) -> bool {
        !self.inner.borrow().outbox.is_empty()
    }

    /// Since when something waits and nothing of it was read.
    pub(super) fn unread_since(&self) -> Option<Instant> {
        self.waits().then(|| self.moved.get())
    }

    /// Whether so much waits that nothing more should be said before some of it is read.
    pub(super) fn is_full(&self) -> bool {
        self.standing.get() == Standing::Open && self.inner.borrow().outbox.bytes() >= self.most / 2
    }

    /// Sends what the socket takes.
    pub(super) fn flush(&self, socket: BorrowedFd<'_>) -> io::Result<()> {
        let outbox = &mut self.inner.borrow_mut().outbox;
        let before = outbox.bytes();
        outbox.flush(socket)?;
        if outbox.bytes() < before {
            self.moved.set(Instant::now());
            self.drained.notify_one();
        }
        Ok(())
    }

    fn push(&self, said: Result<Outgoing, Misuse>, descriptors: Vec<OwnedFd>) {
        if self.standing.get() != Standing::Open {
            return;
        }
        match said {
            Ok(Outgoing { bytes, descriptors: _ }) => {
                let mut inner = self.inner.borrow_mut();
                if inner.outbox.bytes() >= self.most {
                    drop(inner);
                    tracing::debug!("connection {} does not read, and is cut off", self.number.0);
                    return self.cut();
                }
                if inner.outbox.is_empty() {
                    self.moved.set(Instant::now());
                }
                inner.outbox.push(bytes, descriptors);
                self.changed.notify_one();
            }
            Err(misuse) => tracing::debug!("not said on connection {}: {misuse}", self.number.0),
        }
    }

    fn stand(&self, standing: Standing) {
        self.standing.set(standing);
        self.changed.notify_one();
        self.drained.notify_one();
    }
}

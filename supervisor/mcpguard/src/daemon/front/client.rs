//! One client's connection: bytes in, requests to its worker; bytes out; and how long all that may take.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use control::message::{Code, Refusal};
use control::{FromClient, MAX_DESCRIPTORS, Request, RequestId, ServerSide, rights};
use enforce::keeper::channel;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep_until};

use super::hub::Hub;
use super::line::{Line, Standing};
use super::polled;
use super::refusal::{Wrapped, refusal};
use super::seats::Seat;
use super::worker::{Client, work};
use crate::daemon::wire::{Answer, Ask, Peer};

/// A request, with the descriptors that it brings.
pub(super) type Asked = (RequestId, Request, Vec<OwnedFd>);

/// Serves one connection until it is over.
pub(super) async fn serve(hub: Rc<Hub>, socket: OwnedFd, seat: Seat) {
    let number = hub.next_connection();
    let side = ServerSide::new(hub.build.clone());
    let line = Rc::new(Line::new(number, side, hub.settings.limits.unread));
    hub.lines.borrow_mut().insert(number, Rc::clone(&line));
    line.greet();
    if let Ok(socket) = polled(socket) {
        listen(&hub, &line, &socket, Rc::new(seat)).await;
    }
    line.cut();
    hub.lines.borrow_mut().remove(&number);
}

/// Nothing is heard before the keeper has said who it is.
async fn listen(hub: &Rc<Hub>, line: &Rc<Line>, socket: &AsyncFd<OwnedFd>, seat: Rc<Seat>) {
    match admit(hub, line, socket).await {
        Ok(peer) => {
            let client = Rc::new(Client::new(Rc::clone(hub), Rc::clone(line), peer, Rc::clone(&seat)));
            let (requests, to_do) = unbounded_channel();
            spawn_local(work(Rc::clone(&client), to_do));
            Talk::new(hub, line, socket, &seat).with(&client, requests).run().await;
        }
        Err(last) => {
            hub.keeper.say(&Ask::Leave(line.number));
            line.close(last);
            Talk::new(hub, line, socket, &seat).run().await;
        }
    }
}

async fn admit(hub: &Hub, line: &Line, socket: &AsyncFd<OwnedFd>) -> Result<Peer, Refusal> {
    let full = |_| refusal(Code::Limit, "the daemon has as many files open as it may; try again later");
    let duplicate = socket.get_ref().try_clone().map_err(full)?;
    let asked = hub.keeper.ask(line.number, &Ask::Admit(line.number), Some(duplicate)).await;
    let peer = match asked.map_err(|error| Wrapped::from(error).0)?.0 {
        Answer::Peer(peer) => peer,
        Answer::Refused(refused) => return Err(refused.into()),
        other => return Err(refusal(Code::Internal, format!("the daemon does not know you: {other:?}"))),
    };
    let place = if peer.guarded { rights::Place::Guarded } else { rights::Place::Free };
    let identity = &peer.identity;
    let facts = rights::Peer { uid: identity.uid, gid: identity.gid, groups: &identity.groups, place };
    match rights::admit(&facts) {
        Ok(()) => Ok(peer),
        Err(denied) => {
            let last = refusal(Code::NotAllowed, denied.to_string());
            hub.refused(&peer, &last);
            Err(last)
        }
    }
}

/// The bytes of one connection.
struct Talk<'a> {
    hub: &'a Hub,
    line: &'a Line,
    socket: &'a AsyncFd<OwnedFd>,
    seat: &'a Seat,
    /// Whom requests go to; nobody while only the last words are said.
    to: Option<(&'a Client, UnboundedSender<Asked>)>,
    /// Descriptors that have come and that no request has taken.
    descriptors: VecDeque<OwnedFd>,
    accepted: Instant,
    greeted: bool,
    /// When the message began that is not complete.
    begun: Option<Instant>,
    /// Bytes of the message that is being read.
    bytes: usize,
    closing: Cell<Option<Instant>>,
    /// The client says nothing more.
    ended: bool,
}

impl<'a> Talk<'a> {
    fn new(hub: &'a Hub, line: &'a Line, socket: &'a AsyncFd<OwnedFd>, seat: &'a Seat) -> Self {
        Self {
            hub,
            line,
            socket,
            seat,
            to: None,
            descriptors: VecDeque::new(),
            accepted: Instant::now(),
            greeted: false,
            begun: None,
            bytes: 0,
            closing: Cell::new(None),
            ended: false,
        }
    }

    fn with(self, client: &'a Client, requests: UnboundedSender<Asked>) -> Self {
        Self { to: Some((client, requests)), ..self }
    }

    async fn run(mut self) {
        while self.line.flush(self.socket.get_ref().as_fd()).is_ok() && !self.is_over() {
            let listens = self.line.standing() == Standing::Open && !self.ended;
            let deadline = self.deadline();
            tokio::select! {
                ready = self.socket.readable(), if listens => match ready {
                    Ok(ready) => self.read(ready),
                    Err(_) => return,
                },
                ready = self.socket.writable(), if self.line.waits() => match ready {
                    Ok(mut ready) => ready.clear_ready(),
                    Err(_) => return,
                },
                () = self.line.changed.notified() => {}
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    if !self.late() {
                        return;
                    }
                }
            }
        }
    }

    fn is_over(&self) -> bool {
        let waits = self.line.waits();
        match self.line.standing() {
            Standing::Cut => true,
            Standing::Closing => !waits,
            // Whoever has said all that it wants to say still hears the answers; a session's client has gone.
            Standing::Open => {
                self.ended && self.to.as_ref().is_none_or(|(it, _)| it.is_idle() && !waits || it.is_patient())
            }
        }
    }

    fn read(&mut self, mut ready: AsyncFdReadyGuard<'_, OwnedFd>) {
        // One buffer serves everybody: what is read is taken at once.
        let chunk = &mut *self.hub.chunk.borrow_mut();
        match ready.try_io(|socket| channel::receive(socket.as_fd(), chunk, MAX_DESCRIPTORS)) {
            Err(_would_block) => {}
            Ok(Ok((0, _))) => self.ended = true,
            Ok(Ok((count, descriptors))) => self.heard(&chunk[..count], descriptors),
            Ok(Err(error)) if error.kind() == ErrorKind::InvalidData => {
                self.line.close(refusal(Code::Protocol, error.to_string()));
            }
            Ok(Err(_)) => self.line.cut(),
        }
    }

    fn heard(&mut self, mut bytes: &[u8], descriptors: Vec<OwnedFd>) {
        self.line.arrived(descriptors.len());
        self.descriptors.extend(descriptors);
        let mut whole = false;
        loop {
            let before = bytes.len();
            let heard = self.line.hear(&mut bytes);
            self.bytes += before - bytes.len();
            match heard {
                Ok(None) => break,
                Ok(Some(FromClient::Greeted(..))) => (self.greeted, self.bytes, whole) = (true, 0, true),
                Ok(Some(FromClient::Asked(id, request))) => {
                    let bytes = std::mem::take(&mut self.bytes);
                    whole = true;
                    self.asked(id, request, bytes);
                }
                Err(fault) => {
                    self.descriptors.clear();
                    return self.line.close((&fault).into());
                }
            }
        }
        let held = self.line.begun();
        self.begun = held.map(|_| self.begun.filter(|_| !whole).unwrap_or_else(Instant::now));
        if let Err(full) = self.seat.hold(held.unwrap_or(0)) {
            self.line.close(refusal(Code::Limit, full.to_string()));
        }
    }

    fn asked(&mut self, id: RequestId, request: Request, bytes: usize) {
        let brings = request.kind().descriptors().min(self.descriptors.len());
        let descriptors = self.descriptors.drain(..brings).collect();
        if let Request::Open(_) = &request
            && let Err(full) = self.seat.open(bytes)
        {
            return self.line.close(refusal(Code::Limit, full.to_string()));
        }
        if let Some((client, requests)) = &self.to {
            client.begins();
            // The worker outlives this.
            let _ = requests.send((id, request, descriptors));
        }
    }

    /// When something must have happened.
    fn deadline(&self) -> Option<Instant> {
        let deadlines = &self.hub.settings.deadlines;
        if self.line.standing() == Standing::Closing {
            let since = self.closing.get().unwrap_or_else(Instant::now);
            self.closing.set(Some(since));
            return Some(since + deadlines.last_words);
        }
        let hello = (!self.greeted).then(|| self.accepted + deadlines.hello);
        let message = self.begun.map(|begun| begun + deadlines.message);
        let client = self.to.as_ref().map(|(client, _)| *client).filter(|client| !client.is_patient());
        let idle = client.filter(|client| client.is_idle()).map(|client| client.active() + deadlines.idle);
        let unread = client.and_then(|_| self.line.unread_since()).map(|since| since + deadlines.idle);
        [hello, message, idle, unread].into_iter().flatten().min()
    }

    /// It has not happened. Whether the connection goes on, be it for its last words.
    fn late(&self) -> bool {
        if self.line.standing() != Standing::Open {
            return false;
        }
        let (code, sentence) = match (self.greeted, self.begun) {
            (false, _) => (Code::Protocol, "no hello came in time"),
            (true, Some(_)) => (Code::Protocol, "a message was begun and not completed in time"),
            (true, None) => (Code::Limit, "nothing was asked for a long time; connect again"),
        };
        self.line.close(refusal(code, sentence));
        true
    }
}

//! The link to the keeper: questions out, each with an answer; notices in.
//!
//! ```text
//! 4 bytes, little-endian: length ── postcard ──   descriptors come with the first byte
//! ```
//! The keeper is trusted and of the same build: what cannot be read from it is the end of the front, which is started
//! again.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};

use anyhow::{Context, ensure};
use enforce::keeper::channel;
use tokio::io::unix::AsyncFd;
use tokio::sync::{Notify, oneshot};

use super::outbox::Outbox;
use super::polled;
use crate::daemon::wire::{Answer, Ask, Connection, Told};

/// Nothing that either side says is longer: 64 MiB.
const MAX_MESSAGE: usize = 64 << 20;

/// The most descriptors that one read may bring.
const MAX_DESCRIPTORS: usize = 4;

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// An answer, and the descriptors that came with it.
pub(super) type Reply = (Answer, Vec<OwnedFd>);

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum AskError {
    /// The front ends.
    Gone,
    /// A session with more rules than one message holds.
    TooLong(usize),
}

impl std::fmt::Display for AskError {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gone => to.write_str("the daemon's privileged process has gone"),
            Self::TooLong(bytes) => write!(
                to,
                "this takes {bytes} bytes, and at most {MAX_MESSAGE} can be said; a policy with fewer rules would fit"
            ),
        }
    }
}

impl std::error::Error for AskError {}

/// The asking half: what waits to be said, and who waits for an answer.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    outbox: RefCell<Outbox>,
    waiting: RefCell<HashMap<Connection, VecDeque<oneshot::Sender<Reply>>>>,
    changed: Notify,
}

impl Keeper {
    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// See [`AskError`].
    pub(super) async fn ask(
        &self,
        connection: Connection,
        ask: &Ask,
        with: Option<OwnedFd>,
    ) -> Result<Reply, AskError> {
        let frame = frame(ask)?;
        let (sender, receiver) = oneshot::channel();
        self.waiting.borrow_mut().entry(connection).or_default().push_back(sender);
        self.outbox.borrow_mut().push(frame, with.into_iter().collect());
        self.changed.notify_one();
        receiver.await.map_err(|_| AskError::Gone)
    }

    /// Says what is not answered.
    pub(super) fn say(&self, ask: &Ask) {
        // What is not answered is short.
        if let Ok(frame) = frame(ask) {
            self.outbox.borrow_mut().push(frame, Vec::new());
            self.changed.notify_one();
        }
    }

    /// Everybody who waits is told that there will be no answer.
    pub(super) fn give_up(&self) {
        self.waiting.borrow_mut().clear();
    }

    /// The oldest question of the connection is answered.
    pub(super) fn answered(&self, connection: Connection, reply: Reply) -> anyhow::Result<()> {
        let mut waiting = self.waiting.borrow_mut();
        let queue = waiting.get_mut(&connection);
        let sender = queue.and_then(VecDeque::pop_front);
        let sender =
            sender.with_context(|| format!("the keeper answers {connection:?}, which asked for nothing"))?;
        waiting.retain(|_, queue| !queue.is_empty());
        // Whoever asked may have gone; then the descriptors are closed here.
        let _ = sender.send(reply);
        Ok(())
    }
}

fn frame(ask: &Ask) -> Result<Vec<u8>, AskError> {
    let body = postcard::to_stdvec(ask).map_err(|_| AskError::TooLong(usize::MAX))?;
    let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= MAX_MESSAGE);
    let mut bytes = length.ok_or(AskError::TooLong(body.len()))?.to_le_bytes().to_vec();
    bytes.extend(body);
    Ok(bytes)
}

/// The hearing half, and the socket.
#[derive(Debug)]
pub(super) struct Link {
    socket: AsyncFd<OwnedFd>,
    chunk: Box<[u8]>,
    bytes: Vec<u8>,
    descriptors: VecDeque<OwnedFd>,
}

impl Link {
    /// Takes the front's end of the socket pair; it must not block.
    pub(super) fn new(socket: OwnedFd) -> anyhow::Result<Self> {
        let socket = polled(socket).context("the keeper's socket cannot be waited for")?;
        let chunk = vec![0; CHUNK].into();
        Ok(Self { socket, chunk, bytes: Vec::new(), descriptors: VecDeque::new() })
    }

    /// The next thing that the keeper says; what waits to be said to it is sent meanwhile. Cancelled, nothing is lost.
    ///
    /// # Errors
    /// The keeper has gone, or says what cannot be read.
    pub(super) async fn next(&mut self, keeper: &Keeper) -> anyhow::Result<(Told, Vec<OwnedFd>)> {
        loop {
            if let Some(told) = self.take()? {
                return Ok(told);
            }
            let waits = !keeper.outbox.borrow_mut().flush(self.socket.get_ref().as_fd()).or_else(gone)?;
            tokio::select! {
                ready = self.socket.readable() => {
                    let mut ready = ready?;
                    let chunk = &mut self.chunk;
                    match ready.try_io(|socket| channel::receive(socket.as_fd(), chunk, MAX_DESCRIPTORS)) {
                        Ok(Ok((0, _))) => return Err(AskError::Gone.into()),
                        Ok(Ok((count, more))) => {
                            self.bytes.extend(&self.chunk[..count]);
                            self.descriptors.extend(more);
                        }
                        Ok(Err(error)) => return Err(error).context("the keeper cannot be heard"),
                        Err(_would_block) => {}
                    }
                }
                ready = self.socket.writable(), if waits => ready?.clear_ready(),
                () = keeper.changed.notified() => {}
            }
        }
    }

    /// Whether another message has come whole.
    pub(super) fn has_more(&self) -> bool {
        let head = self.bytes.first_chunk::<4>();
        head.is_some_and(|head| self.bytes.len() - 4 >= u32::from_le_bytes(*head) as usize)
    }

    /// The first whole message that has come.
    fn take(&mut self) -> anyhow::Result<Option<(Told, Vec<OwnedFd>)>> {
        let Some((head, rest)) = self.bytes.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_le_bytes(*head) as usize;
        ensure!(length <= MAX_MESSAGE, "the keeper announces a message of {length} bytes");
        let Some(body) = rest.get(..length) else { return Ok(None) };
        let told = postcard::from_bytes(body).context("the keeper says what is no message")?;
        let brings = match &told {
            Told::Answer(_, Answer::Opened(_)) => 2,
            Told::Answer(_, Answer::Prepared(_)) => 1,
            Told::Ready(standing) => usize::from(standing.metrics),
            _ => 0,
        };
        ensure!(self.descriptors.len() >= brings, "the keeper sent a message without its descriptors");
        let descriptors = self.descriptors.drain(..brings).collect();
        self.bytes.drain(..4 + length);
        Ok(Some((told, descriptors)))
    }
}

fn gone(error: std::io::Error) -> anyhow::Result<bool> {
    match error.kind() {
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => Err(AskError::Gone.into()),
        _ => Err(error).context("the keeper cannot be spoken to"),
    }
}

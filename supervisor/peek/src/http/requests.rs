//! A connection's requests, one after the other: each one's host is told before its head is passed on.

use httparse::{EMPTY_HEADER, Status};

use super::chunks::Chunks;
use super::fields::{After, Body, MAX_FIELDS, known};
use super::head::{Head, HeadLines};
use super::lines::Lines;
use crate::Fault;

/// What may be done with the bytes that were fed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fed {
    /// Nothing yet: feed the same bytes again with more behind them. At most [`crate::MAX_HEAD`] are wanted.
    More,
    /// So many bytes, at least one, belong to what was checked before: pass them on, and feed what is behind them.
    Pass(usize),
    /// The bytes begin with the head of the next request: check its host, pass on [`Head::bytes`], and feed what is
    /// behind them.
    Head(Head),
}

/// Follows the requests of one connection.
///
/// The caller owns the bytes. It feeds all that it has not passed on yet, does what [`Fed`] says, and feeds the rest, until
/// it is told [`Fed::More`]. Bodies need not be fed: see [`Self::unseen`].
#[derive(Clone, Debug)]
pub struct Requests {
    state: State,
    heads: u64,
    /// What the last request wants to speak next.
    after: After,
}

#[derive(Clone, Debug)]
enum State {
    Head(HeadLines),
    Fixed(u64),
    Chunks(Chunks),
    Trailers(Lines),
    /// Another protocol.
    Opaque,
    Broken(Fault),
}

impl Default for Requests {
    fn default() -> Self {
        Self::new()
    }
}

impl Requests {
    /// A connection on which nothing has been sent.
    pub fn new() -> Self {
        Self { state: State::Head(HeadLines::new()), heads: 0, after: After::Http }
    }

    /// What may be done with `bytes`, which begin with the first one that has not been passed on.
    ///
    /// # Errors
    /// Why nothing more may be passed on. It stays so: each further call returns the same fault.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Fed, Fault> {
        let fed = if bytes.is_empty() { self.unbroken() } else { self.next(bytes) };
        self.keep(fed)
    }

    /// How many bytes may be passed on without being fed, so that a long body can be spliced; `u64::MAX` after
    /// [`Self::switched`]. Tell with [`Self::passed`] how many were.
    pub fn unseen(&self) -> u64 {
        match self.state {
            State::Fixed(left) | State::Chunks(Chunks::Data(left)) => left,
            State::Opaque => u64::MAX,
            _ => 0,
        }
    }

    /// So many bytes were passed on without being fed.
    ///
    /// # Errors
    /// [`Fault::Overrun`] if they were more than [`Self::unseen`]. It stays so.
    pub fn passed(&mut self, bytes: u64) -> Result<(), Fault> {
        let left = self.unseen().checked_sub(bytes).ok_or(Fault::Overrun);
        let left = self.keep(left)?;
        match self.state {
            State::Fixed(_) => self.state = fixed(left),
            State::Chunks(Chunks::Data(_)) => self.state = State::Chunks(Chunks::data(left)),
            _ => {}
        }
        Ok(())
    }

    /// The server has answered 101 (see [`super::answer`]): what follows is no HTTP, and is not looked at any more. Say
    /// so before the answer is passed on to the client.
    ///
    /// # Errors
    /// [`Fault::Switch`] unless the connection's first and only request asked for WebSocket and is complete: with others
    /// before it nobody knows which one was answered, and other protocols name hosts again. It stays so.
    pub fn switched(&mut self) -> Result<(), Fault> {
        let fresh = matches!(self.state, State::Head(_));
        let allowed = fresh && self.heads == 1 && self.after == After::WebSocket;
        self.unbroken()?;
        self.keep(if allowed { Ok(()) } else { Err(Fault::Switch) })?;
        self.state = State::Opaque;
        Ok(())
    }

    fn unbroken(&self) -> Result<Fed, Fault> {
        match self.state {
            State::Broken(fault) => Err(fault),
            _ => Ok(Fed::More),
        }
    }

    /// A fault stays.
    fn keep<T>(&mut self, result: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = result {
            self.state = State::Broken(fault);
        }
        result
    }

    fn next(&mut self, bytes: &[u8]) -> Result<Fed, Fault> {
        match &mut self.state {
            State::Broken(fault) => Err(*fault),
            State::Opaque => Ok(Fed::Pass(bytes.len())),
            State::Head(lines) => {
                let head = lines.look(bytes)?;
                Ok(head.map_or(Fed::More, |head| self.head(head)))
            }
            State::Fixed(left) => {
                let passed = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                self.state = fixed(*left - passed as u64);
                Ok(Fed::Pass(passed))
            }
            State::Chunks(chunks) => {
                let passed = chunks.feed(bytes)?;
                if *chunks == Chunks::Last {
                    self.state = State::Trailers(Lines::trailers());
                }
                Ok(Fed::Pass(passed))
            }
            State::Trailers(lines) => {
                let Some(end) = lines.end(bytes)? else { return Ok(Fed::More) };
                trailers(&bytes[..end])?;
                self.state = State::Head(HeadLines::new());
                Ok(Fed::Pass(end))
            }
        }
    }

    fn head(&mut self, head: Head) -> Fed {
        self.heads += 1;
        self.after = head.after;
        self.state = match head.body {
            Body::None => State::Head(HeadLines::new()),
            Body::Fixed(length) => State::Fixed(length),
            Body::Chunked => State::Chunks(Chunks::new()),
        };
        Fed::Head(head)
    }
}

fn fixed(left: u64) -> State {
    if left == 0 { State::Head(HeadLines::new()) } else { State::Fixed(left) }
}

/// Some servers merge trailers into the head.
fn trailers(bytes: &[u8]) -> Result<(), Fault> {
    let mut headers = [EMPTY_HEADER; MAX_FIELDS];
    let fields = match httparse::parse_headers(bytes, &mut headers) {
        Ok(Status::Complete((_, fields))) => fields,
        Ok(Status::Partial) => return Err(Fault::Field),
        Err(httparse::Error::TooManyHeaders) => return Err(Fault::TooManyFields),
        Err(_) => return Err(Fault::Field),
    };
    match fields.iter().find_map(|field| known(field.name)) {
        Some(field) => Err(Fault::Trailer { field }),
        None => Ok(()),
    }
}

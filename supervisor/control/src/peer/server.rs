//! The daemon's end of a connection.

use super::course::Course;
use super::wire::{Heard, Wire, fits, outgoing};
use super::{Disorder, Fault, Misuse, Outgoing};
use crate::handshake::{Build, Hello, SPOKEN, Side, Version};
use crate::message::{Answer, Asked, Code, Event, Followed, Refusal, Request, RequestId, Told};
use crate::reading::read;
use crate::{MAX_OPEN, MAX_REQUEST, MAX_TOLD};

/// The longest sentence of the last words, in bytes: a fault may quote what the client sent.
const MAX_SENTENCE: usize = 1024;

/// What a client has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromClient {
    /// It is mcpguard, of this build; this version is spoken.
    Greeted(Version, Build),
    /// It asks. The caller takes as many descriptors from those that have come as the request's kind brings.
    Asked(RequestId, Request),
}

/// The daemon's end of one connection. It trusts nothing that comes in, and checks what goes out.
#[derive(Debug)]
pub struct ServerSide {
    wire: Wire,
    course: Course,
}

impl ServerSide {
    /// A connection that was just accepted.
    pub fn new(build: Build) -> Self {
        Self { wire: Wire::new(Side::Daemon, Hello::new(SPOKEN, build)), course: Course::new() }
    }

    /// What is sent first, at once.
    ///
    /// # Errors
    /// None that a build can cause.
    pub fn hello(&self) -> Result<Outgoing, Misuse> {
        self.wire.hello()
    }

    /// So many descriptors came with the bytes that are given to [`Self::next`] now.
    pub fn arrived(&mut self, descriptors: usize) {
        self.wire.arrived(descriptors);
    }

    /// What the client says next; takes from the front of `bytes` what it needs. Call it until it gives `None`: then all
    /// bytes of this read were taken.
    ///
    /// # Errors
    /// See [`Fault`]: the connection is over, and every further call says the same.
    pub fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<FromClient>, Fault> {
        self.step(bytes).map_err(|fault| self.wire.fail(fault))
    }

    /// The client has closed its end.
    ///
    /// # Errors
    /// The fault that ended the connection before, or that this was within a message.
    pub fn end(&self) -> Result<(), Fault> {
        self.wire.end()
    }

    /// Bytes of memory that are held for a message that is not complete: at most the limit of the moment.
    pub fn held(&self) -> usize {
        self.wire.held()
    }

    /// The answer to a request.
    ///
    /// # Errors
    /// See [`Misuse`]; nothing has changed then.
    pub fn answer(&mut self, id: RequestId, answer: Answer) -> Result<Outgoing, Misuse> {
        self.wire.may_speak()?;
        self.course.may_answer(id, &answer)?;
        let descriptors = answer.descriptors();
        let told = Told::Answer { id, answer };
        let bytes = outgoing(&told, descriptors, MAX_TOLD)?;
        if let Told::Answer { id, answer } = &told {
            self.course.answered(*id, answer);
        }
        Ok(bytes)
    }

    /// Something happened in the session of this connection.
    ///
    /// # Errors
    /// See [`Misuse`].
    pub fn tell(&mut self, event: Event) -> Result<Outgoing, Misuse> {
        self.wire.may_speak()?;
        self.course.may_tell(&event)?;
        outgoing(&Told::Event(event), 0, MAX_TOLD)
    }

    /// Something happened that this connection follows.
    ///
    /// # Errors
    /// See [`Misuse`].
    pub fn followed(&mut self, followed: Followed) -> Result<Outgoing, Misuse> {
        self.wire.may_speak()?;
        self.course.may_follow(followed.follow)?;
        outgoing(&Told::Followed(followed), 0, MAX_TOLD)
    }

    /// The last message: why the connection is closed. It may follow the hello at once, before the client has spoken.
    ///
    /// # Errors
    /// The refusal is too long.
    pub fn closing(&self, refusal: Refusal) -> Result<Outgoing, Misuse> {
        outgoing(&Told::Closing(refusal), 0, MAX_TOLD)
    }

    fn step(&mut self, bytes: &mut &[u8]) -> Result<Option<FromClient>, Fault> {
        let limit = if self.course.is_fresh() { MAX_OPEN } else { MAX_REQUEST };
        match self.wire.hear(bytes, limit)? {
            None => Ok(None),
            Some(Heard::Greeted(version, hello)) => {
                Ok(Some(FromClient::Greeted(version, hello.build().clone())))
            }
            Some(Heard::Frame(frame)) => {
                let Asked { id, request } = read(&frame.payload)?;
                fits(&frame, request.kind().descriptors())?;
                self.course.ask(id, request.kind())?;
                Ok(Some(FromClient::Asked(id, request)))
            }
        }
    }
}

impl From<&Fault> for Refusal {
    /// The last words after a fault.
    fn from(fault: &Fault) -> Self {
        let code = match fault {
            Fault::Disorder(Disorder::TooMany) => Code::Limit,
            _ => Code::Protocol,
        };
        let mut sentence = fault.to_string();
        sentence.truncate(sentence.floor_char_boundary(MAX_SENTENCE));
        Self { code, sentence, details: Vec::new() }
    }
}

//! The end of a connection that `mcpguard` holds.

use super::course::Course;
use super::wire::{Heard, Wire, fits, outgoing};
use super::{Fault, Misuse, Outgoing};
use crate::frame::HEAD;
use crate::handshake::{Build, Hello, SPOKEN, Side, Version};
use crate::message::{Answer, Asked, Event, Followed, Refusal, Request, RequestId, Told};
use crate::reading::read;
use crate::{MAX_OPEN, MAX_REQUEST, MAX_TOLD};

/// What the daemon has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromDaemon {
    /// It is the daemon, of this build; this version is spoken. Requests can be made.
    Greeted(Version, Build),
    /// The answer to a request. The caller takes as many descriptors from those that have come as the answer brings.
    Answered(RequestId, Answer),
    /// Something happened in the session of this connection.
    Happened(Event),
    /// Something happened that is followed.
    Followed(Followed),
    /// It closes the connection: the last message.
    Closing(Refusal),
}

/// The client's end of one connection.
#[derive(Debug)]
pub struct ClientSide {
    wire: Wire,
    course: Course,
    closing: bool,
}

impl ClientSide {
    /// A connection that was just made.
    pub fn new(build: Build) -> Self {
        let wire = Wire::new(Side::Client, Hello::new(SPOKEN, build));
        Self { wire, course: Course::new(), closing: false }
    }

    /// What is sent first, at once. Requests wait for the daemon's own.
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

    /// What the daemon says next; takes from the front of `bytes` what it needs. Call it until it gives `None`: then all
    /// bytes of this read were taken.
    ///
    /// # Errors
    /// See [`Fault`]: the connection is over, and every further call says the same.
    pub fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<FromDaemon>, Fault> {
        self.step(bytes).map_err(|fault| self.wire.fail(fault))
    }

    /// The daemon has closed its end.
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

    /// Asks. The number is that of the answer.
    ///
    /// # Errors
    /// See [`Misuse`]: the daemon would refuse it. Nothing has changed then.
    pub fn ask(&mut self, request: Request) -> Result<(RequestId, Outgoing), Misuse> {
        self.wire.may_speak()?;
        let id = self.course.next().filter(|_| !self.closing).ok_or(Misuse::NotSpeaking)?;
        let limit = if self.course.is_fresh() { MAX_OPEN } else { MAX_REQUEST };
        let kind = request.kind();
        let bytes = outgoing(&Asked { id, request }, kind.descriptors(), limit)?;
        // Lists and texts have a most that their types do not know.
        read::<Asked>(&bytes.bytes[HEAD..])?;
        self.course.ask(id, kind)?;
        Ok((id, bytes))
    }

    fn step(&mut self, bytes: &mut &[u8]) -> Result<Option<FromDaemon>, Fault> {
        match self.wire.hear(bytes, MAX_TOLD)? {
            None => Ok(None),
            Some(_) if self.closing => Err(Fault::AfterClosing),
            Some(Heard::Greeted(version, hello)) => {
                Ok(Some(FromDaemon::Greeted(version, hello.build().clone())))
            }
            Some(Heard::Frame(frame)) => {
                let told = read(&frame.payload)?;
                fits(&frame, if let Told::Answer { answer, .. } = &told { answer.descriptors() } else { 0 })?;
                self.told(told).map(Some)
            }
        }
    }

    fn told(&mut self, told: Told) -> Result<FromDaemon, Fault> {
        match told {
            Told::Answer { id, answer } => {
                self.course.may_answer(id, &answer)?;
                self.course.answered(id, &answer);
                Ok(FromDaemon::Answered(id, answer))
            }
            Told::Event(event) => {
                self.course.may_tell(&event)?;
                Ok(FromDaemon::Happened(event))
            }
            Told::Followed(followed) => {
                self.course.may_follow(followed.follow)?;
                Ok(FromDaemon::Followed(followed))
            }
            Told::Closing(refusal) => {
                self.closing = true;
                Ok(FromDaemon::Closing(refusal))
            }
        }
    }
}

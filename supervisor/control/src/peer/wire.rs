//! What both sides do alike: frames, the handshake, and that a fault is the end.

use serde::Serialize;

use super::{Fault, Misuse, Outgoing};
use crate::frame::{Frame, Frames, encode};
use crate::handshake::{Hello, Side, Version, agree};
use crate::reading::read;

/// The most bytes of the first message.
pub const MAX_HELLO: usize = 4096;

#[derive(Debug)]
enum Phase {
    Greeting,
    Speaking,
    Over(Fault),
}

/// A frame after the handshake, or the handshake itself.
pub(super) enum Heard {
    Greeted(Version, Hello),
    Frame(Frame),
}

#[derive(Debug)]
pub(super) struct Wire {
    side: Side,
    ours: Hello,
    frames: Frames,
    phase: Phase,
}

impl Wire {
    pub(super) fn new(side: Side, ours: Hello) -> Self {
        Self { side, ours, frames: Frames::default(), phase: Phase::Greeting }
    }

    pub(super) fn arrived(&mut self, descriptors: usize) {
        self.frames.arrived(descriptors);
    }

    pub(super) fn held(&self) -> usize {
        self.frames.held()
    }

    pub(super) fn end(&self) -> Result<(), Fault> {
        match &self.phase {
            Phase::Over(fault) => Err(fault.clone()),
            _ => Ok(self.frames.end()?),
        }
    }

    /// From now on the connection is over.
    pub(super) fn fail(&mut self, fault: Fault) -> Fault {
        self.frames = Frames::default();
        self.phase = Phase::Over(fault.clone());
        fault
    }

    /// The next frame; one that begins now has at most `limit` bytes.
    pub(super) fn hear(&mut self, bytes: &mut &[u8], limit: usize) -> Result<Option<Heard>, Fault> {
        match &self.phase {
            Phase::Over(fault) => Err(fault.clone()),
            Phase::Speaking => Ok(self.frames.next(bytes, limit)?.map(Heard::Frame)),
            Phase::Greeting => match self.frames.next(bytes, MAX_HELLO)? {
                None => Ok(None),
                Some(frame) => self.greet(&frame).map(Some),
            },
        }
    }

    fn greet(&mut self, frame: &Frame) -> Result<Heard, Fault> {
        fits(frame, 0)?;
        let theirs: Hello = read(&frame.payload)?;
        let version = agree(self.side, &self.ours, &theirs)?;
        self.phase = Phase::Speaking;
        Ok(Heard::Greeted(version, theirs))
    }

    pub(super) fn hello(&self) -> Result<Outgoing, Misuse> {
        outgoing(&self.ours, 0, MAX_HELLO)
    }

    pub(super) fn may_speak(&self) -> Result<(), Misuse> {
        if matches!(self.phase, Phase::Speaking) { Ok(()) } else { Err(Misuse::NotSpeaking) }
    }
}

/// A message in its frame.
pub(super) fn outgoing<T: Serialize>(
    message: &T,
    descriptors: usize,
    limit: usize,
) -> Result<Outgoing, Misuse> {
    let payload = serde_json::to_vec(message)?;
    Ok(Outgoing { bytes: encode(&payload, descriptors, limit)?, descriptors })
}

/// Whether a frame comes with what its message brings.
pub(super) fn fits(frame: &Frame, brings: usize) -> Result<(), Fault> {
    let came = frame.descriptors;
    if came == brings { Ok(()) } else { Err(Fault::Descriptors { came, brings }) }
}

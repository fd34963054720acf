//! The two ends of a connection: bytes in, events out; messages in, bytes out; what is out of order is refused.

mod client;
mod course;
mod server;
mod wire;

pub use client::{ClientSide, FromDaemon};
pub use course::{Disorder, MAX_IN_FLIGHT};
pub use server::{FromClient, ServerSide};
pub use wire::MAX_HELLO;

use crate::frame::FrameError;
use crate::handshake::HandshakeError;
use crate::reading::Unreadable;

/// Bytes to send, and how many descriptors go with the first of them.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// A whole frame.
    pub bytes: Vec<u8>,
    /// Descriptors that go with its first byte.
    pub descriptors: usize,
}

/// What the other side did wrong. The connection is over: nothing that follows has a meaning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The bytes are no frames.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// No version in common, or not mcpguard.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// No message.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A message that announces other descriptors than it brings.
    #[error("a message comes with {came} descriptors and brings {brings}")]
    Descriptors {
        /// What came with it.
        came: usize,
        /// What its kind brings.
        brings: usize,
    },
    /// A message at the wrong time.
    #[error(transparent)]
    Disorder(#[from] Disorder),
    /// A message after the last one.
    #[error("the other side has said why it closes the connection, and says more")]
    AfterClosing,
}

/// What this side must not send. Nothing was made of it, and the connection goes on. A mistake of the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misuse {
    /// Before the handshake, or after a fault.
    #[error("the handshake is not made, or the connection is over")]
    NotSpeaking,
    /// At the wrong time.
    #[error(transparent)]
    Disorder(#[from] Disorder),
    /// Too long.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// What the other side would not read: a list or a text that is too long.
    #[error("the other side would refuse this: {0}")]
    Unreadable(#[from] Unreadable),
}

impl From<serde_json::Error> for Misuse {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(error.into())
    }
}

//! TLS: the server that a ClientHello names, and that a second one names the same.

mod handshake;
mod hello;
mod records;

pub use handshake::Handshake;
pub use hello::Hello;
pub(crate) use records::{HANDSHAKE, MAX_RECORDS};

use crate::Fault;

/// The ClientHello that `bytes` begin with, if it is whole.
pub(crate) fn look(bytes: &[u8]) -> Result<Option<Hello>, Fault> {
    records::client_hello(bytes)?.map(|message| hello::read(&message)).transpose()
}

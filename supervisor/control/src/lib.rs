//! What `mcpguard` and the host daemon say to each other over a unix socket. Sans-IO: bytes go in, messages come out.
//!
//! ```text
//!             ┌───────────────────────────── ServerSide ──────────────────────────────┐
//! bytes, ───► │ frame ─► handshake, then reading ─► message ─► course: is it in turn? │ ─► Asked ─► rights ─► the daemon
//! descriptors │                                                                       │
//! bytes ◄──── │ frame ◄──────────────── message ◄───────────── course ◄───────────────│ ◄─ answers, events
//!             └───────────────────────────────────────────────────────────────────────┘
//!                        ClientSide is the same seen from the other end
//! ```
//!
//! What it guarantees
//! - **Bounded.** A message is refused by the length that it announces, before a byte of it is kept: [`MAX_HELLO`] before
//!   the handshake, [`MAX_OPEN`] for the first request, [`MAX_REQUEST`] for others, [`MAX_TOLD`] for what the daemon says.
//!   Memory is taken for what has come, never for what was announced. [`MAX_IN_FLIGHT`] requests are unanswered at most.
//! - **One reading.** A key that stands twice, a number that is no 64-bit integer, a text that is not UTF-8, a second form
//!   of the same bytes are refused ([`Unreadable`]). Integers never pass through floating point.
//! - **In turn.** What is out of order ([`Disorder`]) ends the connection; requests are numbered without gaps, and an
//!   answer belongs to one request that waits for it.
//! - **Descriptors are counted.** A message brings as many as its kind says, no more and no fewer. The descriptors
//!   themselves are the caller's: it keeps those that come in a queue, and takes from its front what a message brings.
//!
//! What it never does: touch a socket, a descriptor, a clock, a file or a source of randomness; believe what a client says
//! about itself. Who the peer is comes from the kernel, through the caller, into [`rights`].
//!
//! What is left to the caller, because it takes a clock or a socket: a deadline for hellos and for messages that are begun,
//! how many connections a user may have, what waits to be sent, and that descriptors which nobody took are closed with
//! the connection.
//!
//! # The bytes
//! A frame is its payload's length (4 bytes, big-endian), the number of descriptors that it brings (1 byte), and the
//! payload: JSON. Bytes that are not UTF-8 (paths, arguments, names of processes) are `{"base64": "…"}`; see [`OsBytes`].
//! Descriptors are sent together with the first byte of their frame.
//!
//! # What may change
//! Both sides begin with a [`Hello`], which never changes. The newest version that both speak holds for the connection.
//!
//! Within a version the daemon may
//! - add fields to what it says: an older client leaves them out;
//! - add words to the kinds of kernel events, their actions and reasons, the codes of refusals and the kinds of hooks: an
//!   older client reads them as `Unknown`, and the sentence beside them says what is meant.
//!
//! A new version is needed for everything else:
//! - a new request, a new field of a request, a new word or a wider bound in what a client says: an older daemon refuses
//!   it, since leaving out a part of what somebody asks for could open what they wanted closed;
//! - a new kind of answer or event, a new actor or state of a session: an older client would not know what happened;
//! - another meaning or the end of anything;
//! - smaller bounds, or another form of frames or bytes.
//!
//! A build speaks its own version and those before it that are still in use, so that a daemon can be upgraded before its
//! clients. Who is too old is told so, with the build to upgrade ([`HandshakeError`]).
//!
//! ```
//! use control::{Build, ClientSide, FromClient, FromDaemon, Request, ServerSide};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let build = || Build::new("0.1.0").expect("a build");
//! let (mut client, mut server) = (ClientSide::new(build()), ServerSide::new(build()));
//! let (to_server, to_client) = (client.hello()?, server.hello()?);
//! assert!(matches!(server.next(&mut &to_server.bytes[..])?, Some(FromClient::Greeted(..))));
//! assert!(matches!(client.next(&mut &to_client.bytes[..])?, Some(FromDaemon::Greeted(..))));
//!
//! let (id, request) = client.ask(Request::List)?;
//! let asked = server.next(&mut &request.bytes[..])?;
//! assert_eq!(asked, Some(FromClient::Asked(id, Request::List)));
//! # Ok(()) }
//! ```

#![forbid(unsafe_code)]

mod bounded;
mod bytes;
mod frame;
mod handshake;
pub mod message;
mod name;
mod objects;
mod peer;
mod reading;
pub mod rights;
mod selector;

pub use bytes::{BytesError, MAX_ARGUMENT, MAX_PATH, OsBytes, PathBytes};
pub use frame::{Frame, FrameError, Frames, HEAD, MAX_DESCRIPTORS, encode};
pub use handshake::{Build, HandshakeError, Hello, MAGIC, SPOKEN, Side, Version, Versions, agree};
pub use message::{Answer, Event, Request, RequestId};
pub use name::{NameError, SessionId, SessionName};
pub use peer::{
    ClientSide, Disorder, Fault, FromClient, FromDaemon, MAX_HELLO, MAX_IN_FLIGHT, Misuse, Outgoing,
    ServerSide,
};
pub use reading::{MAX_DEPTH, MAX_KEYS, Unreadable};
pub use selector::{Candidate, SelectError, Selector, Word, WordError};

/// The most bytes of the first request of a connection, which may open a session: 2.5 MiB. The texts of a policy have up
/// to 1 MiB, and each of their quotes, backslashes and newlines takes two bytes in JSON; the rest is for arguments.
pub const MAX_OPEN: usize = (2 * 1024 + 512) * 1024;

/// The most bytes of any other request: 64 KiB.
pub const MAX_REQUEST: usize = 64 * 1024;

/// The most bytes of a message from the daemon after its hello: 1 MiB. A list of sessions that is longer comes in parts.
pub const MAX_TOLD: usize = 1024 * 1024;

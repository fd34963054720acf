//! What the first bytes of a connection say about whom it is for. Sans-IO: bytes go in, names and faults come out.
//!
//! ```text
//!  client's first bytes ──► peek ──► More | Fault
//!                             ├────► Tls(Hello)  server_name ─► the caller checks it ─► Handshake ─► opaque
//!                             └────► Http(Head)  host, port  ─► the caller checks it ─► Requests  ─► head by head
//! ```
//!
//! What it guarantees
//! - **One reading.** What two implementations could read differently (two names, lengths that lie, a bare line feed, two
//!   ways to frame a body) is a [`Fault`], not a guess. The name that is given back is the one that the other side acts on.
//! - **A decision stays.** More bytes turn [`Peek::More`] into a decision, and never one decision into another.
//! - **Every name is checked, not the first one only.** [`Requests`] gives back the host of each HTTP request of a
//!   connection, [`Handshake`] compares the second ClientHello of a retried TLS handshake with the first.
//! - **Work is bounded.** At most [`MAX_HEAD`] bytes are waited for, and each is looked at a fixed number of times however
//!   small the pieces are that it comes in.
//!
//! What it never does: read a socket or a clock, decide whether a name is allowed, decrypt anything, change a byte.
//!
//! What it cannot see: names inside of the encryption. That is the inner name of an encrypted ClientHello
//! ([`Hello::encrypted`]), the `Host` of requests within TLS, and the renegotiation of TLS 1.2. Nor does it know what a
//! server makes of fields that only some servers heed, such as `X-Forwarded-Host`.
//!
//! ```
//! use peek::{Expect, Fed, Host, Peek, Requests, peek};
//!
//! let bytes = b"GET / HTTP/1.1\r\nHost: api.example.com\r\n\r\nGET / HTTP/1.1\r\nHost: other.example\r\n\r\n";
//! assert!(matches!(peek(&bytes[..20], Expect::Http), Peek::More));
//! assert!(matches!(peek(bytes, Expect::Http), Peek::Http(_)));
//!
//! let (mut requests, mut passed, mut hosts) = (Requests::new(), 0, Vec::new());
//! loop {
//!     match requests.feed(&bytes[passed..])? {
//!         Fed::More => break,
//!         Fed::Pass(count) => passed += count,
//!         Fed::Head(head) => {
//!             passed += head.bytes; // Not before the host has been checked.
//!             hosts.push(head.host);
//!         }
//!     }
//! }
//! assert_eq!(hosts, ["api.example.com", "other.example"].map(|name| Host::Name(name.to_owned())));
//! # Ok::<(), peek::Fault>(())
//! ```

#![forbid(unsafe_code)]

mod fault;
mod first;
mod http;
mod name;
mod tls;

pub use fault::{Fault, NameFault, Speaker};
pub use first::{Expect, Peek, Peeking, peek};
pub use http::{Answer, Fed, Head, Host, Requests, answer};
pub use tls::{Handshake, Hello};

/// Bytes that are waited for until a connection has said whom it is for: 16 KiB. A ClientHello with a post-quantum key
/// share has 2 KiB; HTTP servers accept heads of 8 to 16 KiB.
pub const MAX_HEAD: usize = 16 * 1024;

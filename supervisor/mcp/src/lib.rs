//! The doorman: a sans-IO MCP engine. Bytes and the time go in, bytes to forward and facts come out.
//!
//! ```text
//!  client ──bytes──► Frames ──Frame──► Engine::from_client ──► Judgement ─► forward ─────► server
//!                                        │  ToolsPlan             ├───────► to_client
//!                                        │  SessionPlan           ├───────► to_server
//!                                        │  ResponsesPlan         └───────► facts ───────► audit log (first)
//!  server ──bytes──► Frames ──Frame──► Engine::from_server ──► Judgement ─► forward ─────► client
//!                                        └─ active(): the grant classes of the calls in flight ─► kernel
//! ```
//!
//! What it guarantees
//! - A message that is forwarded has exactly one reading: what the doorman judged is what every reader sees.
//!   [`Fault`] and [`Invalid`] name what is refused for that.
//! - What is allowed is forwarded byte for byte. Only `tools/list` answers (disabled tools cut out), batches of which
//!   a part is refused, withheld answers, and failed calls during which the kernel denied something are rewritten.
//! - Every request of the client gets at most one answer, and an answer of the server reaches the client only if it
//!   belongs to an open request. Whatever is refused is answered where the protocol has an answer.
//! - A call's grants are active exactly while it is at the server and somebody waits for it.
//!
//! What it never does: read a file or a clock, open a socket, start a thread, trust a length, copy a message that it
//! forwards unchanged (except for a call that waits its turn, and the arguments that the audit log wants).
//!
//! What it leaves alone: the capabilities that a client announces. A server may therefore believe that it can ask for
//! sampling although the policy refuses it; it gets an error when it does.

#![forbid(unsafe_code)]

mod engine;
mod fact;
mod frames;
mod id;
mod judgement;
mod message;
mod orders;
mod scan;
mod screen;
mod value;
mod words;

pub use ::pins::Weight;
pub use engine::{CallInFlight, Caller, Decision, Engine, HeldCall, Pinning, Undecided};
pub use fact::{Ending, Era, Fact, MessageFault, Outcome, Peer, Refusal, Replacement, Side, Unexpected};
pub use frames::{Frame, FrameError, Frames};
pub use id::RequestId;
pub use judgement::{End, Forward, Judgement};
pub use message::{Invalid, Message};
pub use orders::{Orders, Secrets, Surroundings};
pub use scan::{Fault, MAX_DEPTH};
pub use screen::{Finding, FindingKind};

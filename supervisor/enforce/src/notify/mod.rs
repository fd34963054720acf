//! The network without root: the supervisor judges every address of the server, and carries the call out itself.
//!
//! The filter reports each call that has an address. The supervisor duplicates the caller's socket, copies the address
//! once, asks the socket what it is, judges by `verdict::network`, and connects, sends, binds or receives on the duplicate
//! with its own copy. The caller's call never continues: what its threads change meanwhile, in memory or in the table of
//! descriptors, changes nothing. Everything is done without capabilities, so that a supervisor that is root lends none.
//!
//! ```text
//! connect(fd, address) ─report─► Handles: the socket ─┐
//!                                Caller: the address ─┼► Desk: way ─ Session: verdict::network ─► Direct ─► connect
//!                                                     │                                     ├─► door ──► connect to 127.0.0.1
//!                                                     │                                     └─► Refusal ► EPERM, a record
//!                      answer ◄── Job: step ◄── Parked: waits for the socket, its time, a signal, its caller's end
//! ```
//! The supervisor is outside of the server's Landlock domain, so that Landlock does not look at what it carries out: for
//! these calls the gate decides alone. Landlock and the filter stay engaged for everything else.
//!
//! What it does not see: bytes on sockets that are connected already. A connection that was made while a tool call was in
//! flight is not closed at the call's end, and a datagram socket that was connected then goes on sending to its peer.
//! `recvmsg` shows the resolver's own address as the source of an answer (see `receive`).
//!
//! A server can hold its own gate up: by clearing `O_NONBLOCK` on a socket just when it is connected, or by closing one
//! that lingers (`SO_LINGER`). Then its own calls wait, and nobody else's: each session has its own gate and thread.

mod address;
mod batch;
mod bind;
mod bounded;
mod caller;
mod connect;
mod control;
mod counts;
mod denial;
mod desk;
mod gate;
mod handles;
mod job;
mod message;
mod names;
mod parked;
mod prepared;
mod probe;
mod receive;
mod send;
mod session;
mod socket;
mod status;
mod step;
mod tables;
mod unix;

pub use address::{read_address, write_address};
pub use denial::{Attempt, NetworkDenial};
pub(crate) use gate::Gate;
pub use prepared::GateError;
pub(crate) use prepared::{Prepared, who_decides};
pub(crate) use probe::is_possible;

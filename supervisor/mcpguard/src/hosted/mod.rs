//! Sessions whose kernel part the host daemon does: how an ordinary user's server gets every layer.
//!
//! ```text
//! Choice ─ find ─► Found: what the daemon offers ─► Support ─► coverage, plan, orders
//! last mile waits ─ open ─► daemon: marks, joins, proves ─► Hosted: page (grants follow the calls), bundle (files known)
//!                            link, a thread: events, answers, resumption ◄────┘
//! resolver, proxy ─► Remote ─ learn, arrived ─► link ─► daemon
//! ```
//! The daemon may end at any time: the session goes on under the rules that stand in the kernel, nothing new is learned
//! meanwhile, and the link resumes with the next daemon. It never falls back to less than was offered when it began.

mod choice;
mod heard;
mod line;
mod link;
mod news;
mod next;
mod opening;
mod remote;
mod told;

pub(crate) use choice::{Choice, Found, SOCKET, is_there};
pub(crate) use line::Line;
pub(crate) use link::Hosted;
pub(crate) use news::News;
pub(crate) use next::{Committed, Next, Place};
pub(crate) use opening::{Recorder, open};

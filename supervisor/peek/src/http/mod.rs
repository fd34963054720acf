//! HTTP/1 (RFC 9112): whom each request of a connection is for, and where it ends.

mod answer;
mod authority;
mod chunks;
mod fields;
mod head;
mod lines;
mod requests;
mod target;

pub use answer::{Answer, answer};
pub use authority::Host;
pub(crate) use chunks::MAX_EXTENSION;
pub(crate) use fields::MAX_FIELDS;
pub use head::Head;
pub(crate) use head::HeadLines;
pub use requests::{Fed, Requests};

//! The log as a whole: what is written, changed, rotated, shared, killed, followed.

// `cfg(test)` tells clippy that functions beside the tests may unwrap as well.
#[cfg(test)]
mod chain;
#[cfg(test)]
mod host;
#[cfg(test)]
mod redaction;
#[cfg(test)]
mod revision;
#[cfg(test)]
mod room;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod sharing;

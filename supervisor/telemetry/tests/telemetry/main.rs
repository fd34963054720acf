//! The host's log, its sinks and its endpoint, each against the real thing: files, sockets, a collector.

// `cfg(test)` tells clippy that functions beside the tests may unwrap as well.
#[cfg(test)]
mod collector;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod datagrams;
#[cfg(test)]
mod endpoint;
#[cfg(test)]
mod files;
#[cfg(test)]
mod host_log;
#[cfg(test)]
mod otlp;
#[cfg(test)]
mod room;
#[cfg(test)]
mod slow;

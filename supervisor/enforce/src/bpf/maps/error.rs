//! Why a map cannot be used.

use aya::maps::MapError;
use nix::errno::Errno;

/// Why a map cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MapsError {
    /// The kernel would not make it.
    #[error("the kernel refused the BPF map {name}: {}{}", errno.desc(), hint(*errno))]
    Refused {
        /// The map.
        name: String,
        /// Why.
        errno: Errno,
    },
    /// The object file and this program do not agree about it.
    #[error(
        "the BPF map {name} is not what this program takes it for: {reason}; this is an error of the build, please report it"
    )]
    Unfit {
        /// The map.
        name: &'static str,
        /// Why.
        reason: String,
    },
    /// A value could not be read or written.
    #[error("the BPF map {name} could not be {doing}: {reason}")]
    Access {
        /// The map.
        name: &'static str,
        /// `filled` or `read`.
        doing: &'static str,
        /// Why.
        reason: String,
    },
}

fn hint(errno: Errno) -> &'static str {
    match errno {
        Errno::EPERM => "; it needs root with CAP_BPF",
        Errno::ENOMEM | Errno::E2BIG => "; too little memory for the size of this policy",
        _ => "",
    }
}

/// A failed write, as an error of the map.
pub(in crate::bpf) fn filled(name: &'static str) -> impl Fn(MapError) -> MapsError {
    move |error| MapsError::Access { name, doing: "filled", reason: reason(&error) }
}

/// A failed read, as an error of the map.
pub(in crate::bpf) fn read(name: &'static str) -> impl Fn(MapError) -> MapsError {
    move |error| MapsError::Access { name, doing: "read", reason: reason(&error) }
}

/// What is not there need not be taken out.
pub(in crate::bpf) fn forget(outcome: Result<(), MapError>) -> Result<(), MapError> {
    match outcome {
        Err(MapError::SyscallError(call)) if call.io_error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(MapError::KeyNotFound) => Ok(()),
        other => other,
    }
}

fn reason(error: &MapError) -> String {
    match error {
        MapError::SyscallError(call) if call.io_error.raw_os_error() == Some(Errno::E2BIG as i32) => {
            "it is full: there are more entries than were foreseen".to_owned()
        }
        MapError::SyscallError(call) => call.io_error.to_string(),
        other => other.to_string(),
    }
}

//! Giving up every privilege, for good: capabilities, supplementary groups, and the chance to gain any by `execve`.

use caps::{CapSet, Capability};
use nix::errno::Errno;

use super::failed;
use crate::orders::{Failed, FailureKind};
use crate::sys;

/// Afterwards the process has no capability in any set and never gets one, whatever it executes.
pub(crate) fn drop_all() -> Result<(), Failed> {
    nix::sys::prctl::set_no_new_privs().map_err(|error| failed("no_new_privs cannot be set", error))?;
    if has(CapSet::Effective, Capability::CAP_SETGID)? {
        // Only root gets here; what root's other groups may open, the server need not.
        drop_groups()?;
    }
    if has(CapSet::Effective, Capability::CAP_SETPCAP)? {
        empty_bounding_set()?;
        sys::close_secure_bits().map_err(|error| failed("the secure bits cannot be set", error))?;
    }
    for set in [CapSet::Ambient, CapSet::Inheritable, CapSet::Effective, CapSet::Permitted] {
        caps::clear(None, set).map_err(|error| refused(&error))?;
    }
    Ok(())
}

fn drop_groups() -> Result<(), Failed> {
    match nix::unistd::setgroups(&[]) {
        // A user namespace may forbid it (`/proc/self/setgroups`); there the groups outside of it open nothing.
        Ok(()) | Err(Errno::EPERM) => Ok(()),
        Err(error) => Err(failed("supplementary groups cannot be dropped", error)),
    }
}

/// No program that is executed gets a capability by its file any more. Needs `CAP_SETPCAP`.
pub(crate) fn empty_bounding_set() -> Result<(), Failed> {
    for capability in caps::all() {
        // A capability that this kernel does not know is not in the set.
        if has(CapSet::Bounding, capability).unwrap_or(false) {
            caps::drop(None, CapSet::Bounding, capability).map_err(|error| refused(&error))?;
        }
    }
    Ok(())
}

fn has(set: CapSet, capability: Capability) -> Result<bool, Failed> {
    caps::has_cap(None, set, capability).map_err(|error| refused(&error))
}

fn refused(error: &caps::errors::CapsError) -> Failed {
    Failed { kind: FailureKind::Own, message: format!("capabilities cannot be dropped: {error}") }
}

//! The daemon's words about the kernel, as those that this process would have read by itself.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

use abi::{Action, EventKind, Reason};
use control::OsBytes;
use control::message::{self, KernelEvent};
use enforce::Pid;
use enforce::bpf::{Peer, SeenPath};

/// One denial; `None` for one whose words this build does not know.
pub(super) fn event(told: &KernelEvent, slot: u32) -> Option<enforce::KernelEvent> {
    let number = |process: u32| Pid::from_raw(process.cast_signed());
    Some(enforce::KernelEvent {
        sequence: told.sequence,
        at: Duration::from_nanos(told.at_ns),
        active: told.active,
        call: told.call,
        slot,
        process: number(told.process),
        thread: number(told.thread),
        name: text(&told.name),
        kind: EventKind::ALL.into_iter().find(|it| kind(*it) == told.kind)?,
        action: match told.action {
            message::Action::Denied => Action::Denied,
            message::Action::Killed => Action::Killed,
            message::Action::Unknown => return None,
        },
        reason: Reason::ALL.into_iter().find(|it| reason(*it) == told.reason)?,
        rule: told.rule,
        access: told.access,
        path: told
            .path
            .as_ref()
            .map(|seen| SeenPath { path: PathBuf::from(text(&seen.path)), complete: seen.complete }),
        peer: told.peer.map(|peer| Peer { address: peer.address, protocol: peer.protocol }),
    })
}

use crate::daemon::words::{kind, reason};

fn text(bytes: &OsBytes) -> OsString {
    OsString::from_vec(bytes.as_bytes().to_vec())
}

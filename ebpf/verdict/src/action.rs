//! Deny, or deny and kill.

use abi::{EventKind, Reason, session_flags};

const fn bit(kind: EventKind) -> u32 {
    1 << kind as u16
}

const EXEC: u32 = bit(EventKind::Exec) | bit(EventKind::MapCode);
const FILE: u32 = bit(EventKind::Open)
    | bit(EventKind::Create)
    | bit(EventKind::Remove)
    | bit(EventKind::Rename)
    | bit(EventKind::Link)
    | bit(EventKind::Truncate)
    | bit(EventKind::Attributes)
    | bit(EventKind::Receive);
const NETWORK: u32 = bit(EventKind::Connect)
    | bit(EventKind::Send)
    | bit(EventKind::Bind)
    | bit(EventKind::Socket)
    | bit(EventKind::Unix)
    | bit(EventKind::Packet);

const ESCAPE: u32 = Reason::Escape as u32;
const ORPHAN: u32 = Reason::Orphan as u32;
const RATE: u32 = Reason::Rate as u32;
const INTERNAL: u32 = Reason::Internal as u32;

/// Whether a denial kills, by the numbers of its [`EventKind`] and [`Reason`] and the flags of the session. A rate limit
/// slows down and does not kill by itself, and neither does an error of ours. `repeated`: the bucket of denials is over.
#[inline(always)]
pub const fn kills(kind: u32, reason: u32, session: u32, repeated: bool) -> bool {
    if reason == ESCAPE || reason == ORPHAN {
        return true;
    }
    if repeated && session & session_flags::KILL_REPEATED != 0 {
        return true;
    }
    if reason == RATE || reason == INTERNAL {
        return false;
    }
    let kind = 1 << (kind & 31);
    (kind & FILE != 0 && session & session_flags::KILL_FILE != 0)
        || (kind & NETWORK != 0 && session & session_flags::KILL_NETWORK != 0)
        || (kind & EXEC != 0 && session & session_flags::KILL_EXEC != 0)
}

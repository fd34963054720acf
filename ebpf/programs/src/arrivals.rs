//! What a door sees of a process: whom it wanted to talk to.
//!
//! The first packet of a connection says where it comes from, just as the door will see it, and has not arrived yet. (A
//! program for the events of TCP sockets would be asked five times for each connection, and for every socket of the host
//! that is asked about its group.)

use abi::{Door, Flow, Peer, PeerKey, SocketFlow};

use crate::maps::PEERS;
use crate::reach::words;
use crate::told::{Told, loopback};

/// Keys and values of `PEERS` by words.
type KeyWords = [u64; 3];
type PeerWords = [u64; 3];
const _: () = assert!(size_of::<KeyWords>() == size_of::<PeerKey>());
const _: () = assert!(size_of::<PeerWords>() == size_of::<Peer>());
const _: () = assert!(cfg!(target_endian = "little"), "ports and slot are put together for this order");

/// Tells who is about to come to where a packet goes: `near` and `source` are the packet's own end.
#[inline(always)]
pub(crate) fn tell(near: [u64; 2], source: u16, told: &Told, kept: Option<&SocketFlow>) {
    let key: KeyWords = [near[0], near[1], u64::from(source)];
    // SAFETY: the three words are a key.
    let key = unsafe { &*key.as_ptr().cast::<PeerKey>() };
    match kept {
        Some(kept) if kept.flow.door != Door::Direct as u32 => {
            let value = wanted(&kept.flow, kept.slot);
            // SAFETY: the three words are a value.
            let value = unsafe { &*value.as_ptr().cast::<Peer>() };
            if PEERS.insert(key, value, 0).is_ok() {
                return;
            }
            // Without room nobody's name stands there: the door then closes on whoever comes.
        }
        // Whoever had this end before and never arrived must not lend it his name; no door is elsewhere.
        _ if loopback([told[0], told[1]]) == [told[0], told[1]] => {}
        _ => return,
    }
    let _ = PEERS.remove(key);
}

#[inline(always)]
fn wanted(flow: &Flow, slot: u32) -> PeerWords {
    let [high, low] = words(&flow.wanted);
    [high, low, u64::from(flow.wanted_port) | u64::from(slot) << 32]
}

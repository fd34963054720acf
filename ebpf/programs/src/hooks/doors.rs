//! What a process sees of a door, and what a door sees of a process: the one believes to talk to whom it wanted, and the
//! other learns whom that was. Nothing is decided here.

use abi::{Door, Peer, PeerKey, SocketFlow};
use aya_ebpf::bindings::{BPF_SOCK_OPS_TCP_CONNECT_CB, bpf_sock_ops};
use aya_ebpf::macros::{cgroup_sock_addr, sock_ops};
use aya_ebpf::programs::{SockAddrContext, SockOpsContext};

use crate::flows;
use crate::maps::PEERS;
use crate::reach::{is_mapped, joined, mapped, words};

/// The only answer that the kernel takes from these programs.
const GO_ON: i32 = 1;

#[cgroup_sock_addr(recvmsg4)]
pub(crate) fn recvmsg4(ctx: SockAddrContext) -> i32 {
    flows::disguise::<false>(ctx.sock_addr);
    GO_ON
}

#[cgroup_sock_addr(recvmsg6)]
pub(crate) fn recvmsg6(ctx: SockAddrContext) -> i32 {
    flows::disguise::<true>(ctx.sock_addr);
    GO_ON
}

#[cgroup_sock_addr(getpeername4)]
pub(crate) fn getpeername4(ctx: SockAddrContext) -> i32 {
    flows::disguise::<false>(ctx.sock_addr);
    GO_ON
}

#[cgroup_sock_addr(getpeername6)]
pub(crate) fn getpeername6(ctx: SockAddrContext) -> i32 {
    flows::disguise::<true>(ctx.sock_addr);
    GO_ON
}

/// Tells who is about to connect to a door. The near port is known from here on, and no packet has gone yet.
#[sock_ops]
pub(crate) fn connecting(ctx: SockOpsContext) -> u32 {
    let operation = ctx.ops;
    // SAFETY: the program's own context.
    if unsafe { (*operation).op } == BPF_SOCK_OPS_TCP_CONNECT_CB {
        tell(operation);
    }
    GO_ON as u32
}

/// Keys and values of `PEERS` by words.
type KeyWords = [u64; 3];
type PeerWords = [u64; 3];
const _: () = assert!(size_of::<KeyWords>() == size_of::<PeerKey>());
const _: () = assert!(size_of::<PeerWords>() == size_of::<Peer>());
const _: () = assert!(cfg!(target_endian = "little"), "ports and slot are put together for this order");

#[inline(always)]
fn tell(operation: *mut bpf_sock_ops) {
    // SAFETY: the program's own context, and every part of the union is this pointer.
    let socket = unsafe { (*operation).__bindgen_anon_2.sk };
    if socket.is_null() {
        return;
    }
    let flow = flows::of(socket.cast());
    if flow.is_null() {
        return;
    }
    // SAFETY: a map value.
    let flow: &SocketFlow = unsafe { &*flow };
    let key = near_end(operation, is_mapped(words(&flow.flow.real)));
    // SAFETY: the three words are a key.
    let key = unsafe { &*key.as_ptr().cast::<PeerKey>() };
    if flow.flow.door == Door::Direct as u32 {
        // Whoever had this end before and never arrived must not lend it his name.
        let _ = PEERS.remove(key);
        return;
    }
    let [high, low] = words(&flow.flow.wanted);
    let value: PeerWords = [high, low, u64::from(flow.flow.wanted_port) | u64::from(flow.slot) << 32];
    // SAFETY: the three words are a value.
    let value = unsafe { &*value.as_ptr().cast::<Peer>() };
    if PEERS.insert(key, value, 0).is_err() {
        // Without room nobody's name stands there: the door then closes on whoever comes.
        let _ = PEERS.remove(key);
    }
}

/// The near end of a connection, as the door will see it. The verifier wants the address word by word.
#[inline(always)]
fn near_end(operation: *const bpf_sock_ops, four: bool) -> KeyWords {
    // SAFETY: the program's own context.
    unsafe {
        let port = u64::from((*operation).local_port as u16);
        if four {
            return [0, mapped((*operation).local_ip4), port];
        }
        let words = (&raw const (*operation).local_ip6).cast::<u32>();
        let word = |index| words.add(index).read_volatile();
        [joined(word(0), word(1)), joined(word(2), word(3)), port]
    }
}

//! What a socket was let through to, kept at the socket itself: packets are judged by it, and answers look as if they came
//! from where the process wanted to go.

use core::ffi::c_void;
use core::ptr;

use abi::{Door, Flow, Reason, SocketFlow};
use aya_ebpf::bindings::{BPF_SK_STORAGE_GET_F_CREATE, bpf_sock_addr};
use aya_ebpf::helpers::generated::bpf_sk_storage_get;
use verdict::Denial;

use crate::maps::FLOWS;
use crate::member::Member;
use crate::reach::words;
use crate::told::{self, Told};

/// Where a socket may send to, and in which classes.
pub(crate) struct Way<'a> {
    /// Through which door.
    pub(crate) door: Door,
    /// In which classes.
    pub(crate) classes: u64,
    /// The address that its packets have.
    pub(crate) real: [u64; 2],
    /// The port that its packets have, in host order.
    pub(crate) port: u16,
    /// The session.
    pub(crate) member: &'a Member,
}

/// The socket that the kernel's structure is about.
#[inline(always)]
pub(crate) fn socket(asked: *const bpf_sock_addr) -> *mut c_void {
    // SAFETY: the program's own context, and every part of the union is this pointer.
    unsafe { (*asked).__bindgen_anon_1.sk.cast() }
}

/// A socket's flow; null if it has none.
#[inline(always)]
pub(crate) fn of(socket: *mut c_void) -> *mut SocketFlow {
    // SAFETY: the map is a socket storage of `SocketFlow`, and the verifier knows the socket.
    unsafe { bpf_sk_storage_get(FLOWS.map(), socket, ptr::null_mut(), 0) }.cast()
}

/// Keeps where a socket was let through to. The kernel holds the socket's lock meanwhile, so that nobody else writes; a
/// packet that is judged just now finds no classes, or all of it.
#[inline(always)]
pub(crate) fn keep(socket: *mut c_void, wanted: &Told, way: &Way<'_>) -> Result<(), Denial> {
    let create = u64::from(BPF_SK_STORAGE_GET_F_CREATE);
    // SAFETY: as in `of`.
    let kept = unsafe { bpf_sk_storage_get(FLOWS.map(), socket, ptr::null_mut(), create) };
    let kept = kept.cast::<SocketFlow>();
    if kept.is_null() {
        // No memory; what is not kept could not be judged.
        return Err(Denial::of(Reason::Internal));
    }
    // SAFETY: a map value of this type; its fields are written word by word and in this order.
    unsafe {
        let flow = &raw mut (*kept).flow;
        (&raw mut (*flow).classes).write_volatile(0);
        let (to, real) = ((&raw mut (*flow).wanted).cast::<u64>(), (&raw mut (*flow).real).cast::<u64>());
        to.write_volatile(wanted[0]);
        to.add(1).write_volatile(wanted[1]);
        real.write_volatile(way.real[0]);
        real.add(1).write_volatile(way.real[1]);
        (&raw mut (*flow).wanted_port).write_volatile(told::port(wanted));
        (&raw mut (*flow).real_port).write_volatile(way.port);
        (&raw mut (*flow).door).write_volatile(way.door as u32);
        (&raw mut (*kept).slot).write_volatile(way.member.slot);
        (&raw mut (*kept).revision).write_volatile(way.member.revision);
        (&raw mut (*flow).classes).write_volatile(way.classes);
    }
    Ok(())
}

/// If the address in the kernel's structure is the door through which the socket goes, puts the wanted one in its place.
#[inline(always)]
pub(crate) fn disguise<const SIX: bool>(asked: *mut bpf_sock_addr) {
    let flow = of(socket(asked));
    if flow.is_null() {
        return;
    }
    let seen = if SIX { told::v6(asked) } else { told::v4(asked) };
    // SAFETY: a map value.
    let flow: &Flow = unsafe { &(*flow).flow };
    let [high, low] = words(&flow.real);
    if flow.door != Door::Direct as u32
        && told::port(&seen) == flow.real_port
        && seen[0] == high
        && seen[1] == low
    {
        told::put::<SIX>(asked, words(&flow.wanted), flow.wanted_port);
    }
}

//! An address as records have it: two words of the IPv6 form, and port, family and protocol as they lie in memory.

use aya_ebpf::bindings::bpf_sock_addr;
use verdict::network::{AF_INET, AF_INET6};

use crate::reach::{is_mapped, joined, mapped, split};

/// The three words.
pub(crate) type Told = [u64; 3];
const _: () =
    assert!(cfg!(target_endian = "little"), "port, family and protocol are put together for this order");

/// Puts the three words together; the port is in host order.
#[inline(always)]
pub(crate) fn told(address: [u64; 2], port: u16, family: u16, protocol: u16) -> Told {
    let rest = u64::from(port) | u64::from(family) << 16 | u64::from(protocol) << 32;
    [address[0], address[1], rest]
}

/// The port, in host order.
#[inline(always)]
pub(crate) fn port(told: &Told) -> u16 {
    told[2] as u16
}

/// The protocol.
#[inline(always)]
pub(crate) fn protocol(told: &Told) -> u32 {
    u32::from((told[2] >> 32) as u16)
}

/// The address in its IPv6 form.
#[inline(always)]
pub(crate) fn address(told: &Told) -> &[u8; 16] {
    // SAFETY: the first two words are the sixteen bytes.
    unsafe { &*told.as_ptr().cast() }
}

/// The address that the kernel's structure has, IPv4.
#[inline(always)]
pub(crate) fn v4(asked: *const bpf_sock_addr) -> Told {
    // SAFETY: the program's own context.
    unsafe {
        let (address, port) = ((*asked).user_ip4, (*asked).user_port as u16);
        told([0, mapped(address)], u16::from_be(port), AF_INET, (*asked).protocol as u16)
    }
}

/// The address that the kernel's structure has, IPv6.
#[inline(always)]
pub(crate) fn v6(asked: *const bpf_sock_addr) -> Told {
    // SAFETY: the program's own context.
    unsafe {
        let [a, b, c, d] = (*asked).user_ip6;
        let port = (*asked).user_port as u16;
        let address = [joined(a, b), joined(c, d)];
        told(address, u16::from_be(port), AF_INET6, (*asked).protocol as u16)
    }
}

/// Puts another address into the kernel's structure, of the same family.
#[inline(always)]
pub(crate) fn put<const SIX: bool>(into: *mut bpf_sock_addr, address: [u64; 2], port: u16) {
    let [_, last] = split(address[1]);
    // SAFETY: the program's own context, word by word, as the verifier wants it.
    unsafe {
        if SIX {
            let place = (&raw mut (*into).user_ip6).cast::<u32>();
            let ([a, b], [c, d]) = (split(address[0]), split(address[1]));
            place.write_volatile(a);
            place.add(1).write_volatile(b);
            place.add(2).write_volatile(c);
            place.add(3).write_volatile(d);
        } else {
            (&raw mut (*into).user_ip4).write_volatile(last);
        }
        (&raw mut (*into).user_port).write_volatile(u32::from(port.to_be()));
    }
}

/// The loopback interface's address of the same kind: `127.0.0.1`, plain or in its IPv6 form, or `::1`.
#[inline(always)]
pub(crate) fn loopback(of: [u64; 2]) -> [u64; 2] {
    if is_mapped(of) { [0, mapped(0x7f00_0001_u32.to_be())] } else { [0, joined(0, 1_u32.to_be())] }
}

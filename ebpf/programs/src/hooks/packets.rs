//! Packets on their way out of a session's control group: the last gate, behind which nothing is decided any more. It sees
//! what the others cannot, and it can only deny.

use core::arch::asm;
use core::mem::{MaybeUninit, offset_of};

use abi::{Bucket, EventKind, Reason, SocketFlow, Spending};
use aya_ebpf::bindings::__sk_buff;
use aya_ebpf::helpers::generated::{bpf_skb_cgroup_id, bpf_skb_load_bytes};
use aya_ebpf::macros::cgroup_skb;
use aya_ebpf::programs::SkBuffContext;
use verdict::Denial;
use verdict::network::{self, AF_INET, AF_INET6, Segment, TCP};

use crate::member::Member;
use crate::reach::{Addresses, joined, mapped};
use crate::told::{self, Told, told};
use crate::{arrivals, denial, flows, rate, spending};

const ALLOW: i32 = 1;
const DENY: i32 = 0;
/// `ETH_P_IP` and `ETH_P_IPV6` (Linux `if_ether.h`).
const ETH_P_IP: u16 = 0x0800;
const ETH_P_IPV6: u16 = 0x86dd;
/// The first byte of an IPv4 header of five words (RFC 791 section 3.1).
const NO_OPTIONS: u8 = 0x45;
/// Flags of TCP (RFC 9293 section 3.1).
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// Counts what is sent, and lets out what a rule reaches now.
#[cgroup_skb(egress)]
pub(crate) fn egress(ctx: SkBuffContext) -> i32 {
    let packet = ctx.skb.skb;
    let kept = kept(packet);
    // SAFETY: the program's own context.
    let group = unsafe { bpf_skb_cgroup_id(packet) };
    let Some(member) = Member::of_socket(kept, group) else { return DENY };
    let mut told = [0; 3];
    match leave(&member, packet, kept, &mut told) {
        Ok(()) => ALLOW,
        Err(denial) => {
            denial::gate::<false>(member.slot, EventKind::Packet, denial, &told);
            DENY
        }
    }
}

#[inline(always)]
fn leave(
    member: &Member,
    packet: *const __sk_buff,
    kept: Option<&SocketFlow>,
    told: &mut Told,
) -> Result<(), Denial> {
    let (segment, near) = segment(packet, told)?;
    member.lives()?;
    // What the packet's socket was let through to, if it was this session, by this policy.
    let kept = kept.filter(|kept| kept.is_of(member.slot, member.revision));
    let (tables, flow) = (Addresses { rules: member.rules }, kept.map(|kept| &kept.flow));
    let classes = network::send(&tables, told::address(told), segment, flow, member.active, || member.now())?;
    // SAFETY: the program's own context.
    let bytes = u64::from(unsafe { (*packet).len });
    spending::take(member, Bucket::SentBytes, bytes)?;
    spending::spend(member, classes, Spending::SentBytes, bytes)?;
    // SAFETY: a map value.
    unsafe { rate::add(&raw mut (*member.state).sent_bytes, bytes) };
    if segment.opens {
        arrivals::tell(near, segment.source, told, kept);
    }
    Ok(())
}

/// What the packet's socket keeps.
#[inline(always)]
fn kept(packet: *const __sk_buff) -> Option<&'static SocketFlow> {
    // SAFETY: the program's own context, and every part of the union is this pointer.
    let socket = unsafe { (*packet).__bindgen_anon_2.sk };
    if socket.is_null() {
        return None;
    }
    // SAFETY: a map value, or null.
    unsafe { flows::of(socket.cast()).as_ref() }
}

/// What a packet is, where it comes from and whom it is for. IPv4 options and IPv6 extensions may lead it elsewhere: no
/// policy grants them.
#[inline(always)]
fn segment(packet: *const __sk_buff, into: &mut Told) -> Result<(Segment, [u64; 2]), Denial> {
    // SAFETY: the program's own context.
    let family = u16::from_be(unsafe { (*packet).protocol } as u16);
    let (protocol, begin, address) = match family {
        ETH_P_IP => {
            let header: [u32; 5] = load(packet, 0)?;
            let (first, protocol) = (header[0].to_ne_bytes()[0], header[2].to_ne_bytes()[1]);
            *into = told([0, mapped(header[4])], 0, AF_INET, u16::from(protocol));
            if first != NO_OPTIONS {
                return Err(Denial::of(Reason::Kind));
            }
            (protocol, 20, [0, mapped(header[3])])
        }
        ETH_P_IPV6 => {
            let header: [u32; 10] = load(packet, 0)?;
            let word = |index: usize| joined(header[index], header[index + 1]);
            let protocol = header[1].to_ne_bytes()[2];
            *into = told([word(6), word(8)], 0, AF_INET6, u16::from(protocol));
            (protocol, 40, [word(2), word(4)])
        }
        _ => return Err(Denial::of(Reason::Kind)),
    };
    let [source, target]: [u16; 2] = load(packet, begin)?;
    let (source, target) = (u16::from_be(source), u16::from_be(target));
    into[2] |= u64::from(target);
    let opens = u32::from(protocol) == TCP && {
        let [_, flags]: [u8; 2] = load(packet, begin + 12)?;
        flags & SYN != 0 && flags & ACK == 0
    };
    Ok((Segment { protocol: u32::from(protocol), source, target, opens }, address))
}

/// Bytes of a packet from its network header on.
#[inline(always)]
fn load<T: Copy>(packet: *const __sk_buff, offset: u32) -> Result<T, Denial> {
    if let Some(value) = at_hand(packet, offset) {
        return Ok(value);
    }
    let mut value = MaybeUninit::<T>::uninit();
    let (into, size) = (value.as_mut_ptr(), size_of::<T>() as u32);
    // SAFETY: the helper writes just the value's own bytes, and any bytes are a value of the integers used here.
    unsafe {
        match bpf_skb_load_bytes(packet.cast(), offset, into.cast(), size) {
            0 => Ok(value.assume_init()),
            _ => Err(Denial::of(Reason::Kind)),
        }
    }
}

/// The same where the bytes lie in one piece, which headers on their way out do: without a call.
#[inline(always)]
fn at_hand<T: Copy>(packet: *const __sk_buff, offset: u32) -> Option<T> {
    let (begin, end): (*const u8, *const u8);
    // The kernel puts pointers in the place of these two words; the compiler would take them for numbers of 32 bits.
    // SAFETY: the program's own context.
    unsafe {
        asm!(
            "{begin} = *(u32 *)({packet} + {data})",
            "{end} = *(u32 *)({packet} + {data_end})",
            packet = in(reg) packet,
            data = const offset_of!(__sk_buff, data),
            data_end = const offset_of!(__sk_buff, data_end),
            begin = out(reg) begin,
            end = out(reg) end,
            options(pure, readonly, nostack),
        );
    }
    let value = begin.wrapping_add(offset as usize);
    if value.wrapping_add(size_of::<T>()) > end {
        return None;
    }
    // SAFETY: within the packet; headers begin at a multiple of four, and no larger integers are asked for.
    Some(unsafe { value.cast::<T>().read() })
}

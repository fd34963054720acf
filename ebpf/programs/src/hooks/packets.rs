//! Packets on their way out of a session's control group: the last gate, behind which nothing is decided any more. It sees
//! what the others cannot, and it can only deny.

use core::mem::MaybeUninit;

use abi::{Bucket, EventKind, Flow, Reason};
use aya_ebpf::bindings::__sk_buff;
use aya_ebpf::helpers::generated::{bpf_skb_cgroup_id, bpf_skb_load_bytes};
use aya_ebpf::macros::cgroup_skb;
use aya_ebpf::programs::SkBuffContext;
use verdict::Denial;
use verdict::network::{self, AF_INET, AF_INET6, Segment, TCP};

use crate::member::Member;
use crate::reach::{Addresses, mapped};
use crate::told::{self, Told, told};
use crate::{denial, flows, rate};

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
    // SAFETY: the program's own context.
    let Some(member) = Member::of(unsafe { bpf_skb_cgroup_id(packet) }) else { return DENY };
    let mut told = [0; 3];
    // SAFETY: as above.
    let bytes = u64::from(unsafe { (*packet).len });
    let segment = segment(packet, &mut told);
    match segment.and_then(|segment| leave(&member, packet, segment, &told, bytes)) {
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
    segment: Segment,
    told: &Told,
    bytes: u64,
) -> Result<(), Denial> {
    member.lives()?;
    let tables = Addresses { slot: member.slot };
    let flow = flow(member, packet);
    network::send(&tables, told::address(told), segment, flow, &member.now())?;
    let limit = member.session.rates[Bucket::SentBytes as usize].interval_ns;
    if limit != 0 && rate::take(member.slot, Bucket::SentBytes as u32, bytes) != 0 {
        return Err(Denial::of(Reason::Rate));
    }
    // SAFETY: a map value.
    unsafe { rate::add(&raw mut (*member.state).sent_bytes, bytes) };
    Ok(())
}

/// What the packet's socket was let through to, if it was this session.
#[inline(always)]
fn flow(member: &Member, packet: *const __sk_buff) -> Option<&'static Flow> {
    // SAFETY: the program's own context, and every part of the union is this pointer.
    let socket = unsafe { (*packet).__bindgen_anon_2.sk };
    if socket.is_null() {
        return None;
    }
    let kept = flows::of(socket.cast());
    // SAFETY: a map value, or null.
    unsafe { kept.as_ref() }.filter(|kept| kept.slot == member.slot).map(|kept| &kept.flow)
}

/// What a packet is and whom it is for. IPv4 options and IPv6 extensions may lead it elsewhere: no policy grants them.
#[inline(always)]
fn segment(packet: *const __sk_buff, into: &mut Told) -> Result<Segment, Denial> {
    // SAFETY: the program's own context.
    let family = u16::from_be(unsafe { (*packet).protocol } as u16);
    let (protocol, begin) = match family {
        ETH_P_IP => {
            let header: [u32; 5] = load(packet, 0)?;
            let (first, protocol) = (header[0].to_ne_bytes()[0], header[2].to_ne_bytes()[1]);
            *into = told([0, mapped(header[4])], 0, AF_INET, u16::from(protocol));
            if first != NO_OPTIONS {
                return Err(Denial::of(Reason::Kind));
            }
            (protocol, 20)
        }
        ETH_P_IPV6 => {
            let header: [u64; 5] = load(packet, 0)?;
            let protocol = header[0].to_ne_bytes()[6];
            *into = told([header[3], header[4]], 0, AF_INET6, u16::from(protocol));
            (protocol, 40)
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
    Ok(Segment { protocol: u32::from(protocol), source, target, opens })
}

/// Bytes of a packet from its network header on.
#[inline(always)]
fn load<T: Copy>(packet: *const __sk_buff, offset: u32) -> Result<T, Denial> {
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

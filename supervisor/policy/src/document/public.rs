//! `public`: the addresses that are reachable from everywhere. What is not: IANA's registries of special-purpose
//! addresses (RFC 6890, <https://www.iana.org/assignments/iana-ipv4-special-registry>, `…-ipv6-…`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::range::Range;

/// IPv4 ranges that are not public.
const SPECIAL_V4: [([u8; 4], u8); 14] = [
    ([0, 0, 0, 0], 8),       // this network; 0.0.0.0 reaches this host
    ([10, 0, 0, 0], 8),      // private
    ([100, 64, 0, 0], 10),   // shared with the provider
    ([127, 0, 0, 0], 8),     // loopback
    ([169, 254, 0, 0], 16),  // link-local, and the metadata services of clouds
    ([172, 16, 0, 0], 12),   // private
    ([192, 0, 0, 0], 24),    // protocol assignments
    ([192, 0, 2, 0], 24),    // documentation
    ([192, 88, 99, 0], 24),  // 6to4 relays
    ([192, 168, 0, 0], 16),  // private
    ([198, 18, 0, 0], 15),   // benchmarks
    ([198, 51, 100, 0], 24), // documentation
    ([203, 0, 113, 0], 24),  // documentation
    ([224, 0, 0, 0], 3),     // multicast and reserved
];

/// The IPv6 addresses that are handed out for public use (RFC 4291).
const GLOBAL_UNICAST: ([u16; 8], u8) = ([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// IPv6 ranges in it that are not public. 6to4 and Teredo embed IPv4 addresses, private ones too.
const SPECIAL_V6: [([u16; 8], u8); 4] = [
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), // protocol assignments: Teredo, ORCHID, benchmarks
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), // 6to4
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), // documentation
];

/// Whether an address is reachable from everywhere, so that whoever resolves a name to it can only mean a host that
/// anybody may reach. An IPv4 address in an IPv6 form (mapped, compatible, 6to4, Teredo, NAT64) is not public.
pub fn is_public(address: IpAddr) -> bool {
    let bits = match address {
        IpAddr::V4(v4) => at_high_end(v4.octets()),
        IpAddr::V6(v6) => v6.to_bits(),
    };
    let held = |bits: u128, block: u128, prefix: u8| {
        Block { bits: block, prefix }.covers(Block { bits, prefix: 128 })
    };
    match address {
        IpAddr::V4(_) => !SPECIAL_V4.iter().any(|(octets, prefix)| held(bits, at_high_end(*octets), *prefix)),
        IpAddr::V6(_) => {
            let (parts, prefix) = GLOBAL_UNICAST;
            let block = |parts: [u16; 8]| Ipv6Addr::from(parts).to_bits();
            held(bits, block(parts), prefix)
                && !SPECIAL_V6.iter().any(|(parts, prefix)| held(bits, block(*parts), *prefix))
        }
    }
}

/// The public addresses as ranges.
pub(crate) fn ranges() -> Vec<Range> {
    let v4 = SPECIAL_V4.map(|(octets, prefix)| Block { bits: at_high_end(octets), prefix });
    let v6 = SPECIAL_V6.map(|(parts, prefix)| Block { bits: Ipv6Addr::from(parts).to_bits(), prefix });
    let (parts, prefix) = GLOBAL_UNICAST;
    let (mut found4, mut found6) = (Vec::new(), Vec::new());
    without(Block { bits: 0, prefix: 0 }, &v4, &mut found4);
    without(Block { bits: Ipv6Addr::from(parts).to_bits(), prefix }, &v6, &mut found6);
    let v4 = found4.into_iter().map(|Block { bits, prefix }| (IpAddr::V4(from_high_end(bits)), prefix));
    let v6 = found6.into_iter().map(|Block { bits, prefix }| (IpAddr::V6(Ipv6Addr::from_bits(bits)), prefix));
    v4.chain(v6).map(|(address, prefix)| Range { address, prefix }).collect()
}

/// A range of either family, its bits at the high end of the word.
#[derive(Clone, Copy)]
struct Block {
    bits: u128,
    prefix: u8,
}

impl Block {
    fn covers(self, other: Self) -> bool {
        let free = 128 - u32::from(self.prefix);
        self.prefix <= other.prefix && (self.bits ^ other.bits).checked_shr(free).unwrap_or(0) == 0
    }

    fn halves(self) -> [Self; 2] {
        let prefix = self.prefix + 1;
        [self.bits, self.bits | 1 << (128 - u32::from(prefix))].map(|bits| Self { bits, prefix })
    }
}

/// Cuts a block in halves until each piece is all special or not special at all; keeps the latter.
fn without(block: Block, special: &[Block], found: &mut Vec<Block>) {
    if special.iter().any(|special| special.covers(block)) {
        return;
    }
    if special.iter().any(|special| block.covers(*special)) {
        return block.halves().into_iter().for_each(|half| without(half, special, found));
    }
    found.push(block);
}

fn at_high_end(octets: [u8; 4]) -> u128 {
    u128::from(u32::from_be_bytes(octets)) << 96
}

fn from_high_end(bits: u128) -> Ipv4Addr {
    Ipv4Addr::from_bits((bits >> 96) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_and_public_ranges_make_up_all_of_ipv4() {
        let public: u64 = ranges().iter().filter(|r| r.address.is_ipv4()).map(|r| 1 << (32 - r.prefix)).sum();
        let special: u64 = SPECIAL_V4.iter().map(|(_, prefix)| 1 << (32 - prefix)).sum();
        assert_eq!(public + special, 1 << 32);
    }

    #[test]
    fn one_address_and_the_ranges_agree() {
        let ranges = ranges();
        let edges = ranges.iter().flat_map(|range| match range.address {
            IpAddr::V4(v4) => {
                let (first, last) =
                    (v4.to_bits(), v4.to_bits() | u32::MAX.checked_shr(range.prefix.into()).unwrap_or(0));
                [first.wrapping_sub(1), first, last, last.wrapping_add(1)]
                    .map(|bits| Ipv4Addr::from_bits(bits).into())
            }
            IpAddr::V6(v6) => {
                let (first, last) =
                    (v6.to_bits(), v6.to_bits() | u128::MAX.checked_shr(range.prefix.into()).unwrap_or(0));
                [first.wrapping_sub(1), first, last, last.wrapping_add(1)]
                    .map(|bits| Ipv6Addr::from_bits(bits).into())
            }
        });
        for address in edges {
            let held = ranges.iter().any(|range| match (range.address, address) {
                (IpAddr::V4(network), IpAddr::V4(address)) => {
                    let free = 32 - u32::from(range.prefix);
                    (network.to_bits() ^ address.to_bits()).checked_shr(free).unwrap_or(0) == 0
                }
                (IpAddr::V6(network), IpAddr::V6(address)) => {
                    let free = 128 - u32::from(range.prefix);
                    (network.to_bits() ^ address.to_bits()).checked_shr(free).unwrap_or(0) == 0
                }
                _ => false,
            });
            assert_eq!(is_public(address), held, "{address}");
        }
    }

    #[test]
    fn what_reaches_this_host_its_network_or_its_cloud_is_not_public() {
        for text in [
            "0.0.0.0",
            "127.0.0.1",
            "10.1.2.3",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "::",
            "::1",
            "fe80::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::10.0.0.1",
            "2002:a00:1::",
            "64:ff9b::a00:1",
            "2001:db8::1",
        ] {
            assert!(!is_public(text.parse().expect(text)), "{text}");
        }
        for text in ["8.8.8.8", "140.82.112.3", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"] {
            assert!(is_public(text.parse().expect(text)), "{text}");
        }
    }
}

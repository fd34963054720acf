//! Which addresses an answer may hold. A name that stands for an address of this host, of its network or of its cloud
//! would let whoever serves the name choose what is reached there (DNS rebinding).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use policy::plan::{CidrRule, ClassId};

/// The well-known prefix of NAT64 (RFC 6052 section 2.1): a network with only IPv6 reaches IPv4 hosts by it.
const NAT64: [u16; 6] = [0x64, 0xff9b, 0, 0, 0, 0];

/// The policy's ranges.
#[derive(Debug)]
pub(crate) struct Reach {
    ranges: Vec<CidrRule>,
}

impl Reach {
    pub(crate) fn new(ranges: &[CidrRule]) -> Self {
        Self { ranges: ranges.to_vec() }
    }

    /// Whether an address is open by itself, in whatever class.
    pub(crate) fn is_in_range(&self, address: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.contains(address))
    }

    /// In which classes a name may stand for an address: all for a public one, else those of the ranges that hold it.
    pub(crate) fn classes(&self, address: IpAddr) -> u64 {
        if policy::is_public(address) || translated(address).is_some_and(|v4| policy::is_public(v4.into())) {
            return u64::MAX;
        }
        let holding = self.ranges.iter().filter(|range| range.contains(address));
        let (classes, always) = holding.fold((0, false), |(classes, always), range| {
            (classes | range.classes.bits(), always || range.classes.contains(ClassId::ALWAYS))
        });
        if always { u64::MAX } else { classes }
    }
}

/// The IPv4 address that a NAT64 address stands for.
fn translated(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    let parts: [u16; 8] = Ipv6Addr::segments(&v6);
    (parts[..6] == NAT64).then(|| Ipv4Addr::from_bits(u32::from(parts[6]) << 16 | u32::from(parts[7])))
}

#[cfg(test)]
mod tests {
    use policy::plan::{ClassMask, RuleId};

    use super::*;

    #[test]
    fn public_or_in_a_range() {
        let range = |address: &str, prefix, classes| CidrRule {
            address: address.parse().expect(address),
            prefix,
            classes,
            from: RuleId(0),
        };
        let third = ClassMask::only(ClassId::new(3).expect("a class"));
        let reach = Reach::new(&[range("10.0.0.0", 8, ClassMask::ALWAYS), range("192.168.0.0", 16, third)]);
        for (text, classes) in [
            ("8.8.8.8", u64::MAX),
            ("2606:4700::1111", u64::MAX),
            ("64:ff9b::808:808", u64::MAX),
            ("10.1.2.3", u64::MAX),
            ("::ffff:10.1.2.3", u64::MAX),
            ("192.168.1.1", 8),
            ("127.0.0.1", 0),
            ("0.0.0.0", 0),
            ("169.254.169.254", 0),
            ("fd00:ec2::254", 0),
            ("100.64.0.1", 0),
            ("172.16.0.1", 0),
            ("203.0.113.1", 0),
            ("224.0.0.251", 0),
            ("255.255.255.255", 0),
            ("::", 0),
            ("::1", 0),
            ("::ffff:127.0.0.1", 0),
            ("::ffff:169.254.169.254", 0),
            ("::7f00:1", 0),
            ("2002:7f00:1::", 0),
            ("2002:a9fe:a9fe::1", 0),
            ("64:ff9b::7f00:1", 0),
            ("64:ff9b::a9fe:a9fe", 0),
            ("64:ff9b::a00:1", 0),
            ("64:ff9b:1::808:808", 0),
            ("2001:0:102:304::", 0),
            ("fe80::1", 0),
            ("fc00::1", 0),
            ("ff02::fb", 0),
            ("2001:db8::1", 0),
        ] {
            assert_eq!(reach.classes(text.parse().expect(text)), classes, "{text}");
        }
    }
}

//! Socket addresses as bytes of the caller's, read the way the kernel reads them. Source: `ip(7)`, `ipv6(7)`, and the
//! kernel's `net/ipv4/af_inet.c`, `net/ipv6/af_inet6.c`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use nix::errno::Errno;
use verdict::network::{AF_INET, AF_INET6};

/// `AF_UNSPEC`: no address.
pub(super) const AF_UNSPEC: u16 = 0;
/// `sizeof(struct sockaddr_in)`.
const V4_LENGTH: usize = 16;
/// `SIN6_LEN_RFC2133`: the shortest that is taken, without a scope.
const V6_LENGTH: usize = 24;

/// The family that the address says it has. `EINVAL` if it is too short to say so.
pub(super) fn family(bytes: &[u8]) -> Result<u16, Errno> {
    field(bytes, 0).map(u16::from_ne_bytes)
}

/// An address of the internet, of either family. `EAFNOSUPPORT` if it is of another one.
pub(super) fn internet(bytes: &[u8]) -> Result<SocketAddr, Errno> {
    match family(bytes)? {
        AF_INET => v4(bytes),
        AF_INET6 => v6(bytes),
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

/// [`internet`] for whoever has nothing but bytes: the fuzz target. `None` where a caller would get an error.
pub fn read_address(bytes: &[u8]) -> Option<SocketAddr> {
    internet(bytes).ok()
}

/// The bytes that the kernel gets of an address.
pub fn write_address(address: SocketAddr) -> Vec<u8> {
    bytes_of(address)
}

/// The IPv4 address that these bytes hold, whatever they say of their family.
pub(super) fn v4(bytes: &[u8]) -> Result<SocketAddr, Errno> {
    if bytes.len() < V4_LENGTH {
        return Err(Errno::EINVAL);
    }
    let port = u16::from_be_bytes(field(bytes, 2)?);
    Ok(SocketAddrV4::new(Ipv4Addr::from(field::<4>(bytes, 4)?), port).into())
}

fn v6(bytes: &[u8]) -> Result<SocketAddr, Errno> {
    if bytes.len() < V6_LENGTH {
        return Err(Errno::EINVAL);
    }
    let port = u16::from_be_bytes(field(bytes, 2)?);
    let flow = u32::from_ne_bytes(field(bytes, 4)?);
    let scope = field(bytes, V6_LENGTH).map_or(0, u32::from_ne_bytes);
    Ok(SocketAddrV6::new(Ipv6Addr::from(field::<16>(bytes, 8)?), port, flow, scope).into())
}

fn field<const LENGTH: usize>(bytes: &[u8], at: usize) -> Result<[u8; LENGTH], Errno> {
    let part = bytes.get(at..at + LENGTH).ok_or(Errno::EINVAL)?;
    part.try_into().map_err(|_| Errno::EINVAL)
}

/// The address as the kernel takes it.
pub(super) fn bytes_of(address: SocketAddr) -> Vec<u8> {
    let mut bytes = match address {
        SocketAddr::V4(_) => AF_INET.to_ne_bytes(),
        SocketAddr::V6(_) => AF_INET6.to_ne_bytes(),
    }
    .to_vec();
    bytes.extend(address.port().to_be_bytes());
    match address {
        SocketAddr::V4(v4) => {
            bytes.extend(v4.ip().octets());
            bytes.extend([0; 8]);
        }
        SocketAddr::V6(v6) => {
            bytes.extend(v6.flowinfo().to_ne_bytes());
            bytes.extend(v6.ip().octets());
            bytes.extend(v6.scope_id().to_ne_bytes());
        }
    }
    bytes
}

/// Where the kernel goes if it is asked for this address: "any" is this host itself.
pub(super) fn effective(address: SocketAddr) -> SocketAddr {
    if address.ip().to_canonical().is_unspecified() { on_loopback(address, address.port()) } else { address }
}

/// A port of the loopback interface, for a socket that asks for `like`: in the same form, so that it takes it.
pub(super) fn on_loopback(like: SocketAddr, port: u16) -> SocketAddr {
    let ip: IpAddr = match like.ip() {
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => Ipv4Addr::LOCALHOST.to_ipv6_mapped().into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, port)
}

/// An address in its IPv6 form, as the tables know it.
pub(super) fn key(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

/// The same end of a connection, whichever family its socket has.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_kernel_s_readings() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        for text in ["192.0.2.1:443", "[2001:db8::1]:443", "[::ffff:192.0.2.1]:53"] {
            assert_eq!(internet(&bytes_of(address(text))), Ok(address(text)));
        }
        let scoped = SocketAddr::from(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 1, 2, 3));
        assert_eq!(internet(&bytes_of(scoped)), Ok(scoped));
        assert_eq!(internet(&bytes_of(address("192.0.2.1:1"))[..15]), Err(Errno::EINVAL));
        assert_eq!(internet(&bytes_of(scoped)[..23]), Err(Errno::EINVAL));
        assert!(internet(&bytes_of(scoped)[..24]).is_ok(), "the scope may be left out");
        assert_eq!(internet(&[1, 0, b'/', 0]), Err(Errno::EAFNOSUPPORT));
        assert_eq!(internet(&[2]), Err(Errno::EINVAL));
        let mut unspecified = bytes_of(address("192.0.2.1:53"));
        unspecified[..2].fill(0);
        assert_eq!((family(&unspecified), v4(&unspecified)), (Ok(AF_UNSPEC), Ok(address("192.0.2.1:53"))));
    }

    #[test]
    fn any_is_this_host() {
        for (any, this) in [
            ("0.0.0.0:5", "127.0.0.1:5"),
            ("[::]:5", "[::1]:5"),
            ("[::ffff:0.0.0.0]:5", "[::ffff:127.0.0.1]:5"),
            ("192.0.2.1:5", "192.0.2.1:5"),
        ] {
            assert_eq!(effective(any.parse().expect("an address")), this.parse().expect("an address"));
        }
    }

    proptest! {
        #[test]
        fn nothing_that_a_caller_writes_does_harm(bytes in prop::collection::vec(any::<u8>(), 0..128)) {
            if let Ok(address) = internet(&bytes) {
                prop_assert_eq!(internet(&bytes_of(address)), Ok(address));
            }
            let _ = v4(&bytes);
        }
    }
}

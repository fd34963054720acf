//! `host[:port]`, as in `Host` and in URLs (RFC 3986 section 3.2), without user names and escapes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::fault::NameFault;
use crate::name;

/// Whom a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A host name in lower case, without a trailing dot.
    Name(String),
    /// An address. An IPv4 address in IPv6 form is given as the IPv4 address.
    Address(IpAddr),
}

/// A host and the port next to it, if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) host: Host,
    pub(super) port: Option<u16>,
}

impl Authority {
    pub(super) fn read(raw: &[u8]) -> Result<Self, NameFault> {
        if raw.contains(&b'@') {
            return Err(NameFault::User);
        }
        let (host, port) = match raw.strip_prefix(b"[") {
            Some(bracketed) => ipv6(bracketed)?,
            None => named(raw)?,
        };
        Ok(Self { host, port: port.map(number).transpose()? })
    }
}

fn ipv6(bracketed: &[u8]) -> Result<(Host, Option<&[u8]>), NameFault> {
    let end = bracketed.iter().position(|byte| *byte == b']').ok_or(NameFault::Brackets)?;
    let address = text(&bracketed[..end]).and_then(|text| text.parse::<Ipv6Addr>().ok());
    let host = Host::Address(address.ok_or(NameFault::Brackets)?.to_canonical());
    match &bracketed[end + 1..] {
        [] => Ok((host, None)),
        [b':', port @ ..] => Ok((host, Some(port))),
        _ => Err(NameFault::Brackets),
    }
}

fn named(raw: &[u8]) -> Result<(Host, Option<&[u8]>), NameFault> {
    let colon = raw.iter().position(|byte| *byte == b':');
    let (host, port) = match colon {
        Some(colon) => (&raw[..colon], Some(&raw[colon + 1..])),
        None => (raw, None),
    };
    match text(host).and_then(|text| text.parse::<Ipv4Addr>().ok()) {
        Some(address) => Ok((Host::Address(address.into()), port)),
        None => Ok((Host::Name(name::host_name(host)?), port)),
    }
}

fn number(raw: &[u8]) -> Result<u16, NameFault> {
    let sound = raw.iter().all(u8::is_ascii_digit) && raw.first().is_some_and(|first| *first != b'0');
    let port = text(raw).filter(|_| sound).and_then(|text| text.parse().ok());
    port.ok_or(NameFault::Port)
}

fn text(raw: &[u8]) -> Option<&str> {
    std::str::from_utf8(raw).ok()
}

#[cfg(test)]
mod tests {
    use super::{Authority, Host};
    use crate::fault::NameFault;

    fn name(name: &str, port: Option<u16>) -> Result<Authority, NameFault> {
        Ok(Authority { host: Host::Name(name.to_owned()), port })
    }

    fn address(address: &str, port: Option<u16>) -> Result<Authority, NameFault> {
        Ok(Authority { host: Host::Address(address.parse().expect("an address")), port })
    }

    #[test]
    fn hosts_and_ports_are_told_apart() {
        let cases = [
            ("Example.com", name("example.com", None)),
            ("example.com:8080", name("example.com", Some(8080))),
            ("example.com.:1", name("example.com", Some(1))),
            ("10.0.0.1", address("10.0.0.1", None)),
            ("10.0.0.1:65535", address("10.0.0.1", Some(65535))),
            ("[::1]", address("::1", None)),
            ("[2001:DB8::1]:80", address("2001:db8::1", Some(80))),
            ("[::ffff:10.0.0.1]", address("10.0.0.1", None)),
        ];
        for (raw, read) in cases {
            assert_eq!(Authority::read(raw.as_bytes()), read, "{raw}");
        }
    }

    #[test]
    fn what_could_be_read_otherwise_is_refused() {
        let cases = [
            ("", NameFault::Empty),
            (":80", NameFault::Empty),
            ("good.example@evil.example", NameFault::User),
            ("user:word@good.example", NameFault::User),
            ("good.example:", NameFault::Port),
            ("good.example:0", NameFault::Port),
            ("good.example:080", NameFault::Port),
            ("good.example:65536", NameFault::Port),
            ("good.example:+80", NameFault::Port),
            ("good.example:80:80", NameFault::Port),
            ("good.example:80 ", NameFault::Port),
            ("good.example, evil.example", NameFault::Character),
            ("good.example evil.example", NameFault::Character),
            ("good.example\\evil.example", NameFault::Character),
            ("good.example/", NameFault::Character),
            ("good.example#evil", NameFault::Character),
            ("good%2eexample", NameFault::Character),
            ("::1", NameFault::Empty),
            ("2001:db8::1", NameFault::Address),
            ("[::1", NameFault::Brackets),
            ("[::1]x", NameFault::Brackets),
            ("[fe80::1%eth0]", NameFault::Brackets),
            ("[good.example]", NameFault::Brackets),
            ("[127.0.0.1]", NameFault::Brackets),
            ("010.0.0.1", NameFault::Address),
            ("127.1", NameFault::Address),
            ("2130706433:80", NameFault::Address),
        ];
        for (raw, fault) in cases {
            assert_eq!(Authority::read(raw.as_bytes()), Err(fault), "{raw}");
        }
    }
}

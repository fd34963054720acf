//! What was tried on the network, read from the words of a record.

use std::net::IpAddr;

use super::lines;

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Target<'a> {
    /// A name in lower case, and the port if one was tried.
    Name(&'a str, Option<u16>),
    /// An address, and the port if one was tried.
    Address(IpAddr, Option<u16>),
    /// A unix socket.
    Path(&'a str),
    /// Something that a policy has no word for.
    Other,
}

impl<'a> Target<'a> {
    /// `example.org:443`, `[2001:db8::1]:443`, `192.0.2.7`, `/run/db.sock`.
    pub(in crate::cli) fn of(what: &'a str) -> Self {
        if what.starts_with('/') {
            return Self::Path(what);
        }
        let (host, port) = match what.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse().ok()),
            _ => (what, None),
        };
        let host = host.trim_matches(['[', ']']);
        match host.parse::<IpAddr>() {
            Ok(address) => Self::Address(address, port),
            Err(_) if lines::is_domain(host) => Self::Name(host, port),
            Err(_) => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_tried_is_told_apart() {
        let address = |text: &str, port| Target::Address(text.parse().unwrap(), port);
        for (what, expected) in [
            ("example.org", Target::Name("example.org", None)),
            ("example.org:8443", Target::Name("example.org", Some(8443))),
            ("_srv._tcp.example.org", Target::Name("_srv._tcp.example.org", None)),
            ("192.0.2.7", address("192.0.2.7", None)),
            ("192.0.2.7:80", address("192.0.2.7", Some(80))),
            ("[2001:db8::1]:443", address("2001:db8::1", Some(443))),
            ("2001:db8::1", address("2001:db8::1", None)),
            ("/run/db.sock", Target::Path("/run/db.sock")),
            ("family 17", Target::Other),
            ("@abstract", Target::Other),
            ("a socket of another process", Target::Other),
            ("ex\\032ample.org", Target::Other),
            ("", Target::Other),
        ] {
            assert_eq!(Target::of(what), expected, "{what}");
        }
    }
}

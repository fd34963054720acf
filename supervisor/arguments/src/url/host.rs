//! Hosts: which one a URL is for, and whether a rule names it.

use std::net::{IpAddr, Ipv6Addr};

use ::url::Host as Parsed;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::authority::Authority;
use super::{UrlFault, address};
use crate::excerpt::Excerpt;

/// A host in its only form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// In lower case and ASCII (IDNA, UTS 46).
    Name(String),
    /// An address, written as its type writes it.
    Address(IpAddr),
}

impl Host {
    /// A name is taken as it is written: without a trailing dot or an empty label, and without characters that IDNA turns into others, so
    /// that a reader without IDNA sees the same. Addresses are taken in their normal form only: `0x7f.1` and
    /// `2130706433` are `127.0.0.1` to some.
    pub(super) fn of(written: &str) -> Result<Self, UrlFault> {
        let folded: String = written.nfkc().collect();
        let label = |c: char| c.is_alphanumeric() || is_combining_mark(c) || "-_.".contains(c);
        let labels = || written.split('.').all(|label| (1..=63).contains(&label.chars().count()));
        let sound = written.starts_with('[') || (written.chars().all(label) && labels());
        if folded != written || !sound {
            return Err(UrlFault::Doubtful);
        }
        match Parsed::parse(written).map_err(|_| UrlFault::NoHost)? {
            Parsed::Domain(name) => Ok(Self::Name(name)),
            Parsed::Ipv4(address) if written == address.to_string() => Ok(Self::Address(address.into())),
            Parsed::Ipv6(address) if is_normal(written, address) => Ok(Self::Address(address.into())),
            Parsed::Ipv4(_) | Parsed::Ipv6(_) => Err(UrlFault::Doubtful),
        }
    }

    /// Whether a parser's text of a host is this one. Parsers leave hosts of schemes that they do not know as they are.
    pub(super) fn is_written(&self, parsed: &str) -> bool {
        let name = || Parsed::parse(parsed).is_ok_and(|host| host.to_string() == self.to_string());
        self.to_string() == parsed || name()
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "{}", Parsed::<&str>::Ipv6(*address)),
        }
    }
}

fn is_normal(written: &str, address: Ipv6Addr) -> bool {
    let bare = written.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<Ipv6Addr>() == Ok(address)
}

/// Whether one of the rule's hosts is this one, with this port. An address that is not public must be named itself.
pub(super) fn allowed(host: &Host, authority: &Authority<'_>, hosts: &[String]) -> Result<(), UrlFault> {
    let port = authority.port.filter(|port| authority.own_port() != Some(*port));
    let mut other_port = false;
    for written in hosts.iter().map(String::as_str).chain(hosts.is_empty().then_some("*")) {
        let (name, ports) = cut(written);
        if covers(name, host) {
            let own = || {
                port.is_none()
                    && ports == authority.own_port().map_or_else(String::new, |own| own.to_string())
            };
            match port.map(|port| port.to_string()).unwrap_or_default() {
                port if ports == "*" || ports == port || own() => return Ok(()),
                _ => other_port = true,
            }
        }
    }
    let shown = || Excerpt::of(&host.to_string());
    Err(match (other_port, is_public(host)) {
        (true, _) => UrlFault::Port { port: port.or(authority.own_port()).unwrap_or_default() },
        (false, false) => UrlFault::NotPublic { host: shown() },
        (false, true) => UrlFault::Host { host: shown(), hosts: Excerpt::list(hosts) },
    })
}

/// A host of a rule, and the port behind it.
fn cut(written: &str) -> (&str, &str) {
    match written.rsplit_once(':') {
        Some((host, port)) if host.ends_with(']') || !host.contains(':') => (host, port),
        _ => (written, ""),
    }
}

fn covers(written: &str, host: &Host) -> bool {
    if written == "*" {
        return is_public(host);
    }
    let bare = written.trim_start_matches('[').trim_end_matches(']');
    match host {
        Host::Address(address) => bare.parse() == Ok(*address),
        Host::Name(name) => match written.strip_prefix("*.") {
            Some(parent) => {
                let parent = ascii(parent);
                name.strip_suffix(&parent[..]).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
            None => *name == ascii(written),
        },
    }
}

/// The name of a rule as hosts are compared. One that is no name covers nothing: it keeps a form that no host has.
fn ascii(written: &str) -> String {
    match Parsed::parse(written.trim_end_matches('.')) {
        Ok(Parsed::Domain(name)) if !name.is_empty() => name,
        _ => "?".to_owned(),
    }
}

/// Names that stand for this machine or its network, or are nobody's on the internet (RFC 6761, RFC 6762, RFC 8375, RFC 9476;
/// `internal` by ICANN's resolution of 2024-07-29, `home`, `corp` and `mail` by that of 2018-02-04), and those that only a
/// search list completes.
fn is_public(host: &Host) -> bool {
    const HOME: [&str; 16] = [
        "localhost",
        "localdomain",
        "local",
        "internal",
        "intranet",
        "lan",
        "home",
        "corp",
        "private",
        "test",
        "svc",
        "consul",
        "docker",
        "mail",
        "invalid",
        "alt",
    ];
    match host {
        Host::Address(address) => address::is_public(*address),
        Host::Name(name) => {
            let last = name.rsplit('.').next().unwrap_or_default();
            name.contains('.') && !HOME.contains(&last) && !name.ends_with("home.arpa")
        }
    }
}

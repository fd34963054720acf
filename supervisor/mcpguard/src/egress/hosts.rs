//! What the host itself says about names: `/etc/hosts` (hosts(5)) and `/etc/resolv.conf` (resolv.conf(5)).

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use abi::DNS_PORT;
use resolv_conf::{Config, ScopedIp};

/// What a host says about names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    /// Names of the hosts file and their addresses, in lower case.
    pub(super) names: Vec<(String, IpAddr)>,
    /// Who resolves the others.
    pub(super) upstreams: Upstreams,
}

impl Host {
    /// This host.
    ///
    /// # Errors
    /// `/etc/resolv.conf` is there and cannot be understood.
    pub(super) fn examine() -> io::Result<Self> {
        Ok(Self { names: names(), upstreams: Upstreams::of_host()? })
    }
}

fn names() -> Vec<(String, IpAddr)> {
    // A host without the file knows no such names.
    fs::read_to_string("/etc/hosts").map(|text| parse(&text)).unwrap_or_default()
}

fn parse(text: &str) -> Vec<(String, IpAddr)> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    lines
        .flat_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
            address.into_iter().flat_map(move |address| {
                words.clone().map(move |name| (name.trim_end_matches('.').to_ascii_lowercase(), address))
            })
        })
        .collect()
}

/// How names are resolved on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Upstreams {
    /// In their order; never empty.
    pub(super) servers: Vec<SocketAddr>,
    /// What is put behind short names.
    pub(super) search: Vec<String>,
    /// How long one server is waited for.
    pub(super) patience: Duration,
    /// How often all of them are asked.
    pub(super) attempts: u32,
}

/// The longest that one server is waited for, whatever the file says: a tool call waits for the answer.
const MOST_PATIENCE: Duration = Duration::from_secs(5);

impl Upstreams {
    /// What the host's file says; without one, a resolver on this machine.
    ///
    /// # Errors
    /// The file is there and cannot be understood.
    fn of_host() -> io::Result<Self> {
        match fs::read("/etc/resolv.conf") {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::parse(b""),
            Err(error) => Err(error),
        }
    }

    fn parse(text: &[u8]) -> io::Result<Self> {
        let unreadable = |error| io::Error::other(format!("/etc/resolv.conf cannot be understood: {error}"));
        let config = Config::parse(text).map_err(unreadable)?;
        let search = config.get_last_search_or_domain().map(|name| name.to_ascii_lowercase()).collect();
        let mut servers: Vec<SocketAddr> = config.nameservers.iter().filter_map(address).collect();
        if servers.is_empty() {
            servers.push(SocketAddr::new(IpAddr::from([127, 0, 0, 1]), DNS_PORT));
        }
        let patience = Duration::from_secs(config.timeout.max(1).into()).min(MOST_PATIENCE);
        Ok(Self { servers, search, patience, attempts: config.attempts.clamp(1, 5) })
    }
}

/// A link-local server needs the number of its link, which the file gives as a name.
fn address(server: &ScopedIp) -> Option<SocketAddr> {
    match server {
        ScopedIp::V4(v4) => Some(SocketAddr::new(IpAddr::V4(*v4), DNS_PORT)),
        ScopedIp::V6(v6, None) => Some(SocketAddr::new(IpAddr::V6(*v6), DNS_PORT)),
        ScopedIp::V6(v6, Some(link)) => {
            let number = nix::net::if_::if_nametoindex(link.as_str()).ok().or_else(|| link.parse().ok())?;
            Some(std::net::SocketAddrV6::new(*v6, DNS_PORT, 0, number).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_with_their_aliases_and_without_comments() {
        let text =
            "127.0.0.1 localhost # me\n# 1.2.3.4 no\n\n10.0.0.5\tDB.Internal. db\nnonsense x\n::1 six\n";
        let expected =
            [("localhost", "127.0.0.1"), ("db.internal", "10.0.0.5"), ("db", "10.0.0.5"), ("six", "::1")];
        let expected = expected.map(|(name, address)| (name.to_owned(), address.parse().expect("address")));
        assert_eq!(parse(text), expected);
    }

    #[test]
    fn servers_and_the_search_list_come_from_the_file_and_this_machine_is_asked_without_one() {
        let told = Upstreams::parse(b"nameserver 10.0.0.2\nnameserver fd00::2\nsearch Corp.Example lan\n");
        let told = told.expect("valid");
        let servers = ["10.0.0.2:53", "[fd00::2]:53"].map(|text| text.parse().expect("address"));
        assert_eq!(
            (told.servers, told.search),
            (servers.to_vec(), vec!["corp.example".into(), "lan".into()])
        );
        let untold = Upstreams::parse(b"options timeout:60 attempts:9\n").expect("valid");
        assert_eq!(untold.servers, ["127.0.0.1:53".parse().expect("address")]);
        assert_eq!((untold.patience, untold.attempts), (MOST_PATIENCE, 5));
    }
}

//! The hosts file and the search list: what is answered without an upstream.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::rules::Rules;

/// Names that the host itself knows, as far as some rule names them.
#[derive(Debug)]
pub(crate) struct Hosts(HashMap<String, Vec<IpAddr>>);

impl Hosts {
    pub(crate) fn new(entries: Vec<(String, IpAddr)>, rules: &Rules) -> Self {
        let mut hosts = HashMap::<String, Vec<IpAddr>>::new();
        for (name, address) in entries {
            let name = plain(&name);
            if rules.names(&name) {
                let known = hosts.entry(name).or_default();
                let address = address.to_canonical();
                if !known.contains(&address) {
                    known.push(address);
                }
            }
        }
        Self(hosts)
    }

    pub(crate) fn addresses(&self, name: &str) -> Option<&[IpAddr]> {
        self.0.get(name).map(Vec::as_slice)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// The search list of the host's resolver.
#[derive(Debug)]
pub(crate) struct Search(Vec<String>);

impl Search {
    pub(crate) fn new(list: &[String]) -> Self {
        Self(list.iter().map(|suffix| plain(suffix)).filter(|suffix| !suffix.is_empty()).collect())
    }

    /// Whether a client's library made the name, by appending a suffix to a name that some rule names. No such name
    /// exists as far as the session is concerned; told so, the library tries the next suffix and then the name itself.
    pub(crate) fn made(&self, name: &str, rules: &Rules) -> bool {
        let labels = |suffix: &String| name.strip_suffix(suffix.as_str())?.strip_suffix('.');
        self.0.iter().filter_map(labels).any(|labels| rules.names(labels))
    }
}

/// As rules spell names: lower case, without a trailing dot.
pub(crate) fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

//! Who is there: names, addresses, and the secret by which each is known. All names end in `example` (RFC 2606) but for
//! the few real ones whose owners' programs are tried against stand-ins; their addresses are reached by nobody from here.

/// A host of the web: TLS on 443, plain on 80 and 8080.
#[derive(Clone, Copy, Debug)]
pub(super) struct Host {
    pub(super) name: &'static str,
    pub(super) addresses: &'static [&'static str],
    /// What stands there beside the page.
    pub(super) role: Role,
}

/// What a host is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A page with its secret.
    Page,
    /// The page that is given to whoever names nobody that lives at the address.
    Default,
    /// A repository, by the dumb protocol.
    Repository,
    /// A page, but port 8080 belongs to a relay.
    Relay,
    /// Plain HTTP only: nobody has a certificate there.
    Plain,
}

const fn page(name: &'static str, addresses: &'static [&'static str]) -> Host {
    Host { name, addresses, role: Role::Page }
}

/// The address that an allowed name, a forbidden one and a nameless one share.
pub(super) const SHARED: &[&str] = &["93.184.216.10", "2606:2800:220::10"];
/// Whom nobody may reach.
pub(super) const EVIL: &[&str] = &["93.184.216.66", "2606:2800:220::66"];
/// The far end of the wire, as containers know their host.
pub(super) const GATEWAY: &[&str] = &["172.17.0.1", "fd00:17::1"];

/// Every host of the web.
pub(super) const HOSTS: &[Host] = &[
    Host { name: "nameless.shop.example", addresses: SHARED, role: Role::Default },
    page("api.shop.example", SHARED),
    page("admin.shop.example", SHARED),
    page("neighbour.shop.example", &["93.184.216.11", "2606:2800:220::11"]),
    page("edge.provider.example", &["93.184.216.12", "2606:2800:220::12"]),
    page("www.shop.example", &["93.184.216.12", "2606:2800:220::12"]),
    page("short.shop.example", &["93.184.216.13"]),
    page("ech.shop.example", &["93.184.216.14"]),
    page("expiring.shop.example", &["93.184.216.16"]),
    page("pinned.shop.example", &["93.184.216.15"]),
    page("img.cdn.example", &["93.184.216.20", "2606:2800:220::20"]),
    page("cdn.example", &["93.184.216.21"]),
    page("evil-cdn.example", &["93.184.216.22"]),
    page("cdn.example.evil.example", &["93.184.216.23"]),
    Host { name: "git.shop.example", addresses: &["93.184.216.30"], role: Role::Repository },
    page("db.shop.example", &["93.184.216.32"]),
    Host { name: "proxy.shop.example", addresses: &["93.184.216.40"], role: Role::Relay },
    page("tool.shop.example", &["93.184.216.42", "2606:2800:220::42"]),
    page("evil.example", EVIL),
    page("many.shop.example", MANY),
    page("api.github.com", &["140.82.112.6"]),
    page("raw.githubusercontent.com", &["185.199.108.133"]),
    Host { name: "metadata", addresses: &["169.254.169.254", "fd00:ec2::254"], role: Role::Plain },
    Host { name: "private", addresses: &["10.0.0.5"], role: Role::Plain },
    Host { name: "gateway", addresses: GATEWAY, role: Role::Plain },
];

const MANY: &[&str] = &[
    "93.184.216.100",
    "93.184.216.101",
    "93.184.216.102",
    "93.184.216.103",
    "93.184.216.104",
    "93.184.216.105",
    "93.184.216.106",
    "93.184.216.107",
    "93.184.216.108",
    "93.184.216.109",
    "93.184.216.110",
    "93.184.216.111",
];

/// The resolver of `resolv.conf`, another one, and one that speaks TLS and HTTPS.
pub(super) const RESOLVER: &str = "93.184.216.53";
pub(super) const OTHER_RESOLVER: &[&str] = &["93.184.216.54", "2606:2800:220::54"];
pub(super) const PRIVATE_RESOLVER: &str = "93.184.216.55";
/// The name of [`PRIVATE_RESOLVER`].
pub(super) const PRIVATE_RESOLVER_NAME: &str = "dns.provider.example";

/// Every address of the internet, each once.
pub(super) fn addresses() -> Vec<&'static str> {
    let resolvers = [RESOLVER, PRIVATE_RESOLVER].into_iter().chain(OTHER_RESOLVER.iter().copied());
    let mut all: Vec<&str> =
        HOSTS.iter().flat_map(|host| host.addresses.iter().copied()).chain(resolvers).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// An address as it stands in a URL or before a port.
pub(super) fn bracketed(address: &str) -> String {
    if address.contains(':') { format!("[{address}]") } else { address.to_owned() }
}

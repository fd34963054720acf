//! DNS: unbound resolves from zones of its own, so that it answers as a resolver does, and asks nobody.

use std::fmt::Write;
use std::path::Path;

use super::crowd;
use super::hosts::{HOSTS, OTHER_RESOLVER, PRIVATE_RESOLVER, PRIVATE_RESOLVER_NAME, RESOLVER, Role};
use super::texts::Secrets;

/// Records beyond the addresses of hosts: chains, rebinding, a wildcard that answers whatever is asked, services.
const MORE: &str = "\
www.shop.example. 300 CNAME edge1.shop.example.
edge1.shop.example. 20 CNAME edge.provider.example.
loop.shop.example. 300 CNAME loop.shop.example.
loopback.rebind.example. 5 A 127.0.0.1
loopback.rebind.example. 5 AAAA ::1
metadata.rebind.example. 5 A 169.254.169.254
metadata.rebind.example. 5 AAAA fd00:ec2::254
private.rebind.example. 5 A 10.0.0.5
mapped.rebind.example. 5 AAAA ::ffff:10.0.0.5
gateway.rebind.example. 5 A 172.17.0.1
mixed.rebind.example. 5 A 93.184.216.10
mixed.rebind.example. 5 A 127.0.0.1
chained.rebind.example. 5 CNAME private.rebind.example.
*.cdn.example. 60 A 93.184.216.20
_db._tcp.shop.example. 300 SRV 10 5 5432 db.shop.example.
tunnel.example. 1 A 93.184.216.66
*.tunnel.example. 1 A 93.184.216.66
";

/// Names of the root zone: what is no `example`.
const ROOT: &str = "\
host.docker.internal. 300 A 172.17.0.1
metadata.google.internal. 300 A 169.254.169.254
";

/// The zone `example.` and the root, whose negative answers are quick. Every file by its name.
pub(super) fn zones(secrets: &Secrets) -> [(&'static str, String); 2] {
    let mut example = head("example.") + MORE + &crowd::zone();
    let mut root = head(".")
        + ROOT
        + "example. 3600 NS ns.provider.example.\nns.provider.example. 3600 A 93.184.216.53\n";
    for host in HOSTS {
        let zone = if host.name.ends_with(".example") { &mut example } else { &mut root };
        // That one stands in the file of hosts alone.
        if host.name == "pinned.shop.example"
            || host.role == Role::Plain
            || MORE.lines().any(|line| line.starts_with(&format!("{}. ", host.name)))
        {
            continue;
        }
        let ttl = if ["short.shop.example", "expiring.shop.example"].contains(&host.name) { 1 } else { 300 };
        for address in host.addresses {
            let kind = if address.contains(':') { "AAAA" } else { "A" };
            let _ = writeln!(zone, "{}. {ttl} {kind} {address}", host.name);
        }
    }
    let _ = writeln!(example, "{PRIVATE_RESOLVER_NAME}. 300 A {PRIVATE_RESOLVER}");
    let _ = writeln!(example, "*.tunnel.example. 1 TXT \"{}\"", secrets.of("tunnel"));
    let _ = writeln!(example, "api.shop.example. 300 TXT \"{}\"", secrets.of("text"));
    // The configuration list of ECH (its base64 decodes to text, not to keys), and a hint that leads elsewhere.
    let ech = secrets.ech();
    let _ = writeln!(example, "ech.shop.example. 300 HTTPS 1 . alpn=h2 ipv4hint=93.184.216.66 ech={ech}");
    [("example.zone", example), ("root.zone", root)]
}

fn head(zone: &str) -> String {
    format!(
        "{zone} 3600 SOA ns.provider.example. nobody.example. 1 3600 600 86400 5\n{zone} 3600 NS ns.provider.example.\n"
    )
}

/// The configuration of unbound; `place` holds the zones, the key and the log.
pub(super) fn configuration(place: &Path) -> String {
    let place = place.display();
    let mut text = format!(
        "server:\n  do-daemonize: no\n  username: \"\"\n  chroot: \"\"\n  directory: \"{place}\"\n  pidfile: \"{place}/unbound.pid\"\n  \
         use-syslog: no\n  logfile: \"{place}/queries.log\"\n  log-queries: yes\n  num-threads: 1\n  module-config: \"iterator\"\n  \
         qname-minimisation: no\n  access-control: 0.0.0.0/0 allow\n  access-control: ::/0 allow\n  do-not-query-localhost: no\n  \
         ip-freebind: yes\n  tls-service-key: \"{place}/host.key\"\n  tls-service-pem: \"{place}/{PRIVATE_RESOLVER_NAME}.pem\"\n"
    );
    for address in [RESOLVER].iter().chain(OTHER_RESOLVER) {
        let _ = writeln!(text, "  interface: {address}");
    }
    for port in [53, 443, 853] {
        let _ = writeln!(text, "  interface: {PRIVATE_RESOLVER}@{port}");
    }
    text.push_str("remote-control:\n  control-enable: no\n");
    for (zone, file) in [("example.", "example.zone"), (".", "root.zone")] {
        let _ = write!(
            text,
            "auth-zone:\n  name: \"{zone}\"\n  zonefile: \"{place}/{file}\"\n  for-downstream: no\n  for-upstream: yes\n  \
             fallback-enabled: no\n"
        );
    }
    text
}

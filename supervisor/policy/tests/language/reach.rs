//! The network of a plan in words.

use policy::reach;

use crate::host::plan;

/// What is open, what is closed, what is warned of; one a line.
fn told(text: &str) -> String {
    let told = reach(&plan(text).unwrap_or_else(|problems| panic!("{problems}")));
    let open = told.open.iter().map(|opening| format!("{}: {opening}\n", opening.what));
    let closed = told.closed.iter().map(|sentence| format!("closed: {sentence}\n"));
    let warnings = told.warnings.iter().map(|sentence| format!("warning: {sentence}\n"));
    open.chain(closed).chain(warnings).collect()
}

const CASES: &[(&str, &str)] = &[
    (
        "{}",
        "\
closed: the network: no IP socket can be made
closed: unix sockets of other programs
",
    ),
    (
        "{ listen: [8080], unix_sockets: [/run/db.sock] }",
        "\
8080: always; the server may listen on this TCP port
/run/db.sock: always; unix socket, with everything beneath
closed: every host: the server answers who connects to its port, and connects to nobody
",
    ),
    (
        "{ allowed_domains: [api.example, \"*.b.example\"] }",
        "\
api.example: always; port 443, checked by name
*.b.example: always; port 443, checked by name
closed: every other name: whichever server is asked, the session's own resolver answers, and refuses it
closed: QUIC to domains (UDP to port 443); clients fall back to TCP
closed: other resolvers, also over TLS and HTTPS (DoT, DoH), unless a rule allows them as the hosts that they are
closed: private, loopback, link-local and metadata addresses, whatever name stands for them
closed: unix sockets of other programs
",
    ),
    (
        "{ allowed_domains: [{ domain: db.example, verify: address-only, records: [srv, txt] }, git.example], \
         allowed_cidrs: [10.0.0.0/8], allowed_ports: [22, 443] }",
        "\
db.example: always; port 22, 443, by address only; SRV and TXT may be looked up as well
git.example: always; port 443, checked by name; port 22, by address only
10.0.0.0/8: always; port 22, 443 of each address in it, TCP and UDP
closed: every other name: whichever server is asked, the session's own resolver answers, and refuses it
closed: QUIC to domains (UDP to port 443); clients fall back to TCP
closed: other resolvers, also over TLS and HTTPS (DoT, DoH), unless a rule allows them as the hosts that they are
closed: private, loopback, link-local and metadata addresses outside of the ranges above, whatever name stands for them
closed: unix sockets of other programs
",
    ),
    (
        "{ allowed_cidrs: [192.0.2.0/24], allowed_ports: [5432] }",
        "\
192.0.2.0/24: always; port 5432 of each address in it, TCP and UDP
closed: every name: nothing can be looked up, ranges are reached by number
closed: other resolvers, also over TLS and HTTPS (DoT, DoH), unless a rule allows them as the hosts that they are
closed: private, loopback, link-local and metadata addresses outside of the ranges above
closed: unix sockets of other programs
",
    ),
    (
        "{ allowed_cidrs: [public], allowed_ports: [80, 443], allowed_domains: [a.example] }",
        "\
a.example: always; port 80, 443, checked by name
public: always; port 80, 443 of every public address, TCP and UDP, and any name may be looked up
closed: private, loopback, link-local and metadata addresses, whatever name stands for them
closed: unix sockets of other programs
warning: `allowed_cidrs: [public]` reaches the addresses of every domain already, so that no domain is checked by name
",
    ),
];

#[test]
fn a_network_in_words() {
    for (network, expected) in CASES {
        similar_asserts::assert_eq!(
            &told(&format!("version: 1\nnetwork: {network}\n")),
            expected,
            "{network}"
        );
    }
}

#[test]
fn who_may_reach_it_is_said() {
    let text = "\
version: 1
network: { allowed_domains: [always.example] }
tools:
  defaults: { allowed_domains: [d.example] }
  \"get_*\": { allowed_domains: [get.example] }
  http: { allowed_domains: [get.example, always.example] }
";
    let told = told(text);
    for expected in [
        "always.example: always; port 443, checked by name\n",
        "d.example: only while a call of a tool that no entry names or `get_*` or `http` is in flight; port 443,",
        "get.example: only while a call of `get_*` or `http` is in flight; port 443, checked by name\n",
    ] {
        assert!(told.contains(expected), "{expected}\n{told}");
    }
}

#[test]
fn neighbours_on_shared_addresses_are_warned_of() {
    let warnings = |domain: &str, ports: &str| {
        let text =
            format!("version: 1\nnetwork: {{ allowed_domains: [{domain}], allowed_ports: {ports} }}\n");
        reach(&plan(&text).expect("valid")).warnings
    };
    assert_eq!(
        warnings("{ domain: d1.cloudfront.net, verify: address-only }", "[443]"),
        [
            "`d1.cloudfront.net` is served by Amazon CloudFront, and by `verify: address-only` only the address counts: whoever shares that address is reached as well"
        ]
    );
    assert_eq!(
        warnings("me.github.io", "[22, 443]"),
        [
            "`me.github.io` is served by GitHub Pages, and on port 22 only the address counts: whoever shares that address is reached as well"
        ]
    );
    assert!(warnings("\"*.cloudfront.net\"", "[22]")[0].starts_with("`*.cloudfront.net` is served by"));
    for (domain, ports) in [
        ("me.github.io", "[443]"),
        ("{ domain: db.example, verify: address-only }", "[443, 22]"),
        ("a.example", "[22]"),
    ] {
        assert!(warnings(domain, ports).is_empty(), "{domain} {ports}");
    }
}

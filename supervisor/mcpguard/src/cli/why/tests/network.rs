//! Refused names and addresses: the suggestion allows what was tried, and no neighbour of it.

use audit::{CallRef, Cause};
use policy::Request;
use policy::plan::{ClassMask, Records, Verify};

use super::*;

const NETWORK: &str = r#"version: 1
name: own
network:
  allowed_domains: [api.example, "*.wild.example", { domain: db.example, records: [txt] }]
  allowed_cidrs: [10.0.0.0/24]
tools:
  fetch: { allowed_domains: [pages.example] }
  "get_*": { timeout_seconds: 5 }
"#;

/// A denial as the resolver, the proxy or the kernel layers tell it.
#[derive(Default)]
struct Told {
    what: &'static str,
    reason: &'static str,
    detail: &'static str,
    rule: &'static str,
    calls: &'static [&'static str],
    limit: Option<u64>,
}

impl Told {
    fn body(&self) -> Body {
        let rules = plan_over(NETWORK, NETWORK).rules;
        let found = rules.iter().find(|it| it.text == self.rule).map(rule);
        assert!(found.is_some() || self.rule.is_empty(), "{}", self.rule);
        let Body::Denial(denial) = denial(Cause::Network, self.what, self.detail, Some(self.reason)) else {
            panic!("a denial")
        };
        let calls = self.calls.iter().map(|tool| CallRef { call: 1, tool: (*tool).to_owned() }).collect();
        Body::Denial(Denial { rule: found, calls, limit: self.limit, ..denial })
    }

    fn answer(&self) -> Answer {
        why_under(NETWORK, "own.yaml", vec![self.body()])
    }
}

/// The policy with the suggestion on top of it.
fn with(answer: &Answer) -> Plan {
    plan_over(NETWORK, &format!("version: 1\nname: more\nextends: [./own.yaml]\n{}", answer.yaml))
}

fn reaches(plan: &Plan, name: &str, port: u16, in_flight: &[&str]) -> bool {
    plan.allows(&Request::Connect(name.to_owned(), port), plan.active(in_flight))
}

const UNNAMED: &str = "no rule names it";
const INACTIVE: &str = "no call of a tool that may reach it is in flight";

#[test]
fn a_name_is_allowed_always_or_for_the_tool_that_asked() {
    let answer = Told { what: "new.example", reason: UNNAMED, ..Told::default() }.answer();
    assert_eq!(answer.yaml, "network:\n  allowed_domains: [new.example]\n");
    let plan = with(&answer);
    assert!(reaches(&plan, "new.example", 443, &[]));
    for other in ["example", "www.new.example", "old.example"] {
        assert!(!plan.allows(&Request::Connect(other.to_owned(), 443), ClassMask::ALL), "{other}");
    }

    let told = Told { what: "new.example", reason: UNNAMED, calls: &["search", "search"], ..Told::default() };
    let answer = told.answer();
    assert_eq!(answer.yaml, "tools:\n  search: { allowed_domains: [new.example] }\n");
    assert!(answer.notes.contains("glob"), "{}", answer.notes);
    let plan = with(&answer);
    assert!(
        reaches(&plan, "new.example", 443, &["search"]) && !reaches(&plan, "new.example", 443, &["fetch"])
    );

    let told = Told { what: "new.example", reason: UNNAMED, calls: &["search", "fetch"], ..Told::default() };
    assert_eq!(
        told.answer().yaml,
        "network:\n  allowed_domains: [new.example]\n",
        "nobody knows whose it was"
    );
}

#[test]
fn what_a_tool_reaches_waits_for_its_call() {
    let rule = "tools.fetch.allowed_domains: pages.example";
    let answer = Told { what: "pages.example", reason: INACTIVE, rule, ..Told::default() }.answer();
    assert_eq!(answer.yaml, "network:\n  allowed_domains: [pages.example]\n");
    assert!(answer.notes.contains("while a call of `fetch` is in flight"), "{}", answer.notes);
    assert!(reaches(&with(&answer), "pages.example", 443, &[]));
    // The same, told by a kernel layer that knows the address only.
    let told = Told { what: "192.0.2.9:443", rule, detail: "connect to 192.0.2.9:443", ..Told::default() };
    let answer = told.answer();
    assert_eq!(answer.yaml, "network:\n  allowed_domains: [pages.example]\n", "and no address");
}

#[test]
fn a_private_answer_needs_its_address_and_not_its_name() {
    let reason = "it stands for 192.168.7.9, which is neither public nor in a range of the policy";
    let answer = Told { what: "api.example", reason, ..Told::default() }.answer();
    assert_eq!(answer.yaml, "network:\n  allowed_cidrs: [\"192.168.7.9\"]\n");
    assert!(answer.notes.contains("not public"), "{}", answer.notes);
    let plan = with(&answer);
    let address = |text: &str| Request::ConnectAddress(text.parse().unwrap(), 443);
    assert!(plan.allows(&address("192.168.7.9"), ClassMask::ALWAYS));
    assert!(!plan.allows(&address("192.168.7.10"), ClassMask::ALL));
    assert!(!plan.allows(&address("169.254.169.254"), ClassMask::ALL));
}

#[test]
fn an_allowed_name_is_not_allowed_once_more() {
    for what in ["api.example:443", "x.wild.example", "api.example"] {
        let reason = "the address was not looked up by this name";
        let answer = Told { what, reason, ..Told::default() }.answer();
        assert_eq!(answer.yaml, "", "{what}");
        assert!(answer.notes.contains("the name is allowed"), "{}", answer.notes);
    }
}

#[test]
fn a_port_is_added_to_those_that_are_open() {
    let answer = Told { what: "api.example:22", ..Told::default() }.answer();
    assert_eq!(answer.yaml, "network:\n  allowed_ports: [443, 22]\n");
    assert_eq!(with(&answer).network.ports, [22, 443]);
    let answer =
        Told { what: "new.example:22", reason: UNNAMED, calls: &["fetch"], ..Told::default() }.answer();
    assert_eq!(
        answer.yaml,
        "tools:\n  fetch: { allowed_domains: [new.example] }\nnetwork:\n  allowed_ports: [443, 22]\n"
    );
    assert!(reaches(&with(&answer), "new.example", 22, &["fetch"]));
    for rule in ["network.allowed_domains: api.example", "network.allowed_cidrs: 10.0.0.0/24"] {
        let answer = Told { what: "10.0.0.7:8080", rule, ..Told::default() }.answer();
        assert_eq!(answer.yaml, "network:\n  allowed_ports: [443, 8080]\n", "{rule}");
    }
    let preset = why_under(NETWORK, "github", vec![Told { what: "n.example:22", ..Told::default() }.body()]);
    let expected = "version: 1\nextends: [github]\nnetwork:\n  allowed_domains: [n.example]\n  allowed_ports: [443, 22]\n";
    assert_eq!(preset.yaml, expected);
}

#[test]
fn records_are_added_to_the_item_that_is_written() {
    let answer = Told {
        what: "_mongodb._tcp.db.example",
        reason: "records of type 33 are not looked up for it",
        ..Told::default()
    }
    .answer();
    assert_eq!(answer.yaml, "network:\n  allowed_domains: [{ domain: db.example, records: [srv, txt] }]\n");
    assert!(answer.where_to.starts_with("change own.yaml:4:"), "{}", answer.where_to);
    let both = Records { srv: true, txt: true };
    assert!(with(&answer).network.domains.iter().any(|it| it.name == "db.example" && it.records == both));

    let reason = "records of type 16 are not looked up for it";
    let answer = Told { what: "a.wild.example", reason, ..Told::default() }.answer();
    assert_eq!(answer.yaml, "network:\n  allowed_domains: [{ domain: a.wild.example, records: [txt] }]\n");
    assert_eq!(answer.where_to, "add to own.yaml", "and the wildcard stays without");
    for reason in ["records of type 255 are not looked up for it", "records of class 3 are not looked up"] {
        let answer = Told { what: "api.example", reason, ..Told::default() }.answer();
        assert!(answer.yaml.is_empty() && !answer.notes.is_empty(), "{reason}");
    }
    let reason = "records of type 33 are not looked up for it";
    assert_eq!(Told { what: "_a._tcp", reason, ..Told::default() }.answer().yaml, "");
}

#[test]
fn what_cannot_be_checked_may_go_by_its_address() {
    let reason = "this port is for TLS and the connection begins otherwise; speak TLS, or set `verify: address-only` for the domain";
    let rule = "network.allowed_domains: db.example (txt)";
    for what in ["db.example:443", "192.0.2.9:443"] {
        let answer = Told { what, reason, rule, ..Told::default() }.answer();
        let item = "{ domain: db.example, verify: address-only, records: [txt] }";
        assert_eq!(answer.yaml, format!("network:\n  allowed_domains: [{item}]\n"), "{what}");
        assert!(
            answer.where_to.starts_with("change own.yaml:4:") && answer.notes.contains("shares"),
            "{what}"
        );
        let found = with(&answer).network.domains;
        assert!(found.iter().any(|it| it.name == "db.example" && it.verify == Verify::AddressOnly));
        assert!(found.iter().all(|it| it.name == "db.example" || it.verify == Verify::Name));
    }
    // One name beneath a wildcard, not the wildcard.
    let answer = Told { what: "a.wild.example:443", reason, ..Told::default() }.answer();
    let item = "{ domain: a.wild.example, verify: address-only }";
    assert_eq!(answer.yaml, format!("network:\n  allowed_domains: [{item}]\n"));
    let rule = "network.allowed_domains: *.wild.example";
    assert_eq!(Told { what: "192.0.2.9:443", reason, rule, ..Told::default() }.answer().yaml, "");
    let rule = "tools.fetch.allowed_domains: pages.example";
    let answer = Told { what: "192.0.2.9:443", reason, rule, ..Told::default() }.answer();
    let item = "{ domain: pages.example, verify: address-only }";
    assert_eq!(answer.yaml, format!("tools:\n  fetch: {{ allowed_domains: [{item}] }}\n"));
    assert!(!reaches(&with(&answer), "pages.example", 443, &[]));
}

#[test]
fn quic_to_a_domain_gets_no_line() {
    let rule = "network.allowed_domains: api.example";
    let told = Told { what: "192.0.2.9:443", rule, detail: "send to 192.0.2.9:443", ..Told::default() };
    let answer = told.answer();
    assert!(answer.yaml.is_empty() && answer.notes.contains("QUIC"), "{}", answer.notes);
}

#[test]
fn names_that_look_like_data_are_spelt_out_or_not_at_all() {
    for reason in
        ["one of its labels looks like encoded data", "it has more than 4 labels beneath the rule's name"]
    {
        let answer = Told { what: "a1b2.wild.example", reason, ..Told::default() }.answer();
        assert_eq!(answer.yaml, "network:\n  allowed_domains: [a1b2.wild.example]\n");
        assert!(answer.notes.contains("data"), "{}", answer.notes);
    }
    for what in ["ex\\032ample.org", "a..b", "family 17", "UPPER.example", "a.example]\nx: y"] {
        let answer = Told { what, reason: "it is no host name", ..Told::default() }.answer();
        assert!(answer.yaml.is_empty() && !answer.notes.is_empty(), "{what}");
    }
}

#[test]
fn rates_of_names_are_doubled() {
    let reason = "more new names were asked for than are allowed in a minute";
    let answer = Told { what: "n.wild.example", reason, limit: Some(120), ..Told::default() }.answer();
    assert_eq!(answer.yaml, "network:\n  max_names_per_minute: 240\n");
    assert_eq!(with(&answer).network.max_names_per_minute, 240);
    assert_eq!(
        Told { what: "n.wild.example", reason, ..Told::default() }.answer().yaml,
        answer.yaml,
        "from the rule"
    );
    let reason = "more look-ups were made than are allowed in a minute";
    let answer = Told { what: "api.example", reason, limit: Some(10), ..Told::default() }.answer();
    assert_eq!(with(&answer).network.max_lookups_per_minute, Some(20));
    let reason = "more names are known than may be at a time";
    let answer = Told { what: "api.example", reason, ..Told::default() }.answer();
    assert!(answer.yaml.is_empty() && answer.notes.contains("mcpguard's own"), "{}", answer.notes);
}

#[test]
fn sockets_by_path_and_ports_to_listen_on() {
    let detail = "connect to the unix socket /run/db.sock";
    let answer = Told { what: "/run/db.sock", detail, ..Told::default() }.answer();
    assert_eq!(answer.yaml, "network:\n  unix_sockets: [/run/db.sock]\n");
    assert_eq!(with(&answer).network.unix_sockets.len(), 1);
    let answer = Told { what: "0.0.0.0:8080", detail: "listen on 0.0.0.0:8080", ..Told::default() }.answer();
    assert_eq!(answer.yaml, "network:\n  listen: [8080]\n");
    assert_eq!(with(&answer).network.listen, [8080]);
}

//! What `check` tells of a policy's network, to people and to machines: the same facts.

use super::Args;
use crate::hosted::Choice;

const POLICY: &str = r#"version: 1
name: own
network:
  allowed_domains: [api.example, { domain: d1.cloudfront.net, verify: address-only, records: [txt] }]
  allowed_cidrs: [10.0.0.0/8]
  listen: [8080]
tools:
  fetch: { allowed_domains: [pages.example] }
"#;

/// What is printed for a policy. The exit status is the host's: 0 or 1.
fn told(policy: &str, json: bool) -> String {
    let room = tempfile::tempdir().unwrap();
    let file = room.path().join("own.yaml");
    std::fs::write(&file, policy).unwrap();
    let mut out = Vec::new();
    let args = Args {
        policy: file.display().to_string(),
        workspace: Some(room.path().to_owned()),
        json,
        daemon: Choice::never(),
        command: vec![],
    };
    assert!(super::run(args, &mut out).unwrap() <= 1);
    String::from_utf8(out).unwrap()
}

#[test]
fn people_read_the_network_after_the_rules() {
    let told = told(POLICY, false);
    let (rules, network) = told.split_once("\nnetwork, as the policy means it\n").unwrap();
    assert!(rules.contains("network.allowed_domains: d1.cloudfront.net (address-only, txt)"), "{rules}");
    for line in [
        "  api.example        always; port 443, checked by name",
        "  d1.cloudfront.net  always; port 443, by address only; TXT may be looked up as well",
        "  pages.example      only while a call of `fetch` is in flight; port 443, checked by name",
        "  10.0.0.0/8         always; port 443 of each address in it, TCP and UDP",
        "  port 8080          always; the server may listen on this TCP port",
        "  closed: QUIC to domains (UDP to port 443); clients fall back to TCP",
        "  warning: `d1.cloudfront.net` is served by Amazon CloudFront, and by `verify: address-only` only the address \
         counts: whoever shares that address is reached as well",
    ] {
        assert!(network.lines().any(|found| found == line), "{line}\n{network}");
    }
    assert!(network.lines().last().unwrap().contains("enforced on this host"), "{network}");
}

#[test]
fn machines_read_the_same() {
    let told: serde_json::Value = serde_json::from_str(&told(POLICY, true)).unwrap();
    let network = &told["network"];
    let open = network["open"].as_array().unwrap();
    assert_eq!(open.len(), 5);
    assert_eq!(
        open[1],
        serde_json::json!({
            "what": "d1.cloudfront.net", "kind": "domain", "while_a_call_of": null,
            "ports_checked_by_name": [], "ports_by_address_only": [443], "records": { "srv": false, "txt": true },
            "rule": "network.allowed_domains: d1.cloudfront.net (address-only, txt)",
            "words": "always; port 443, by address only; TXT may be looked up as well",
        })
    );
    assert_eq!(open[2]["while_a_call_of"], serde_json::json!(["fetch"]));
    assert_eq!(open[4]["kind"], "listen");
    assert!(network["closed"].as_array().unwrap().iter().any(|it| it.as_str().unwrap().starts_with("QUIC")));
    assert_eq!(network["warnings"].as_array().unwrap().len(), 1);
}

#[test]
fn machines_read_what_its_author_did_not_mean() {
    let policy = "version: 1\nnetwork: { allowed_domains: [\"*.github.io\"] }\n";
    let told: serde_json::Value = serde_json::from_str(&told(policy, true)).unwrap();
    let problem = &told["problems"][0];
    assert_eq!(
        (&problem["line"], &problem["severity"]),
        (&serde_json::json!(2), &serde_json::json!("warning"))
    );
    assert!(problem["message"].as_str().unwrap().starts_with("anyone can get a name beneath `github.io`"));
}

#[test]
fn a_closed_network_is_said_to_be_closed() {
    let told = told("version: 1\n", false);
    assert!(
        told.contains("\nnetwork, as the policy means it\n  closed: the network: no IP socket can be made\n"),
        "{told}"
    );
}

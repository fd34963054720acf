//! The policy under which the tricks are tried.

use std::fmt::Write;

use anyhow::Result;

use super::programs::Program;
use super::raise::Internet;
use crate::servers::checkout;

/// The names that may be reached.
const DOMAINS: &[&str] = &[
    "api.shop.example",
    "www.shop.example",
    "many.shop.example",
    "short.shop.example",
    "ech.shop.example",
    "expiring.shop.example",
    "pinned.shop.example",
    "git.shop.example",
    "db.shop.example",
    "proxy.shop.example",
    "*.cdn.example",
    "*.rebind.example",
];
const PORTS: &[u16] = &[80, 443, 8080, 5432];

/// How mcpguard is told to guard.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    /// The section `network` of the policy.
    network: String,
    /// Options of `mcpguard exec` beyond those of every start.
    pub(super) options: Vec<String>,
}

impl Guard {
    /// The names that may be reached, and nobody else. `MCPGUARD_TRICKS_OPTIONS` adds options, for a person who tries.
    pub(super) fn ordinary() -> Self {
        let more = std::env::var("MCPGUARD_TRICKS_OPTIONS").unwrap_or_default();
        let quoted: Vec<String> = DOMAINS.iter().map(|name| format!("\"{name}\"")).collect();
        let ports: Vec<String> = PORTS.iter().map(u16::to_string).collect();
        let network = format!(
            "network:\n  allowed_domains: [{}]\n  allowed_ports: [{}]\n",
            quoted.join(", "),
            ports.join(", ")
        );
        Self { network, options: more.split_whitespace().map(str::to_owned).collect() }
    }

    /// Another section `network`.
    pub(super) fn with(network: &str, options: &[&str]) -> Self {
        Self {
            network: network.to_owned(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
        }
    }
}

/// Names, ports, and the programs of the clients; nothing else.
pub(super) fn policy(internet: &Internet, guard: &Guard) -> Result<String> {
    let mut text =
        "version: 1\nname: internet\nextends: [runtime/python, runtime/node, runtime/network]\n".to_owned();
    let quoted =
        |names: &[String]| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    text.push_str(&guard.network);
    let tests = checkout().join("tests");
    let servers = checkout().join("target/servers/venv");
    let read = [tests.join("puppet"), tests.join("internet"), servers, internet.debian.place().to_path_buf()];
    let read: Vec<String> = read.iter().map(|path| path.display().to_string()).collect();
    let _ = writeln!(text, "filesystem:\n  read: [{}]\n  write: [\"${{workspace}}\"]", quoted(&read));
    let programs: Vec<String> =
        Program::executables(internet)?.iter().map(|path| path.display().to_string()).collect();
    // One tool has a domain of its own, while a call of it is in flight.
    text.push_str("tools:\n  fetch: { allowed_domains: [tool.shop.example] }\n");
    let _ = writeln!(text, "execution:\n  allowed_programs: [{}]", quoted(&programs));
    Ok(text)
}

/// Whether a secret is of somebody who may be reached.
pub(super) fn may_be_reached(name: &str) -> bool {
    let allowed = |domain: &&str| match domain.strip_prefix('*') {
        Some(end) => name.ends_with(end),
        None => name == *domain,
    };
    matches!(name, "database" | "bulk") || name == "tool.shop.example" || DOMAINS.iter().any(allowed)
}

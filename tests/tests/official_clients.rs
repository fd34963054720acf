//! The official conformance suite tests a client, with mcpguard between the client and its server and without: every check
//! must pass both times.
//!
//! ```text
//! suite ─starts─► TypeScript SDK 2.x ──stdio──► [mcpguard exec] ──stdio──► bridge ──HTTP──► suite
//! ```

use std::fmt::Write;

use anyhow::{Result, ensure};
use harness::conformance::{Checks, Page, run_suite};
use harness::{Scene, checkout, mcpguard, node, node_modules};

/// Those that are not about HTTP itself, or about who may use it.
const SCENARIOS: [(&str, &str); 9] = [
    ("2025-11-25", "initialize"),
    ("2025-11-25", "tools_call"),
    ("2025-11-25", "elicitation-sep1034-client-defaults"),
    ("2025-11-25", "json-schema-2020-12-preservation"),
    ("2026-07-28", "tools_call"),
    ("2026-07-28", "request-metadata"),
    ("2026-07-28", "sep-2322-client-request-state"),
    ("2026-07-28", "json-schema-2020-12-preservation"),
    ("2026-07-28", "json-schema-ref-no-deref"),
];

/// What the bridge may read, where it may connect to, and every request of a server.
const POLICY: &str = "version: 1\nname: outward\nextends: [runtime/node]\nfilesystem: { read: [CLIENTS] }\n\
                      network: { allowed_cidrs: [127.0.0.1/32], allowed_ports: [PORT] }\n\
                      server_requests: { sampling: allow, elicitation: allow, roots: allow }\n";

/// A script that starts the server for the URL that the suite tells; only then is the port known that the policy needs.
fn launcher(scene: &Scene, guarded: bool) -> Result<String> {
    let clients = checkout().join("tests/clients");
    let bridge = format!("{} {}/outward.mjs", node()?.display(), clients.display());
    let text = if guarded {
        let rules = scene.policy("rules", &POLICY.replace("CLIENTS", &clients.display().to_string()))?;
        let policy = scene.root().join("outward.yaml");
        let (rules, policy, mcpguard) = (rules.display(), policy.display(), mcpguard()?);
        // The policy allows an address; `localhost` would have to be looked up.
        format!(
            "port=${{1#http://localhost:}}; port=${{port%%/*}}; way=${{1#http://localhost:$port}}\n\
             sed \"s/PORT/$port/\" {rules} > {policy}\n\
             exec {} exec --policy {policy} -- {bridge} \"http://127.0.0.1:$port$way\"\n",
            mcpguard.display()
        )
    } else {
        format!("exec {bridge} \"$1\"\n")
    };
    let script = scene.root().join("launch.sh");
    std::fs::write(&script, text)?;
    Ok(script.display().to_string())
}

fn client(guarded: bool, revision: &str, scenario: &str) -> Result<Checks> {
    let scene = Scene::new()?;
    let script = checkout().join("tests/clients/suite.mjs");
    let launcher = launcher(&scene, guarded)?;
    let (node, modules) = (node()?, node_modules()?);
    let command = format!("{} {} {} {launcher}", node.display(), script.display(), modules.display());
    let checks = run_suite(
        &scene,
        &["client", "--scenario", scenario, "--spec-version", revision, "--command", &command],
    )?;
    let logs = scene.root().join("state/mcpguard/audit").read_dir().map_or(0, Iterator::count);
    ensure!((logs > 0) == guarded, "{scenario}: {logs} sessions were guarded");
    Ok(checks)
}

#[test]
fn clients_pass_the_suite_unchanged() -> Result<()> {
    let mut page = "\n| revision | scenario | passed |\n|---|---|---|\n".to_owned();
    for (revision, scenario) in SCENARIOS {
        let [bare, guarded] = [false, true].map(|guarded| client(guarded, revision, scenario));
        let (bare, guarded) = (bare?, guarded?);
        ensure!(bare == guarded, "{scenario}: without the guard:\n{bare:#?}\nwith it:\n{guarded:#?}");
        let all: Vec<_> = guarded.values().flatten().collect();
        let failed = all.iter().any(|(_, status)| status == "FAILURE" || status == "WARNING");
        let passed = all.iter().filter(|(_, status)| status == "SUCCESS").count();
        ensure!(passed > 0 && !failed, "{revision} {scenario}: {all:#?}");
        let _ = writeln!(page, "| {revision} | {scenario} | {passed} |");
    }
    Page("official clients").must_be(&(page + "\n"))
}

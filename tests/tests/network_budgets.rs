//! What is counted on the way out is bounded: connections and addresses in a minute, connections and bytes in a call.

use std::os::unix::fs::MetadataExt;

use anyhow::{Context, Result, ensure};
use harness::internet::{Internet, Who};
use harness::{Client, Record, Runtime, Scene, Start, records, skip};
use serde_json::json;

/// Connects to each of these hosts of the crowd (93.185.0.1 and so on, port 7000) and hears its word; prints a line for each with what came of it.
const CONNECTS: &str = "\
import socket, sys
for host in sys.argv[1:]:
    try:
        with socket.create_connection(('93.185.0.' + host, 7000), timeout=5) as peer:
            print('ok' if peer.recv(100) else 'silent')
    except OSError as error:
        print(type(error).__name__)
";

/// Sends a hundred datagrams of 972 bytes, each of which makes a packet of 1000.
const SENDS: &str = "\
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
    for _ in range(100):
        try:
            peer.sendto(b'x' * 972, ('93.185.0.1', 7000))
            print('ok')
        except OSError as error:
            print(type(error).__name__)
";

/// A policy, an attempt as often as it is made, and what comes of each with the policy; without it all of it succeeds.
struct Budget {
    name: &'static str,
    policy: &'static str,
    /// The text of the rule that the record names.
    rule: &'static str,
    script: &'static str,
    calls: &'static [&'static [&'static str]],
    allowed: &'static [usize],
    /// Counted only by programs that see packets.
    packets: bool,
}

const BUDGETS: &[Budget] = &[
    Budget {
        name: "connections in a minute",
        policy: "network: { allowed_cidrs: [93.185.0.0/16], allowed_ports: [7000], max_connections_per_minute: 3 }\n",
        rule: "network.max_connections_per_minute: 3",
        script: CONNECTS,
        calls: &[&["1", "1"], &["1", "2", "3"], &["1"]],
        allowed: &[2, 1, 0],
        packets: false,
    },
    Budget {
        name: "addresses in a minute",
        policy: "network: { allowed_cidrs: [93.185.0.0/16], allowed_ports: [7000], max_destinations_per_minute: 3 }\n",
        rule: "network.max_destinations_per_minute: 3",
        script: CONNECTS,
        calls: &[&["1", "2", "3", "4", "5"], &["3", "2", "1", "8"]],
        allowed: &[3, 3],
        packets: false,
    },
    Budget {
        name: "connections in a call",
        policy: "network: { allowed_cidrs: [93.185.0.0/16], allowed_ports: [7000] }\n\
                 tools: { spawn: { max_connections_per_call: 2 } }\n",
        rule: "tools.spawn.max_connections_per_call: 2",
        script: CONNECTS,
        calls: &[&["1", "1", "1", "2"], &["1"], &["1", "2", "3"]],
        allowed: &[2, 1, 2],
        packets: false,
    },
    Budget {
        name: "bytes in a call",
        policy: "network: { allowed_cidrs: [93.185.0.0/16], allowed_ports: [7000] }\n\
                 tools: { defaults: { max_sent_bytes_per_call: 7KiB } }\n",
        rule: "tools.defaults.max_sent_bytes_per_call: 7168 bytes",
        script: SENDS,
        calls: &[&[], &[]],
        allowed: &[7, 7],
        packets: true,
    },
];

fn session(internet: &Internet, scene: &Scene, how: Option<(Who, &str)>) -> Result<Client> {
    let puppet = Runtime::Python.puppet()?;
    let Some((who, policy)) = how else {
        return internet.session(Who::User, scene, Start::bare(scene, puppet));
    };
    let policy = Runtime::Python.policy(policy)?.replace("/bin/true", "/usr/bin/python3");
    internet.session(who, scene, Start::guarded(scene, scene.policy("budgets", &policy)?, puppet))
}

/// How many attempts of each call have succeeded, and what the others came to.
fn play(client: &mut Client, budget: &Budget) -> Result<(Vec<usize>, Vec<String>)> {
    let (mut allowed, mut others) = (Vec::new(), Vec::new());
    for hosts in budget.calls {
        let argv = [&["/usr/bin/python3", "-c", budget.script][..], hosts].concat();
        let told = client.call("spawn", json!({ "argv": argv }))?.puppet()?;
        let text = told["stdout"].as_str().with_context(|| format!("no output: {told}"))?;
        ensure!(!text.is_empty(), "{told}");
        allowed.push(text.lines().filter(|line| *line == "ok").count());
        others.extend(text.lines().filter(|line| *line != "ok").map(str::to_owned));
    }
    Ok((allowed, others))
}

/// Whether the log tells of something that a rule had no more of, while the tool was called.
fn is_told(told: &[Record], layer: &str, rule: &str) -> bool {
    told.iter().any(|Record(record)| {
        record["event"] == "denial"
            && record["layer"] == layer
            && record["cause"] == "rate"
            && record["rule"]["text"] == rule
            && record["calls"][0]["tool"] == "spawn"
    })
}

fn holds(internet: &Internet, budget: &Budget, who: Who, layer: &str) -> Result<()> {
    let scene = Scene::new()?;
    let mut client = match session(internet, &scene, Some((who, budget.policy))) {
        Ok(client) => client,
        Err(error) => {
            ensure!(format!("{error:#}").contains("cannot be enforced on this host"), "{error:#}");
            ensure!(budget.packets && who == Who::User, "{} is refused: {error:#}", budget.name);
            return Ok(());
        }
    };
    ensure!(!budget.packets || who == Who::Root, "nobody without root sees packets");
    let (allowed, others) = play(&mut client, budget)?;
    ensure!(
        allowed == budget.allowed,
        "{} by {layer}: {allowed:?} {others:?} {}",
        budget.name,
        client.stderr()
    );
    ensure!(others.iter().all(|other| other == "PermissionError"), "{}: {others:?}", budget.name);
    drop(client);
    let told = records(&scene.audit())?;
    ensure!(is_told(&told, layer, budget.rule), "no record of `{}` by {layer} in {told:#?}", budget.rule);
    Ok(())
}

#[test]
fn what_is_counted_ends_where_the_policy_says() -> Result<()> {
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        skip("root, who can make network namespaces");
        return Ok(());
    }
    let internet = Internet::raise()?;
    for budget in BUDGETS {
        let scene = Scene::new()?;
        let mut bare = session(&internet, &scene, None)?;
        let (allowed, others) = play(&mut bare, budget)?;
        let all = budget.calls.iter().map(|hosts| if hosts.is_empty() { 100 } else { hosts.len() });
        ensure!(allowed.iter().copied().eq(all), "{} bare: {allowed:?} {others:?}", budget.name);
        for (who, layer) in [(Who::User, "seccomp"), (Who::Root, "ebpf")] {
            holds(&internet, budget, who, layer)?;
        }
    }
    Ok(())
}

/// Calls of a tool without a budget are not counted, and those of the other one have theirs all the same.
#[test]
fn a_budget_is_of_its_tool_alone() -> Result<()> {
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        skip("root, who can make network namespaces");
        return Ok(());
    }
    let internet = Internet::raise()?;
    let policy = "network: { allowed_cidrs: [93.185.0.0/16], allowed_ports: [7000] }\n\
                  tools: { spawn: { max_connections_per_call: 1 } }\n";
    for who in [Who::User, Who::Root] {
        let scene = Scene::new()?;
        let mut client = session(&internet, &scene, Some((who, policy)))?;
        for _ in 0..5 {
            let told = client.call("connect", json!({ "host": "93.185.0.1", "port": 7000 }))?.puppet()?;
            ensure!(told["ok"] == true, "{who:?}: {told}");
        }
        let argv = ["/usr/bin/python3", "-c", CONNECTS, "1", "2"];
        let told = client.call("spawn", json!({ "argv": argv }))?.puppet()?;
        ensure!(told["stdout"] == "ok\nPermissionError\n", "{who:?}: {told}");
    }
    Ok(())
}

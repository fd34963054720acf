//! What is refused on the way out is in the audit log, with the layer that refused and the call that was in flight.

use std::os::unix::fs::MetadataExt;

use anyhow::{Context, Result, ensure};
use harness::internet::{Internet, Who};
use harness::{Client, Record, Runtime, Scene, Start, records, skip};
use serde_json::json;

/// A name that no rule names, looked up; the same name, spoken at the address of an allowed one; an address that no name
/// stands for. Each prints what came of it.
const ATTEMPTS: [(&str, &str); 3] = [
    ("evil.example", "import socket; print(socket.getaddrinfo('evil.example', 443)[0][4][0])"),
    (
        "evil.example",
        "import socket, ssl; bare = socket.create_connection(('api.shop.example', 443)); context = ssl.create_default_context(); \
         context.check_hostname = False; context.verify_mode = ssl.CERT_NONE; \
         print(context.wrap_socket(bare, server_hostname='evil.example').version())",
    ),
    ("93.184.216.66:443", "import socket; print(socket.create_connection(('93.184.216.66', 443)))"),
];

fn policy() -> Result<String> {
    let network = "network: { allowed_domains: [api.shop.example], allowed_ports: [443] }\n";
    Ok(Runtime::Python.policy(network)?.replace("runtime/python", "runtime/python, runtime/network"))
}

fn session(internet: &Internet, scene: &Scene, who: Option<Who>, more: &str) -> Result<Option<Client>> {
    let puppet = Runtime::Python.puppet()?;
    let Some(who) = who else {
        return internet.session(Who::User, scene, Start::bare(scene, puppet)).map(Some);
    };
    let policy = scene.policy("records", &(policy()? + more))?;
    match internet.session(who, scene, Start::guarded(scene, policy, puppet)) {
        Ok(client) => Ok(Some(client)),
        Err(error) => {
            ensure!(format!("{error:#}").contains("cannot be enforced on this host"), "{error:#}");
            Ok(None)
        }
    }
}

/// Whether each attempt has succeeded.
fn tried(client: &mut Client) -> Result<Vec<bool>> {
    let attempt = |(_, code): &(&str, &str)| {
        let argv = ["/usr/bin/python3", "-c", code];
        Ok(client.call("spawn", json!({ "argv": argv }))?.puppet()?["status"] == 0)
    };
    ATTEMPTS.iter().map(attempt).collect()
}

/// The record of an attempt: what was refused, by whom, in which call.
fn is_told(told: &[Record], layer: &str, what: &str) -> bool {
    told.iter().any(|Record(record)| {
        record["event"] == "denial"
            && record["layer"] == layer
            && record["cause"] == "network"
            && record["what"] == what
            && record["calls"][0]["tool"] == "spawn"
    })
}

#[test]
fn refusals_are_recorded_with_their_layer_and_call() -> Result<()> {
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        skip("root, who can make network namespaces");
        return Ok(());
    }
    let internet = Internet::raise()?;
    let scene = Scene::new()?;
    let mut bare = session(&internet, &scene, None, "")?.context("a bare session")?;
    ensure!(tried(&mut bare)? == [true; 3], "what does not work bare proves nothing: {}", bare.stderr());
    for (who, addresses) in [(Who::User, "seccomp"), (Who::Root, "ebpf")] {
        let scene = Scene::new()?;
        let Some(mut client) = session(&internet, &scene, Some(who), "")? else {
            skip(&format!("domains by {addresses}"));
            continue;
        };
        ensure!(tried(&mut client)? == [false; 3], "{who:?}: {}", client.stderr());
        drop(client);
        let told = records(&scene.audit())?;
        for (layer, (what, _)) in ["resolver", "proxy", addresses].into_iter().zip(ATTEMPTS) {
            ensure!(is_told(&told, layer, what), "{who:?}: no record of {what} by {layer} in {told:#?}");
        }
    }
    Ok(())
}

#[test]
fn a_refusal_ends_the_session_where_the_policy_says_so() -> Result<()> {
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        skip("root, who can make network namespaces");
        return Ok(());
    }
    let internet = Internet::raise()?;
    for (who, layer) in [(Who::User, "seccomp"), (Who::Root, "ebpf")] {
        let scene = Scene::new()?;
        let Some(mut client) = session(&internet, &scene, Some(who), "on_violation: { network: kill }\n")?
        else {
            skip(&format!("domains by {layer}"));
            continue;
        };
        let nothing_yet = client.call("spawn", json!({ "argv": ["/usr/bin/python3", "-c", "print(1)"] }))?;
        ensure!(nothing_yet.puppet()?["status"] == 0, "{who:?}: {}", client.stderr());
        let [.., (what, code)] = ATTEMPTS;
        let answer = client.call("spawn", json!({ "argv": ["/usr/bin/python3", "-c", code] }));
        let died = answer.is_err() || answer.is_ok_and(|answer| answer.0.get("error").is_some());
        ensure!(died && client.call("descriptors", json!({})).is_err(), "{who:?}: {}", client.stderr());
        ensure!(client.stderr().contains(what), "{who:?}: the user is not told: {}", client.stderr());
        drop(client);
        let told = records(&scene.audit())?;
        ensure!(is_told(&told, layer, what), "{who:?}: no record of {what} by {layer} in {told:#?}");
        ensure!(told.last().is_some_and(|record| record.event() == "session_end"), "{told:#?}");
    }
    Ok(())
}

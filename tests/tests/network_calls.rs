//! Domains that belong to tools: each is open while a call of its tool is in flight, and not a moment longer.
//!
//! ```text
//! http_request ──► tool.shop.example   ├────┤        ├────┤
//! search       ──► api.shop.example       ├────┤            ├────┤
//! the server itself, all the time:    · · · · · · · · · · · · ·   nothing of it may arrive outside of a call
//! ```

use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use harness::internet::{Internet, Seen, Who};
use harness::{Answer, Client, Scene, Start, checkout, note, skip};
use serde_json::{Value, json};

/// Four calls each: two of them in flight together, and then each of the two tools alone.
const ROUNDS: usize = 250;
/// A time in which nobody has called.
const REST: Duration = Duration::from_millis(12);
const REQUESTED: &str = "http://tool.shop.example/";
const SEARCHED: &str = "http://api.shop.example/";

/// A time in which a call was in flight, in nanoseconds of the clock of the day: from before it was sent until after its
/// answer was there. What the guard takes for that time lies within.
type Flight = (u64, u64);

fn now() -> Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos())?)
}

fn policy() -> String {
    let puppet = checkout().join("tests/puppet");
    format!(
        "version: 1\nname: requester\nextends: [runtime/python, runtime/network]\nfilesystem:\n  read: [\"{}\"]\n\
         network:\n  allowed_ports: [80]\ntools:\n  http_request: {{ allowed_domains: [tool.shop.example] }}\n  \
         search: {{ allowed_domains: [api.shop.example] }}\n",
        puppet.display()
    )
}

fn session(internet: &Internet, scene: &Scene, who: Option<Who>) -> Result<Option<Client>> {
    let script = checkout().join("tests/puppet/requester.py");
    let server = vec!["/usr/bin/python3".into(), script.into()];
    let Some(who) = who else {
        return internet.session(Who::User, scene, Start::bare(scene, server)).map(Some);
    };
    let policy = scene.policy("requester", &policy())?;
    match internet.session(who, scene, Start::guarded(scene, policy, server)) {
        Ok(client) => Ok(Some(client)),
        Err(error) => {
            ensure!(format!("{error:#}").contains("cannot be enforced on this host"), "{error:#}");
            Ok(None)
        }
    }
}

/// Makes calls that are in flight together, and returns what each has come to, in their order. `known`: at the addresses
/// that were found before, without a look-up.
fn together(client: &mut Client, calls: &[(&str, &str)], known: bool) -> Result<Vec<(Value, Flight)>> {
    let mut ids = Vec::new();
    for (tool, url) in calls {
        let sent = now()?;
        let arguments = json!({ "url": url, "known": known });
        ids.push((client.send("tools/call", json!({ "name": tool, "arguments": arguments }))?, sent));
    }
    let mut told = vec![None; calls.len()];
    while told.iter().any(Option::is_none) {
        let message = client.next(Duration::from_secs(30))?.context("a call is not answered")?;
        let known = ids.iter().position(|(id, _)| message.get("id") == Some(id));
        if let Some(at) = known {
            told[at] = Some((Answer(message).puppet()?, (ids[at].1, now()?)));
        }
    }
    Ok(told.into_iter().flatten().collect())
}

/// What the calls and the server's own attempts have come to.
struct Told {
    requests: Vec<Flight>,
    searches: Vec<Flight>,
    attempts: Vec<Value>,
    wrong: Vec<String>,
}

fn play(internet: &Internet, client: &mut Client, is_guarded: bool) -> Result<Told> {
    let mut told =
        Told { requests: Vec::new(), searches: Vec::new(), attempts: Vec::new(), wrong: Vec::new() };
    let (requested, searched) = (internet.secret("tool.shop.example"), internet.secret("api.shop.example"));
    let mut judge = |what: &str, got: &Value, secret: &str, must: bool| {
        if got["text"].as_str().is_some_and(|text| text.contains(secret)) != must {
            told.wrong.push(format!("{what}: {got}"));
        }
    };
    client.call("watch_begin", json!({ "urls": [REQUESTED, SEARCHED], "pause": 0.003 }))?;
    for round in 0..ROUNDS {
        let known = round % 2 == 1;
        // Both in flight: each reaches its own.
        let both = together(client, &[("http_request", REQUESTED), ("search", SEARCHED)], known)?;
        told.requests.push(both[0].1);
        told.searches.push(both[1].1);
        judge("http_request beside search", &both[0].0, &requested, true);
        judge("search beside http_request", &both[1].0, &searched, true);
        std::thread::sleep(REST);
        // Alone: the other's domain is closed.
        for (tool, url, secret, flights) in [
            ("http_request", SEARCHED, &searched, &mut told.requests),
            ("search", REQUESTED, &requested, &mut told.searches),
        ] {
            let alone = together(client, &[(tool, url)], known)?;
            flights.push(alone[0].1);
            judge(&format!("{tool} with the domain of the other"), &alone[0].0, secret, !is_guarded);
            std::thread::sleep(REST);
        }
    }
    let watched = client.call("watch_end", json!({}))?.puppet()?;
    told.attempts = watched["attempts"].as_array().context("no attempts")?.clone();
    Ok(told)
}

/// The attempts of the server's own that were wholly outside of every call that opens their domain: how many by name and
/// how many at an address, and those that have arrived.
fn leaked(told: &Told, seen: &Seen) -> Result<([usize; 2], Vec<String>)> {
    let (mut outside, mut leaked, arrived) = ([0, 0], Vec::new(), seen.tokens());
    for attempt in &told.attempts {
        let requested = attempt["url"].as_str().context("url")?.starts_with(REQUESTED);
        let flights = if requested { &told.requests } else { &told.searches };
        let (began, ended) =
            (attempt["began"].as_u64().context("began")?, attempt["ended"].as_u64().context("ended")?);
        let apart = |flight: &Flight| ended < flight.0 || flight.1 < began;
        if flights.iter().all(apart) {
            outside[usize::from(attempt["known"] == true)] += 1;
            if arrived.contains(attempt["word"].as_str().context("word")?) {
                leaked.push(attempt.to_string());
            }
        }
    }
    Ok((outside, leaked))
}

fn check(who: Option<Who>) -> Result<()> {
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        skip("root, who can make network namespaces");
        return Ok(());
    }
    let (internet, scene) = (Internet::raise()?, Scene::new()?);
    let Some(mut client) = session(&internet, &scene, who)? else {
        skip(&format!("domains of tools for {who:?}"));
        return Ok(());
    };
    let told = play(&internet, &mut client, who.is_some())?;
    ensure!(told.wrong.is_empty(), "{who:?}: {} wrong, the first: {}", told.wrong.len(), told.wrong[0]);
    let (outside, leaked) = leaked(&told, &internet.seen())?;
    let (calls, arrived, all) =
        (told.requests.len() + told.searches.len(), leaked.len(), told.attempts.len());
    note(&format!(
        "{calls} calls, 0 wrong; of {all} attempts of the server's own {outside:?} (by name, at an address) were outside \
         of calls, and {arrived} of those arrived"
    ));
    ensure!(
        outside.iter().all(|count| *count > ROUNDS / 4),
        "{outside:?} attempts between calls prove little"
    );
    match who {
        None => ensure!(arrived == outside[0] + outside[1], "bare, {arrived} of {outside:?} arrive"),
        Some(_) => ensure!(leaked.is_empty(), "{arrived} of {outside:?} arrive, the first: {}", leaked[0]),
    }
    Ok(())
}

#[test]
fn without_a_guard_every_domain_is_always_open() -> Result<()> {
    check(None)
}

#[test]
fn a_domain_of_a_tool_is_open_to_a_user_while_a_call_of_it_is_in_flight() -> Result<()> {
    check(Some(Who::User))
}

#[test]
fn a_domain_of_a_tool_is_open_to_root_while_a_call_of_it_is_in_flight() -> Result<()> {
    check(Some(Who::Root))
}

//! Domains that belong to tools: each is open while a call of its tool is in flight, and not a moment longer.
//!
//! ```text
//! alpha ──► tool.shop.example    ├────┤        ├────┤
//! beta  ──► api.shop.example         ├────┤            ├────┤
//! the server itself, all the time:  · · · · · · · · · · · · ·   nothing of it may arrive outside of a call
//! ```

use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use harness::internet::{Internet, Who};
use harness::{Answer, Client, Scene, Start, checkout, skip};
use serde_json::{Value, json};

/// Four calls each: two of them in flight together, and then each of the two tools alone.
const ROUNDS: usize = 250;
/// A time in which nobody has called.
const REST: Duration = Duration::from_millis(12);
const ALPHA: &str = "http://tool.shop.example/";
const BETA: &str = "http://api.shop.example/";

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
         network:\n  allowed_ports: [80]\ntools:\n  alpha: {{ allowed_domains: [tool.shop.example] }}\n  \
         beta: {{ allowed_domains: [api.shop.example] }}\n",
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

/// Makes calls that are in flight together, and returns what each has come to, in their order.
fn together(client: &mut Client, calls: &[(&str, &str)]) -> Result<Vec<(Value, Flight)>> {
    let mut ids = Vec::new();
    for (tool, url) in calls {
        let sent = now()?;
        ids.push((client.send("tools/call", json!({ "name": tool, "arguments": { "url": url } }))?, sent));
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
    alpha: Vec<Flight>,
    beta: Vec<Flight>,
    attempts: Vec<Value>,
    wrong: Vec<String>,
}

fn play(internet: &Internet, client: &mut Client, is_guarded: bool) -> Result<Told> {
    let mut told = Told { alpha: Vec::new(), beta: Vec::new(), attempts: Vec::new(), wrong: Vec::new() };
    let (alpha, beta) = (internet.secret("tool.shop.example"), internet.secret("api.shop.example"));
    let mut note = |what: &str, got: &Value, secret: &str, must: bool| {
        if got["text"].as_str().is_some_and(|text| text.contains(secret)) != must {
            told.wrong.push(format!("{what}: {got}"));
        }
    };
    client.call("watch_begin", json!({ "urls": [ALPHA, BETA], "pause": 0.003 }))?;
    for _ in 0..ROUNDS {
        // Both in flight: each reaches its own.
        let both = together(client, &[("alpha", ALPHA), ("beta", BETA)])?;
        told.alpha.push(both[0].1);
        told.beta.push(both[1].1);
        note("alpha beside beta", &both[0].0, &alpha, true);
        note("beta beside alpha", &both[1].0, &beta, true);
        std::thread::sleep(REST);
        // Alone: the other's domain is closed.
        for (tool, url, secret, flights) in
            [("alpha", BETA, &beta, &mut told.alpha), ("beta", ALPHA, &alpha, &mut told.beta)]
        {
            let alone = together(client, &[(tool, url)])?;
            flights.push(alone[0].1);
            note(&format!("{tool} with the domain of the other"), &alone[0].0, secret, !is_guarded);
            std::thread::sleep(REST);
        }
    }
    let watched = client.call("watch_end", json!({}))?.puppet()?;
    told.attempts = watched["attempts"].as_array().context("no attempts")?.clone();
    Ok(told)
}

/// The attempts of the server's own that were wholly outside of every call that opens their domain, and have arrived.
fn leaked(told: &Told, arrived: impl Fn(&str) -> bool) -> Result<(usize, Vec<String>)> {
    let (mut outside, mut leaked) = (0, Vec::new());
    for attempt in &told.attempts {
        let flights =
            if attempt["url"].as_str().context("url")?.starts_with(ALPHA) { &told.alpha } else { &told.beta };
        let (began, ended) =
            (attempt["began"].as_u64().context("began")?, attempt["ended"].as_u64().context("ended")?);
        let apart = |flight: &Flight| ended < flight.0 || flight.1 < began;
        if flights.iter().all(apart) {
            outside += 1;
            let word = attempt["word"].as_str().context("word")?;
            if arrived(word) {
                leaked.push(attempt.to_string());
            }
        }
    }
    Ok((outside, leaked))
}

fn check(internet: &Internet, who: Option<Who>) -> Result<()> {
    let scene = Scene::new()?;
    let Some(mut client) = session(internet, &scene, who)? else {
        skip(&format!("domains of tools for {who:?}"));
        return Ok(());
    };
    let told = play(internet, &mut client, who.is_some())?;
    ensure!(told.wrong.is_empty(), "{who:?}: {} wrong, the first: {}", told.wrong.len(), told.wrong[0]);
    let seen = internet.seen();
    let (outside, leaked) = leaked(&told, |word| !seen.about(word).is_empty())?;
    ensure!(outside > ROUNDS / 2, "{outside} attempts between calls prove little");
    match who {
        None => ensure!(leaked.len() == outside, "bare, {} of {outside} arrive", leaked.len()),
        Some(_) => {
            ensure!(leaked.is_empty(), "{} of {outside} arrive, the first: {}", leaked.len(), leaked[0])
        }
    }
    Ok(())
}

#[test]
fn a_domain_of_a_tool_is_open_while_a_call_of_it_is_in_flight() -> Result<()> {
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        skip("root, who can make network namespaces");
        return Ok(());
    }
    let internet = Internet::raise()?;
    [None, Some(Who::User), Some(Who::Root)].into_iter().try_for_each(|who| check(&internet, who))
}

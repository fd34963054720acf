//! A policy that is edited while its session runs: what was granted is denied from the reload on, by the programs on the hooks,
//! and the other way round; for what always holds, and for the calls of a tool. By the daemon for a user, and by root's own
//! layer.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::USER;
use super::host::{Host, is_of_a_runtime};
use crate::actor::{self, Outcome};
use crate::client::Client;
use crate::ground::Ground;
use crate::guarded::Guarded;

/// Landlock is told the whole workspace, so that the programs alone decide what in it is open.
fn policy(more: &str) -> String {
    format!(
        "version: 1\nname: reload\nextends: [runtime/native]\nfilesystem:\n  write: [\"${{workspace}}\"]\n  {more}\n\
         execution:\n  allowed_programs: [/opt/vm/init]\n"
    )
}

const DENIES_ONE: &str = "deny: [\"${workspace}/one\"]";
const DENIES_OTHER: &str = "deny: [\"${workspace}/other\"]";
const DENIES_BOTH: &str = "deny: [\"${workspace}/one\", \"${workspace}/other\"]";

pub(super) fn by_the_daemon(ground: &Ground) -> Result<()> {
    let paths = paths(ground)?;
    for path in &paths {
        actor::bare_as(USER, "read", &[path])?.succeeded()?;
    }
    let mut host = Host::start(ground)?;
    let guarded = ground.guarded(&policy(DENIES_ONE))?.user(USER).option("--daemon");
    let mut client = guarded.session()?;
    follows(&guarded, &mut client, &paths)?;
    // The next daemon finds the session under the policy that holds, and the policy can be changed again.
    host.kill()?;
    denied(&read(&mut client, &paths[0])?)?;
    host.again()?;
    denied(&read(&mut client, &paths[0])?)?;
    read(&mut client, &paths[1])?.succeeded()?;
    let replied = host.within(
        || Ok(Some(edited(&guarded, DENIES_OTHER)?).filter(|it| it["refused"] == json!([]))),
        "the session is not taken up by the next daemon",
    )?;
    ensure!(replied["before"] != replied["revision"], "{replied}");
    read(&mut client, &paths[0])?.succeeded()?;
    denied(&read(&mut client, &paths[1])?)?;
    ensure!(client.finish()?.success(), "the session failed");
    on_record(&guarded)
}

pub(super) fn by_root(ground: &Ground) -> Result<()> {
    let paths = paths(ground)?;
    let guarded = ground.guarded(&policy(DENIES_ONE))?;
    let mut client = guarded.session()?;
    follows(&guarded, &mut client, &paths)?;
    ensure!(client.finish()?.success(), "the session failed");
    on_record(&guarded)
}

/// Ends with the first path denied.
fn follows(guarded: &Guarded<'_>, client: &mut Client, [one, other]: &[String; 2]) -> Result<()> {
    denied(&read(client, one)?)?;
    read(client, other)?.succeeded()?;
    for (more, open, closed) in [
        (DENIES_OTHER, one, other),
        (DENIES_ONE, other, one),
        (DENIES_OTHER, one, other),
        (DENIES_ONE, other, one),
    ] {
        let reply = edited(guarded, more)?;
        ensure!(reply["refused"] == json!([]) && reply["later"] == json!([]), "{reply}");
        read(client, open)?.succeeded()?;
        denied(&read(client, closed)?)?;
    }
    // A policy with a mistake changes nothing, and is told of.
    let reply = edited(guarded, "deny: nonsense")?;
    ensure!(reply["refused"] != json!([]), "{reply}");
    denied(&read(client, one)?)?;
    let reply = edited(guarded, DENIES_BOTH)?;
    ensure!(reply["refused"] == json!([]), "{reply}");
    denied(&read(client, one)?)?;
    denied(&read(client, other)?)?;
    let reply = edited(guarded, DENIES_ONE)?;
    ensure!(reply["refused"] == json!([]), "{reply}");
    read(client, other)?.succeeded()
}

fn read(client: &mut Client, path: &str) -> Result<Outcome> {
    client.act("act", "read", &[path])
}

fn denied(outcome: &Outcome) -> Result<()> {
    ensure!(outcome.errno() == Some("EPERM"), "it was not denied by the programs: {outcome:?}");
    Ok(())
}

fn edited(guarded: &Guarded<'_>, more: &str) -> Result<Value> {
    guarded.edit(&policy(more))?;
    let told = guarded.operate(&["reload", "--json", "reload"])?;
    serde_json::from_str(&told).with_context(|| format!("no reply: {told}"))
}

fn paths(ground: &Ground) -> Result<[String; 2]> {
    let file = |name: &str| -> Result<String> {
        Ok(ground.file(&format!("workspace/{name}/file"), name)?.to_string_lossy().into_owned())
    };
    Ok([file("one")?, file("other")?])
}

/// Every denial names the rule of the policy that held.
fn on_record(guarded: &Guarded<'_>) -> Result<()> {
    let records = guarded.records()?;
    let changed = records.iter().filter(|it| it["event"] == "policy_changed").count();
    ensure!(changed >= 6, "{changed} changes are on record");
    let denials: Vec<&Value> =
        records.iter().filter(|it| it["event"] == "denial" && it["layer"] == "ebpf").collect();
    let denials: Vec<&Value> =
        denials.into_iter().filter(|it| !it["what"].as_str().is_some_and(is_of_a_runtime)).collect();
    ensure!(denials.len() >= 6, "{denials:#?}");
    for denial in denials {
        let what = denial["what"].as_str().unwrap_or_default();
        let rule = denial["rule"]["text"].as_str().unwrap_or_default();
        let named = if what.ends_with("/one/file") { "/one" } else { "/other" };
        ensure!(rule.starts_with("filesystem.deny") && rule.ends_with(named), "{denial:#}");
    }
    Ok(())
}

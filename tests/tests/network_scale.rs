//! A wildcard with ten thousand names that come and go: what is open is what was learned and has not ended, to the second.
//!
//! ```text
//! learn 0..10,000 ─────────┤                    ├───────── learn 0..10,000 again ─┤ and more than there is room for
//!      a sample is reached ·  · neighbours never     · 40 others: open just before 30 s, closed just after
//!      hold one ═════════════════════════════════════════════════════════════════ it is heard after its end
//! ```

use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::internet::{Internet, SOFT_LIMIT, Who};
use harness::{Client, Scene, Start, checkout, kilobytes, note, skip};
use serde_json::{Value, json};

/// Names that are learned, and learned again when they have ended.
const CROWD: Range<u32> = 0..10_000;
/// Names whose end is watched; the first of them is the one that a connection is held to.
const WATCHED: Range<u32> = 10_000..10_041;
/// More names than there is room for beside the others: a session knows 16,384 at once.
const MORE: Range<u32> = 10_041..17_000;
const ROOM: u32 = 16_384;
/// Hosts that answer like the others and have no name.
const NEIGHBOURS: Range<u32> = 20_000..20_200;
/// What a name lives that wants to live for a second only, in seconds (`names`: not less, so that clients can connect).
const LIFE: u32 = 30;
/// How near to its end an address is tried, in seconds.
const MARGIN: f64 = 0.4;
/// What ten thousand names may cost the supervisor, and what learning them again may add, in kilobytes.
const MEMORY: u64 = 24 * 1024;
const GROWTH: u64 = 4 * 1024;

fn policy() -> String {
    format!(
        "version: 1\nname: crowd\nextends: [runtime/python, runtime/network]\nfilesystem:\n  read: [\"{}\"]\n\
         network:\n  allowed_domains: [\"*.crowd.example\"]\n  allowed_ports: [7000]\n  max_names_per_minute: 100000\n",
        checkout().join("tests/puppet").display()
    )
}

fn session(internet: &Internet, scene: &Scene, who: Option<Who>) -> Result<Option<Client>> {
    let script = checkout().join("tests/puppet/crowd.py");
    let server = vec!["/usr/bin/python3".into(), script.into()];
    let Some(who) = who else {
        return internet.session(Who::User, scene, Start::bare(scene, server)).map(Some);
    };
    let policy = scene.policy("crowd", &policy())?;
    match internet.session(who, scene, Start::guarded(scene, policy, server)) {
        Ok(client) => Ok(Some(client)),
        Err(error) => {
            ensure!(format!("{error:#}").contains("cannot be enforced on this host"), "{error:#}");
            Ok(None)
        }
    }
}

/// A session, and what it is asked to do.
struct Crowd<'a> {
    internet: &'a Internet,
    client: Client,
}

impl Crowd<'_> {
    fn call(&mut self, tool: &str, arguments: Value) -> Result<Value> {
        let id = self.client.send("tools/call", json!({ "name": tool, "arguments": arguments }))?;
        self.answer(&id)
    }

    fn answer(&mut self, id: &Value) -> Result<Value> {
        let told = self.client.answer_to(id)?.puppet()?;
        ensure!(told.get("error").is_none(), "{told}; {}", self.client.stderr());
        Ok(told)
    }

    /// Looks names up; how many were answered, and how many refused.
    fn learn(&mut self, names: Range<u32>) -> Result<(u64, u64)> {
        let told = self.call("learn", json!({ "first": names.start, "count": names.len() }))?;
        ensure!(told["wrong"] == json!([]), "{told}");
        let count = |what: &str| told[what].as_u64().unwrap_or(0);
        note(&format!("{names:?} looked up in {:.1} s", told["seconds"].as_f64().unwrap_or(0.0)));
        Ok((count("answered"), count("refused")))
    }

    /// All of these come to the same.
    fn all(&mut self, numbers: impl Iterator<Item = u32>, outcome: &str) -> Result<()> {
        let numbers: Vec<u32> = numbers.collect();
        let told = self.call("reach", json!({ "numbers": numbers }))?;
        ensure!(told["outcomes"] == json!({ outcome: numbers.len() }), "{outcome} is wanted: {told}");
        let word = self.internet.word_of_the_crowd();
        ensure!(outcome != "ok" || told["words"] == json!([word]), "somebody else has answered: {told}");
        Ok(())
    }

    fn memory(&self) -> Result<u64> {
        kilobytes(self.client.pid(), "VmRSS").context("no memory")
    }

    /// The supervisor has raised its own limit of open files, and not the server's.
    fn limits(&mut self) -> Result<()> {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", self.client.pid()))?;
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
        let own: Vec<&str> = line.context("no limit of open files")?.split_whitespace().collect();
        ensure!(own[0] == own[1] && own[0] != SOFT_LIMIT.to_string(), "{own:?}");
        let server = self.call("limit", json!({}))?;
        ensure!(server["soft"] == SOFT_LIMIT, "{server}");
        Ok(())
    }

    /// Learned, reached, and learned again when it has ended.
    fn churn(&mut self) -> Result<()> {
        let (before, begun) = (self.memory()?, Instant::now());
        self.all(NEIGHBOURS, "EPERM")?;
        // Nothing is learned yet.
        self.all(CROWD.step_by(100), "EPERM")?;
        ensure!(self.learn(CROWD)? == (10_000, 0));
        ensure!(self.learn(WATCHED)? == (41, 0));
        let word = self.internet.word_of_the_crowd();
        ensure!(self.call("hold", json!({ "number": WATCHED.start }))?["word"] == json!(word));
        let watched: Vec<u32> = WATCHED.skip(1).collect();
        let edges = json!({ "numbers": watched, "life": LIFE, "margin": MARGIN });
        let edges = self.client.send("tools/call", json!({ "name": "edges", "arguments": edges }))?;
        self.all(CROWD.skip(9_000).step_by(10), "ok")?;
        self.all(NEIGHBOURS, "EPERM")?;
        let learned = self.memory()?;
        std::thread::sleep(Duration::from_secs(u64::from(LIFE) + 1).saturating_sub(begun.elapsed()));
        self.exact(&edges)?;
        ensure!(self.learn(CROWD)? == (10_000, 0), "what has ended leaves its place");
        let again = self.memory()?;
        note(&format!(
            "memory {before} KiB, with 10,000 names {learned} KiB, and with as many again {again} KiB"
        ));
        ensure!(learned - before <= MEMORY && again.saturating_sub(learned) <= GROWTH);
        self.full()
    }

    /// Open until just before the end, closed right after it.
    fn exact(&mut self, edges: &Value) -> Result<()> {
        let told = self.answer(edges)?;
        let attempts = told["attempts"].as_array().context("no attempts")?;
        let (mut decided, mut nearest) = ([0, 0], [f64::MAX, f64::MAX]);
        for attempt in attempts {
            let time = |what: &str| attempt[what].as_f64().context("no time");
            let (side, wanted, left) = match attempt["side"] == "before" {
                true => (0, "ok", time("over")?),
                false => (1, "EPERM", -time("began")?),
            };
            // On a busy machine an attempt may have come too late to tell anything.
            if left > 0.0 {
                ensure!(attempt["outcome"] == wanted, "{attempt}");
                decided[side] += 1;
                nearest[side] = nearest[side].min(left);
            }
        }
        let [before, after] = nearest;
        note(&format!(
            "open {before:.3} s before the end, closed {after:.3} s after it ({decided:?} attempts)"
        ));
        ensure!(
            decided[0] >= 20 && decided[1] == 40 && before < 1.0 && after < 1.0,
            "{decided:?} {nearest:?}"
        );
        let text = "still here";
        ensure!(self.call("held", json!({ "text": text }))?["heard"] == text, "a live connection is cut");
        self.all(WATCHED, "EPERM")
    }

    /// There is a limit to what is known, and beyond it nothing opens.
    fn full(&mut self) -> Result<()> {
        let (answered, refused) = self.learn(MORE)?;
        let places = u64::from(ROOM - WATCHED.end);
        ensure!(answered >= places && refused > 0, "{answered} answered, {refused} refused");
        // The last ones were asked for when there was no room.
        self.all(MORE.skip(6_800), "EPERM")
    }
}

fn check(who: Option<Who>) -> Result<()> {
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        skip("root, who can make network namespaces");
        return Ok(());
    }
    let (internet, scene) = (Internet::raise()?, Scene::new()?);
    let Some(client) = session(&internet, &scene, who)? else {
        skip(&format!("domain rules for {who:?}"));
        return Ok(());
    };
    let mut crowd = Crowd { internet: &internet, client };
    if who.is_none() {
        return crowd.all(NEIGHBOURS.chain(CROWD.step_by(100)), "ok");
    }
    crowd.limits()?;
    crowd.churn()?;
    let reached = internet.reached();
    ensure!(
        reached.range(MORE.start + 6_800..).next().is_none(),
        "somebody outside was reached: {reached:?}"
    );
    Ok(())
}

#[test]
fn without_a_guard_everybody_is_reached() -> Result<()> {
    check(None)
}

#[test]
fn ten_thousand_names_come_and_go_for_a_user() -> Result<()> {
    check(Some(Who::User))
}

#[test]
fn ten_thousand_names_come_and_go_for_root() -> Result<()> {
    check(Some(Who::Root))
}

//! One attack, without the guard and with it.

use anyhow::{Result, bail, ensure};
use harness::{Record, Runtime, Start, records, skip};
use serde_json::{Value, json};

use super::targets::Targets;

/// What a denial looks like. Any other failure would mean that the attack broke, not that it was stopped.
const DENIALS: [&str; 7] =
    ["EACCES", "EPERM", "ENOSYS", "SIGSYS", "EPROTONOSUPPORT", "EAFNOSUPPORT", "ESOCKTNOSUPPORT"];

type Effect = fn(&mut Targets) -> bool;

/// One attack and what it must come to.
pub(crate) struct Attack {
    tool: &'static str,
    arguments: Value,
    /// Outcomes without the guard that show the attack at work.
    bare: Vec<&'static str>,
    /// Outcomes without the guard that show that this kernel or user cannot do it: errno, what is missing.
    lacking: Vec<(&'static str, &'static str)>,
    guarded: Option<&'static str>,
    effect: Option<Effect>,
    recorded: Option<&'static str>,
}

impl Attack {
    /// By the language itself.
    pub(crate) fn tool(tool: &'static str, arguments: Value) -> Self {
        let (bare, lacking) = (vec!["ok"], Vec::new());
        Self { tool, arguments, bare, lacking, guarded: None, effect: None, recorded: None }
    }

    /// By raw system calls.
    pub(crate) fn raw(name: &'static str, arguments: Value) -> Self {
        Self::tool("raw", json!({ "name": name, "arguments": arguments }))
    }

    /// Without the guard the kernel gets as far as this errno, which no denial gives.
    pub(crate) fn bare(mut self, outcome: &'static str) -> Self {
        self.bare = vec![outcome];
        self
    }

    /// Or as far as this.
    pub(crate) fn or_bare(mut self, outcome: &'static str) -> Self {
        self.bare.push(outcome);
        self
    }

    /// With the guard exactly this.
    pub(crate) fn guarded(mut self, outcome: &'static str) -> Self {
        self.guarded = Some(outcome);
        self
    }

    /// Without the guard this errno means that something is missing here, and the test is skipped aloud.
    pub(crate) fn needs(mut self, errno: &'static str, feature: &'static str) -> Self {
        self.lacking.push((errno, feature));
        self
    }

    /// What the attack leaves behind when it succeeds.
    pub(crate) fn leaves(mut self, effect: Effect) -> Self {
        self.effect = Some(effect);
        self
    }

    /// The audit log must name this system call as denied.
    pub(crate) fn recorded(mut self, syscall: &'static str) -> Self {
        self.recorded = Some(syscall);
        self
    }

    /// User space cannot know of the denial.
    pub(crate) fn unrecorded(mut self) -> Self {
        self.recorded = None;
        self
    }
}

/// Shows that the attack succeeds without the guard and fails with it.
pub(crate) fn judge(runtime: Runtime, attack: impl Fn(&mut Targets) -> Attack) -> Result<()> {
    let possible = bare(runtime, &attack)?;
    guarded(runtime, &attack)?;
    if let Some(missing) = possible {
        // The guard's answer was checked all the same; that it is the guard's, and not the kernel's, was not shown.
        skip(missing);
    }
    Ok(())
}

/// What is missing here to show the attack at work, if anything.
fn bare(runtime: Runtime, attack: impl Fn(&mut Targets) -> Attack) -> Result<Option<&'static str>> {
    let mut targets = Targets::new()?;
    let attack = attack(&mut targets);
    let mut client = Start::bare(&targets.scene, runtime.puppet()?).session()?;
    let answer = client.call(attack.tool, attack.arguments)?;
    let outcome = answer.outcome()?;
    if let Some((_, missing)) = attack.lacking.iter().find(|(errno, _)| *errno == outcome) {
        return Ok(Some(missing));
    }
    ensure!(attack.bare.contains(&outcome.as_str()), "does not work without the guard either: {}", answer.0);
    let left = attack.effect.is_none_or(|effect| effect(&mut targets));
    ensure!(left, "without the guard nothing arrived: the test would prove nothing");
    Ok(None)
}

fn guarded(runtime: Runtime, attack: impl Fn(&mut Targets) -> Attack) -> Result<()> {
    let mut targets = Targets::new()?;
    let attack = attack(&mut targets);
    let policy = targets.scene.policy("puppet", &runtime.policy("")?)?;
    let mut client = Start::guarded(&targets.scene, &policy, runtime.puppet()?).session()?;
    let answer = client.call(attack.tool, attack.arguments)?;
    let outcome = answer.outcome()?;
    match attack.guarded {
        Some(expected) => ensure!(outcome == expected, "{outcome} instead of {expected}: {}", answer.0),
        None => ensure!(DENIALS.contains(&outcome.as_str()), "not denied: {}", answer.0),
    }
    if let Some(effect) = attack.effect {
        ensure!(!effect(&mut targets), "it was answered with {outcome}, but it happened");
    }
    // The server goes on, and what it may do it still can.
    let inside = targets.scene.workspace().join("inside.txt");
    ensure!(client.call("read", json!({ "path": inside }))?.outcome()? == "ok", "the workspace is closed");
    ensure!(client.finish()?.code() == Some(0), "{}", client.stderr());
    match attack.recorded {
        Some(syscall) => known(&records(&targets.scene.audit())?, syscall),
        None => Ok(()),
    }
}

fn known(records: &[Record], syscall: &str) -> Result<()> {
    let mut denials =
        records.iter().filter(|record| record.event() == "denial" && record.0["layer"] == "seccomp");
    if denials.any(|record| record.mentions(syscall)) {
        return Ok(());
    }
    let told: Vec<String> = records.iter().map(|record| record.0.to_string()).collect();
    bail!("no denial of `{syscall}` in the audit log:\n{}", told.join("\n"))
}

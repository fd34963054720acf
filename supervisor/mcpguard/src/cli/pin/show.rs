//! What is pinned, for people and for programs.

use std::io::Write;

use anyhow::Context;
use pins::{List, Lock, Pinned};
use serde_json::{Value, json};

use super::ascii;

/// All servers in a line each, or everything of one.
///
/// # Errors
/// There is no such server.
pub(super) fn run(lock: &Lock, policy: Option<&str>, json: bool, out: &mut dyn Write) -> anyhow::Result<u8> {
    let one = |name: &str| lock.server(name).with_context(|| format!("nothing is pinned of `{name}`"));
    match (policy, json) {
        (Some(name), true) => writeln!(out, "{}", ascii(&object(name, one(name)?).to_string()))?,
        (Some(name), false) => whole(name, one(name)?, out)?,
        (None, true) => {
            let mut all = lock.servers().map(|(name, it)| ascii(&object(name, it).to_string()));
            all.try_for_each(|line| writeln!(out, "{line}"))?;
        }
        (None, false) => lock.servers().try_for_each(|(name, it)| writeln!(out, "{}", line(name, it)))?,
    }
    if policy.is_none() && !json && lock.servers().next().is_none() {
        writeln!(out, "nothing is pinned")?;
    }
    Ok(0)
}

fn line(name: &str, pinned: &Pinned) -> String {
    let who = pinned.identity().map(|identity| {
        let words = [&identity.package, &identity.version];
        words.into_iter().flatten().cloned().collect::<Vec<_>>().join(" ")
    });
    let who = who.filter(|who| !who.is_empty()).unwrap_or_else(|| "no package".to_owned());
    let counts = format!("{} tools, {} prompts", pinned.tools().len(), pinned.items(List::Prompts).len());
    audit::for_people(&format!("{name}  {who}  {counts}")).into_owned()
}

fn whole(name: &str, pinned: &Pinned, out: &mut dyn Write) -> std::io::Result<()> {
    let clean = |text: &str| audit::for_people(text).replace('\n', " ");
    writeln!(out, "{}", line(name, pinned))?;
    if let Some(instructions) = pinned.told().and_then(|told| told.instructions.as_deref()) {
        writeln!(out, "  instructions: {}", clean(instructions))?;
    }
    for (name, tool) in pinned.tools() {
        writeln!(out, "  {}  {}", clean(name), clean(tool.description().unwrap_or_default()))?;
    }
    for (name, prompt) in pinned.items(List::Prompts) {
        writeln!(out, "  prompt {}  {}", clean(name), clean(prompt.description().unwrap_or_default()))?;
    }
    Ok(())
}

fn object(name: &str, pinned: &Pinned) -> Value {
    let tools: Vec<Value> = pinned
        .tools()
        .iter()
        .map(|(name, tool)| json!({ "name": name, "digest": tool.digest().to_string() }))
        .collect();
    let prompts: Vec<&String> = pinned.items(List::Prompts).keys().collect();
    json!({ "policy": name, "identity": pinned.identity(), "told": pinned.told(), "tools": tools, "prompts": prompts })
}

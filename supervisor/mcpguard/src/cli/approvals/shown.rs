//! A held call as a person reads it: everything, and nothing that hides.

use std::io::Write;

use content::invisible::made_visible;

use crate::session::Held;

/// How the call is named on the command line.
pub(super) fn name(held: &Held) -> String {
    let short: String = held.session.chars().take(8).collect();
    format!("{}-{}", audit::for_people(&short), held.call)
}

/// Who wants it, since when, and with exactly which arguments.
///
/// # Errors
/// Nobody reads.
pub(super) fn call(held: &Held, out: &mut dyn Write) -> std::io::Result<()> {
    let Held { policy, tool, arguments, digest, approvers, given, waited_ms, left_ms, rule, .. } = held;
    let clean = audit::for_people;
    writeln!(
        out,
        "{}  {}  ({}, waits since {} s, {} s left)",
        name(held),
        clean(tool),
        clean(policy),
        waited_ms / 1000,
        left_ms / 1000
    )?;
    writeln!(out, "  {}", clean(rule))?;
    if *approvers > 1 || !given.is_empty() {
        let by = if given.is_empty() { "nobody yet".to_owned() } else { given.join(", ") };
        writeln!(out, "  {approvers} must approve; approved by: {}", clean(&by))?;
    }
    lines(arguments).iter().try_for_each(|line| writeln!(out, "  {line}"))?;
    writeln!(out, "  digest {}", clean(digest))
}

/// The arguments over several lines, where they are JSON, with everything invisible spelled out.
fn lines(arguments: &str) -> Vec<String> {
    let read = serde_json::from_str::<serde_json::Value>(arguments);
    let spread = read.ok().and_then(|value| serde_json::to_string_pretty(&value).ok());
    let text = if arguments.is_empty() { "no arguments".to_owned() } else { arguments.to_owned() };
    spread.unwrap_or(text).lines().map(|line| audit::for_people(&made_visible(line)).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Held, call};

    #[test]
    fn everything_is_shown_and_nothing_hides() {
        let held = Held {
            session: "5f3c0a91be27d846".to_owned(),
            policy: "github".to_owned(),
            call: 7,
            tool: "create\u{1b}[2K_issue".to_owned(),
            arguments: "{\"title\":\"a\u{202e}b\",\"n\":[1,2]}".to_owned(),
            digest: "ab".repeat(32),
            approvers: 2,
            given: vec!["user 0 (root)".to_owned()],
            waited_ms: 12_345,
            left_ms: 287_000,
            rule: "tools.create_*.sensitive: true at github.yaml:31:22".to_owned(),
        };
        let mut out = Vec::new();
        call(&held, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("5f3c0a91-7  create"), "{text}");
        for shown in
            ["⟦U+202E⟧", "12 s, 287 s left", "2 must approve; approved by: user 0 (root)", "\"n\": ["]
        {
            assert!(text.contains(shown), "{shown} in {text}");
        }
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
}

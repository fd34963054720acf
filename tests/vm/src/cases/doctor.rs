//! `mcpguard doctor` says what the kernel really does: its findings are compared with the matrix.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::case::Case;
use crate::ground::Ground;

pub(super) const CASES: &[Case] = &[
    Case::new("doctor/tells_the_truth", tells_the_truth).seconds(3),
    Case::new("doctor/ends_with_1_if_anything_is_absent", ends_with_1_if_anything_is_absent).seconds(3),
];

/// From which Landlock ABI on each mechanism works (kernel documentation, userspace-api/landlock.rst).
const LANDLOCK: &[(&str, u32)] = &[
    ("landlock-files", 1),
    ("landlock-ports", 4),
    ("landlock-signals", 6),
    ("landlock-abstract-sockets", 6),
    ("landlock-unix-sockets", 9),
    ("landlock-udp", 10),
];

fn tells_the_truth(ground: &Ground) -> Result<()> {
    let output = ground.mcpguard(&["doctor", "--json"]).output()?;
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).context("doctor tells no JSON")?;
    let works = |name: &str| {
        let finding = findings.iter().find(|finding| finding["mechanism"] == name);
        finding
            .and_then(|finding| finding["works"].as_bool())
            .with_context(|| format!("doctor knows no {name}"))
    };
    let facts = ground.facts();
    let landlock = LANDLOCK.iter().map(|(name, abi)| (*name, facts.landlock_abi >= *abi));
    let rest =
        [("seccomp-filter", true), ("seccomp-reports", facts.seccomp_reports), ("no-privileges", true)];
    for (name, expected) in landlock.chain(rest) {
        ensure!(works(name)? == expected, "doctor says {name}: {}; the matrix says {expected}", works(name)?);
    }
    Ok(())
}

fn ends_with_1_if_anything_is_absent(ground: &Ground) -> Result<()> {
    let output = ground.mcpguard(&["doctor"]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let absent = text.contains("ABSENT");
    ensure!(output.status.code() == Some(i32::from(absent)), "{:?}:\n{text}", output.status);
    Ok(())
}

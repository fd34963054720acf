//! A policy with ten mistakes gives ten errors in one run, each with file, line and column.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::{Scene, mcpguard, run};
use serde_json::Value;

/// Ten mistakes, and for each the line where it stands and a word that its message must hold.
const MISTAKES: &str = "\
version: 1
name: ten
descripton: a key that does not exist
filesystem:
  read: [relative/path]
  write: [\"${workspce}\"]
  read: [\"/usr\"]
network:
  allowed_domains: [\"https://example.org/\"]
  allowed_ports: [70000]
execution:
  memory_limit: 512 bananas
  cpus: many
tools:
  write_file: { enabled: 1.5 }
  delete_file: { timeout_secnds: 3 }
";

const EXPECTED: [(u64, &str); 10] = [
    (3, "description"),
    (5, "relative"),
    (6, "workspace"),
    (7, "read"),
    (9, "example.org"),
    (10, "70000"),
    (12, "bananas"),
    (13, "many"),
    (15, "`true`"),
    (16, "timeout_seconds"),
];

#[test]
fn ten_mistakes_give_ten_errors_for_people() -> Result<()> {
    let scene = Scene::new()?;
    let file = scene.policy("ten", MISTAKES)?;
    let finished = run(Command::new(mcpguard()?).arg("check").arg(&file).env("HOME", scene.home()))?;
    ensure!(finished.status == Some(125), "{finished:?}");
    for (line, word) in EXPECTED {
        let place = format!("{}:{line}:", file.display());
        let said = finished.stderr.lines().filter(|text| text.contains(&place)).collect::<Vec<_>>();
        ensure!(said.len() == 1, "line {line}: {} errors in\n{}", said.len(), finished.stderr);
        let column = said[0].split(&place).nth(1).and_then(|rest| rest.split(':').next());
        ensure!(
            column.is_some_and(|column| column.parse::<u32>().is_ok_and(|column| column > 0)),
            "{}",
            said[0]
        );
        ensure!(
            finished.stderr.contains(word),
            "line {line}: nothing about `{word}` in\n{}",
            finished.stderr
        );
    }
    Ok(())
}

#[test]
fn ten_mistakes_give_ten_errors_for_machines() -> Result<()> {
    let scene = Scene::new()?;
    let file = scene.policy("ten", MISTAKES)?;
    let mut command = Command::new(mcpguard()?);
    let finished = run(command.args(["check", "--json"]).arg(&file).env("HOME", scene.home()))?;
    let told: Value = serde_json::from_str(&finished.stdout).with_context(|| format!("{finished:?}"))?;
    ensure!(told["valid"] == false, "{told}");
    let problems = told["problems"].as_array().context("problems")?;
    ensure!(problems.len() == EXPECTED.len(), "{} problems: {told:#}", problems.len());
    for ((line, word), problem) in EXPECTED.iter().zip(problems) {
        let text = problem.to_string();
        ensure!(text.contains(&format!("\"line\":{line},")), "line {line}: {problem}");
        ensure!(text.contains(word), "line {line}, `{word}`: {problem}");
    }
    Ok(())
}

#[test]
fn nothing_starts_under_a_wrong_policy() -> Result<()> {
    let scene = Scene::new()?;
    let file = scene.policy("ten", MISTAKES)?;
    let mark = scene.workspace().join("started");
    let mut command = Command::new(mcpguard()?);
    command.arg("exec").arg("--policy").arg(&file).arg("--audit").arg(scene.audit());
    let finished = run(command.args(["--", "touch"]).arg(&mark).env("HOME", scene.home()))?;
    ensure!(finished.status == Some(125) && !mark.exists(), "{finished:?}");
    ensure!(finished.stdout.is_empty(), "stdout belongs to MCP: {finished:?}");
    Ok(())
}

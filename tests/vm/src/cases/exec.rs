//! `mcpguard exec` under a simple policy: the attack succeeds bare and fails guarded, and the log knows of it. On a
//! kernel that cannot, nothing is started and the reason is exact.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use anyhow::{Result, ensure};

use crate::case::Case;
use crate::ground::Ground;
use crate::need::Need;

pub(super) const CASES: &[Case] = &[
    Case::new("exec/closes_files", closes_files).needs(&[Need::Landlock(3)]).seconds(5),
    Case::new("exec/closes_system_calls_and_records_them", closes_system_calls_and_records_them).seconds(20),
    Case::new("exec/refuses_without_landlock", refuses_without_landlock).needs(&[Need::LandlockBelow(1)]),
    Case::new("exec/says_what_is_left", says_what_is_left).needs(&[Need::LandlockBelow(1)]),
    Case::new("exec/refuses_what_abi_2_cannot", refuses_what_abi_2_cannot)
        .needs(&[Need::Landlock(1), Need::LandlockBelow(3)]),
    Case::new("exec/serves_during_a_session", serves_during_a_session).needs(&[Need::Landlock(3)]).seconds(5),
];

/// Without root, so that no eBPF layer makes good what Landlock lacks, and starts are quick.
const USER: u32 = 1000;

/// What every program needs, and the workspace.
const SIMPLE: &str =
    "version: 1\nname: simple\nextends: [runtime/native]\nfilesystem:\n  write: [\"${workspace}\"]\n";

fn closes_files(ground: &Ground) -> Result<()> {
    let secret = ground.file("outside/secret.txt", "secret")?;
    let inside = ground.file("workspace/inside.txt", "inside")?;
    let (secret, inside) = (secret.to_string_lossy(), inside.to_string_lossy());
    ground.act("read", &[&secret])?.succeeded()?;
    ground.act("append", &[&secret])?.succeeded()?;

    // The file is everybody's, so that nothing but the guard is in the way.
    fs::set_permissions(&*secret, Permissions::from_mode(0o666))?;
    let guarded = |act: &str, path: &str| ground.guarded(SIMPLE)?.user(USER).act(act, &[path]);
    guarded("read", &secret)?.denied("EACCES")?;
    guarded("append", &secret)?.denied("EACCES")?;
    guarded("truncate", &secret)?.denied("EACCES")?;
    let ended = guarded("read", &inside)?;
    ended.succeeded()?;
    let start = ended.record("session_start", "simple")?;
    let landlock = &start["kernel"]["landlock_abi"];
    ensure!(
        landlock.as_u64() >= Some(u64::from(ground.facts().landlock_abi)),
        "the log says Landlock {landlock}"
    );
    ensure!(ended.of("session_end").len() == 1, "the session's end is not in the log: {ended:#?}");
    Ok(())
}

/// Does not need Landlock: seccomp is there on every kernel of the matrix.
fn closes_system_calls_and_records_them(ground: &Ground) -> Result<()> {
    ground.act("unshare", &["mount"])?.succeeded()?;
    let ended = ground.guarded(SIMPLE)?.option("--allow-degraded").act("unshare", &["mount"])?;
    ended.denied("EPERM")?;
    let record = ended.record("denial", "unshare")?;
    ensure!(record["layer"] == "seccomp", "another layer is named: {record}");
    Ok(())
}

fn refuses_without_landlock(ground: &Ground) -> Result<()> {
    let ended = ground.guarded(SIMPLE)?.user(USER).act("nothing", &[])?;
    ensure!(ended.status == Some(125) && ended.outcome.is_none(), "it was not refused: {ended:#?}");
    for needed in [
        "nothing was started",
        "Landlock is absent or disabled in this kernel",
        "Linux 5.13",
        "--allow-degraded",
    ] {
        ensure!(ended.stderr.contains(needed), "`{needed}` is not in the reason: {ended:#?}");
    }
    ensure!(ended.records.is_empty(), "a session that was not started is in the log: {ended:#?}");
    Ok(())
}

fn says_what_is_left(ground: &Ground) -> Result<()> {
    let secret = ground.file("outside/secret.txt", "secret")?;
    let ended = ground
        .guarded(SIMPLE)?
        .user(USER)
        .option("--allow-degraded")
        .act("read", &[&secret.to_string_lossy()])?;
    // Honest: the file is open, and mcpguard has said so before.
    ended.succeeded()?;
    let warned = ended.stderr.matches("not enforced here: ").count();
    let recorded = ended.of("degraded").len();
    ensure!(warned > 0 && warned == recorded, "{warned} warnings and {recorded} records: {ended:#?}");
    ensure!(ended.stderr.contains("Landlock is absent or disabled in this kernel"), "{ended:#?}");
    let start = ended.record("session_start", "simple")?;
    ensure!(
        start["degraded"].as_array().map(Vec::len) == Some(recorded),
        "the start does not name them: {start}"
    );
    ensure!(start["kernel"]["landlock_abi"] == 0 && start["kernel"]["seccomp_filter"] == true, "{start}");
    Ok(())
}

/// Linux 6.1: what may only be read can be emptied by truncate(2), which ABI 2 does not see.
fn refuses_what_abi_2_cannot(ground: &Ground) -> Result<()> {
    let ended = ground.guarded(SIMPLE)?.user(USER).act("nothing", &[])?;
    ensure!(ended.status == Some(125), "it was not refused: {ended:#?}");
    ensure!(ended.stderr.contains("Landlock ABI 2 does not see truncate(2)"), "another reason: {ended:#?}");
    let secret = ground.file("outside/secret.txt", "secret")?;
    let ended = ground
        .guarded(SIMPLE)?
        .user(USER)
        .option("--allow-degraded")
        .act("read", &[&secret.to_string_lossy()])?;
    ended.denied("EACCES")
}

fn serves_during_a_session(ground: &Ground) -> Result<()> {
    let secret = ground.file("outside/secret.txt", "secret")?;
    let inside = ground.file("workspace/inside.txt", "inside")?;
    let guarded = ground.guarded(SIMPLE)?.user(USER);
    let mut client = guarded.session()?;
    client.act("read_file", "read", &[&inside.to_string_lossy()])?.succeeded()?;
    let outcome = client.act("read_file", "read", &[&secret.to_string_lossy()])?;
    ensure!(matches!(outcome.errno(), Some("EACCES" | "EPERM")), "{outcome:?}");
    let status = client.finish()?;
    ensure!(status.success(), "the session ended with {status}");
    let calls = guarded.records()?.iter().filter(|record| record["event"] == "tool_call").count();
    ensure!(calls == 2, "{calls} calls are in the log");
    Ok(())
}

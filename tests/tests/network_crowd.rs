//! Ten thousand connections at once through the name check.

use std::os::unix::fs::MetadataExt;

use anyhow::{Context, Result, ensure};
use harness::internet::{Internet, Stood, Who, carried_by};
use harness::{note, skip};

const AT_ONCE: usize = 10_000;

/// What a connection may cost the supervisor at most, in bytes.
const MEMORY: u64 = 16 * 1024;

/// As many as a process of this user may have, and ten thousand at most.
fn at_once() -> Result<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line =
        limits.lines().find(|line| line.starts_with("Max open files")).context("no limit of open files")?;
    let hard: usize = line.split_whitespace().rev().nth(1).context("no hard limit")?.parse()?;
    Ok(AT_ONCE.min(carried_by(hard)))
}

fn check(internet: &Internet, who: Option<Who>, count: usize) -> Result<()> {
    let Some(Stood { took, bytes }) = internet.throng(who, count)? else {
        skip(&format!("domain rules for {who:?}"));
        return Ok(());
    };
    if who.is_some() {
        let seconds = took.as_secs_f32();
        note(&format!(
            "{who:?}: {count} connections at once in {seconds:.1} s, {bytes} bytes each in the supervisor"
        ));
        ensure!(bytes <= MEMORY, "{who:?}: {bytes} bytes a connection");
    }
    Ok(())
}

#[test]
fn ten_thousand_connections_stand_at_once() -> Result<()> {
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        skip("root, who can make network namespaces");
        return Ok(());
    }
    let count = at_once()?;
    if count < AT_ONCE {
        skip(&format!(
            "more than {count} connections: this user may not have as many open files (a virtual machine has all of them)"
        ));
    }
    let internet = Internet::raise()?;
    [None, Some(Who::User), Some(Who::Root)].into_iter().try_for_each(|who| check(&internet, who, count))
}

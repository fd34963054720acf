//! The test internet: every trick works without a guard, and none with one.
//!
//! The table itself is printed by `cargo xtask tricks`; the tricks are data in `tests/src/internet/tricks`.

use std::os::unix::fs::MetadataExt;

use anyhow::{Result, ensure};
use harness::internet::{Backend, Internet, Report, Trick, Wire, all, table, table_in, table_with};
use harness::skip;

/// Namespaces are root's to make.
fn is_root() -> Result<bool> {
    let root = std::fs::metadata("/proc/self")?.uid() == 0;
    if !root {
        skip("root, who can make network namespaces");
    }
    Ok(root)
}

fn is_right(report: &Report) -> Result<()> {
    ensure!(report.wrong().is_empty(), "{}\n{}", report.text(), report.wrong().join("\n"));
    Ok(())
}

/// What a host cannot enforce is refused at the start; the test is then skipped aloud, with the reason.
fn is_denied(backend: Backend) -> Result<()> {
    if !is_root()? {
        return Ok(());
    }
    match table(&[backend], &all()) {
        Ok(report) => is_right(&report),
        Err(error) => {
            let text = format!("{error:#}");
            let refused = text.contains("cannot be enforced on this host")
                && text.contains("`network.allowed_domains: ");
            ensure!(refused, "{text}");
            skip(&format!("domain rules by {}", backend.name()));
            Ok(())
        }
    }
}

#[test]
fn every_trick_works_without_a_guard() -> Result<()> {
    if !is_root()? {
        return Ok(());
    }
    let report = table(&[Backend::Bare], &all())?;
    is_right(&report)?;
    let classes = report.classes();
    ensure!(
        (1..=10).chain([34]).all(|class| classes.contains(&class)),
        "not every class is proved: {classes:?}"
    );
    ensure!(report.proved() >= 30, "{}", report.summary());
    Ok(())
}

#[test]
fn no_trick_works_for_a_user_under_a_guard() -> Result<()> {
    is_denied(Backend::Notify)
}

#[test]
fn no_trick_works_for_root_under_a_guard() -> Result<()> {
    is_denied(Backend::Ebpf)
}

/// As on a kernel without pairs of interfaces.
#[test]
fn the_internet_stands_on_one_namespace_too() -> Result<()> {
    if !is_root()? {
        return Ok(());
    }
    let report = table_in(&Internet::by(Wire::Loopback)?, &[Backend::Bare], &all())?;
    is_right(&report)
}

/// A table that finds nothing wrong with a guard that guards nothing would be no proof.
#[test]
fn a_trick_that_works_is_told() -> Result<()> {
    if !is_root()? {
        return Ok(());
    }
    // By address: a policy without names has no resolver.
    let by_address = |trick: &Trick| trick.class == 34 && trick.name.ends_with("by its address");
    let tricks: Vec<Trick> = all().into_iter().filter(by_address).collect();
    ensure!(!tricks.is_empty(), "no such trick is left");
    let open = table_with(&[Backend::Notify], &tricks, &["--allow-degraded"], OPEN)?;
    ensure!(open.wrong().len() == tricks.len(), "{}", open.text());
    Ok(())
}

/// Everything on the web's ports, by address.
const OPEN: &str = "network:\n  allowed_cidrs: [0.0.0.0/0, \"::/0\"]\n  allowed_ports: [80, 443]\n";

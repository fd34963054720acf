//! `cargo xtask tidy`: the rules of the house that no compiler checks, one file a rule.
//!
//! Each rule is a function from text to findings, tested with small texts of its own; only this file reads the
//! checkout.

mod crate_docs;
mod dependencies;
mod lengths;
mod manifests;
mod paths;
mod places;
mod purity;
mod source;
mod unsafety;

use std::fmt;
use std::process::Command;

use anyhow::{Result, bail};

use crate::checkout::Checkout;
use crate::{dist, schema, step};

/// Options of `cargo xtask tidy`.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Only the rules of the house: without rustfmt, clippy and musl
    #[arg(long)]
    quick: bool,
    /// Without compiling for musl: every library once more, which takes minutes in a fresh clone
    #[arg(long)]
    no_musl: bool,
    /// Also cargo-deny: licences, advisories, sources; fails where cargo-deny is not installed
    #[arg(long)]
    deny: bool,
}

impl Options {
    /// What belongs to the tests of every change.
    pub(crate) fn of_tests() -> Self {
        Self { no_musl: true, ..Self::default() }
    }
}

/// One breach of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    file: String,
    /// From 1.
    line: usize,
    text: String,
    fatal: bool,
}

impl Finding {
    fn at(file: &str, line: usize, text: String) -> Self {
        Self { file: file.to_owned(), line, text, fatal: true }
    }

    fn warning(file: &str, line: usize, text: String) -> Self {
        Self { fatal: false, ..Self::at(file, line, text) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, text, fatal } = self;
        let weight = if *fatal { "error" } else { "warning" };
        write!(f, "{file}:{line}: {weight}: {text}")
    }
}

/// Checks everything, says everything, and fails at the end if anything is wrong.
pub(crate) fn run(checkout: &Checkout, options: &Options) -> Result<()> {
    let mut findings = house(checkout)?;
    findings.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    findings.iter().for_each(|finding| eprintln!("{finding}"));
    let mut broken = findings.iter().filter(|finding| finding.fatal).count();
    if let Err(stale) = schema::run(checkout, &schema::Options { check: true }) {
        eprintln!("{stale:#}");
        broken += 1;
    }
    if !options.quick {
        broken += usize::from(!passes("rustfmt", checkout.cargo().args(["fmt", "--all", "--check"])));
        let mut clippy = checkout.cargo();
        clippy.args(["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"]);
        broken += usize::from(!passes("clippy", &mut clippy));
        match options.no_musl {
            true => eprintln!(
                "NOT RUN: tidy: musl, as asked; `cargo xtask tidy` and `cargo xtask dist` compile for it"
            ),
            false => broken += usize::from(!compiles_with_musl(checkout)),
        }
    }
    if options.deny {
        broken +=
            usize::from(!passes("cargo-deny", checkout.cargo().args(["deny", "--all-features", "check"])));
    }
    if broken > 0 {
        bail!("{broken} rule(s) of the house are broken");
    }
    Ok(())
}

/// The binary that is given out is linked with musl (`cargo xtask dist`), whose types are others in places, and nobody else
/// compiles for it.
fn compiles_with_musl(checkout: &Checkout) -> bool {
    if let Err(error) = dist::standard_library() {
        eprintln!("tidy: musl: skipped, there is no standard library for {}: {error:#}", dist::TARGET);
        return true;
    }
    let mut check = checkout.cargo();
    check.args(["check", "--quiet", "--package", "mcpguard", "--target", dist::TARGET]);
    passes("musl", &mut check)
}

fn passes(what: &str, command: &mut Command) -> bool {
    step::shown(&format!("tidy: {what}"), command).map_err(|error| eprintln!("{error:#}")).is_ok()
}

/// The findings of every rule over every tracked file.
fn house(checkout: &Checkout) -> Result<Vec<Finding>> {
    let metadata = ["metadata", "--no-deps", "--format-version", "1"];
    let metadata = step::read("tidy: cargo metadata", checkout.cargo().args(metadata))?;
    let mut found = dependencies::check(&metadata)?;
    for file in tracked(checkout)? {
        let Ok(bytes) = std::fs::read(checkout.root().join(&file)) else { continue };
        let Ok(text) = String::from_utf8(bytes) else { continue };
        found.extend(places::check(&file, &text, checkout.root()));
        if file.ends_with("Cargo.toml") {
            found.extend(manifests::check(&file, &text));
        }
        if file.ends_with(".rs") {
            found.extend(rust(&file, &text));
        }
    }
    Ok(found)
}

fn rust(file: &str, text: &str) -> Vec<Finding> {
    let mut found = lengths::check(file, text);
    found.extend(unsafety::check(file, text));
    if is_root(file) {
        found.extend(crate_docs::check(file, text));
        found.extend(unsafety::check_root(file, text));
    }
    if is_pure(file) {
        found.extend(purity::check(file, text));
    }
    found
}

fn is_root(file: &str) -> bool {
    file.ends_with("/src/lib.rs") || file.ends_with("/src/main.rs")
}

/// The sources of `policy`, `mcp` and `control`; what only their tests compile may do as it likes.
fn is_pure(file: &str) -> bool {
    let sources = ["supervisor/policy/src/", "supervisor/mcp/src/", "supervisor/control/src/"];
    sources.iter().any(|source| file.starts_with(source))
        && !file.ends_with("/tests.rs")
        && !file.contains("/tests/")
}

/// What git tracks or would track.
fn tracked(checkout: &Checkout) -> Result<Vec<String>> {
    let mut git = Command::new("git");
    git.current_dir(checkout.root()).args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
    Ok(step::read("tidy: git ls-files", &mut git)?.split_terminator('\0').map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::{is_pure, is_root};

    #[test]
    fn rules_apply_where_they_belong() {
        assert!(is_pure("supervisor/policy/src/plan/mod.rs") && is_pure("supervisor/mcp/src/lib.rs"));
        assert!(is_pure("supervisor/control/src/rights.rs"));
        assert!(!is_pure("supervisor/mcp/src/frames/tests.rs") && !is_pure("supervisor/audit/src/lib.rs"));
        assert!(
            is_root("tests/src/lib.rs") && is_root("xtask/src/main.rs") && !is_root("xtask/src/tidy/mod.rs")
        );
    }
}

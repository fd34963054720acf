//! What the server must not be able to rewrite: its own audit log, and its own policy.

use std::path::Path;

use anyhow::ensure;
use policy::Plan;
use policy::plan::AbsolutePath;

use crate::host::real;

/// Refuses a log that the server could rewrite.
///
/// # Errors
/// The policy lets the server write where the log is.
pub(super) fn log_is_out_of_reach(plan: &Plan, log: &Path) -> anyhow::Result<()> {
    ensure!(
        !writable(plan, log),
        "the audit log {} lies where the policy lets the server write, so it would prove nothing; \
         name another place by --audit or the policy's audit.path",
        log.display()
    );
    Ok(())
}

/// Refuses a lock file that the server could rewrite.
///
/// # Errors
/// The policy lets the server write where it is.
pub(super) fn pins_are_out_of_reach(plan: &Plan, file: &Path) -> anyhow::Result<()> {
    ensure!(
        !writable(plan, file),
        "{} lies where the policy lets the server write, so it would pin nothing; name another place by the policy's pins.lock",
        file.display()
    );
    Ok(())
}

/// Whether the policy file is one that the server could rewrite for its next start.
pub(super) fn policy_is_in_reach(plan: &Plan, source: &str) -> bool {
    Path::new(source).is_file() && writable(plan, Path::new(source))
}

fn writable(plan: &Plan, path: &Path) -> bool {
    let rule = AbsolutePath::new(real(path)).and_then(|path| plan.files.decisive(&path).cloned());
    rule.is_some_and(|rule| !rule.write.is_empty())
}

//! What the session's server was when somebody looked at it: read at the start, and kept up to date.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use mcp::{Fact, Pinning};
use pins::{Lock, Surface};

use super::reach;
use crate::compose::Composed;
use crate::pinned::{self, Seen};
use crate::terminal;

/// Keeps the lock file and what is seen.
pub(super) struct Pinner {
    policy: String,
    lock: PathBuf,
    seen: PathBuf,
}

impl Pinner {
    /// For a policy with pins; otherwise there is none.
    ///
    /// # Errors
    /// The lock file cannot be read, or the server could write it.
    pub(super) fn open(composed: &Composed) -> anyhow::Result<Option<(Self, Pinning)>> {
        let plan = &composed.plan;
        let Some(pins) = &plan.pins else { return Ok(None) };
        let lock = match &pins.lock {
            Some(path) => path.as_path().to_owned(),
            None => pinned::default_lock()?,
        };
        let seen = Seen::place(&plan.name)?;
        [&lock, &seen].into_iter().try_for_each(|path| reach::pins_are_out_of_reach(plan, path))?;
        let identity = composed.command.as_ref().map(pinned::identity).unwrap_or_default();
        let pinning = Pinning { name: plan.name.clone(), lock: pinned::read(&lock)?, identity };
        Ok(Some((Self { policy: plan.name.clone(), lock, seen }, pinning)))
    }

    /// The lock file as it is now.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn read(&self) -> anyhow::Result<Lock> {
        pinned::read(&self.lock)
    }

    /// A fact of the doorman's: what is met for the first time is remembered, and what has changed is told.
    pub(super) fn note(&self, fact: &Fact, session: &str) {
        let done = match fact {
            Fact::ServerPinned { surface, .. } => self.remember(surface),
            Fact::ServerChanged { surface, report, closed, all_closed, .. } => {
                self.warn(report, closed, *all_closed);
                let seen = Seen::new(self.lock.clone(), session.to_owned(), surface.clone());
                seen.leave(&self.seen)
            }
            _ => Ok(()),
        };
        if let Err(error) = done {
            terminal::warning(&format!("pins: {error:#}"));
        }
    }

    /// Only what the lock file still does not know: another session may have been first.
    fn remember(&self, surface: &str) -> anyhow::Result<()> {
        let surface = Surface::from_json(surface).context("what the server shows cannot be remembered")?;
        pinned::change(&self.lock, |lock| {
            let changed = lock.server(&self.policy).is_some_and(|pinned| {
                let report = pins::compare_server(pinned, &surface, &|_| None);
                // What a server says of itself may be met for the first time after its lists.
                let new =
                    |entry: &pins::Entry| entry.fate != pins::Fate::Added || pinned.is_listed(entry.list);
                report.entries.iter().any(new) || (!report.server.is_empty() && pinned.told().is_some())
            });
            ensure!(
                !changed,
                "another session has met the server otherwise, so that what this one was shown is not remembered; the next \
                 one is compared with what is pinned"
            );
            Ok(lock.accept(&self.policy, &surface)?)
        })
    }

    fn warn(&self, report: &str, closed: &[String], all_closed: bool) {
        let what = match (all_closed, closed.len()) {
            (true, _) => "all of it is closed".to_owned(),
            (false, 0) => "nothing is closed".to_owned(),
            (false, 1) => "1 tool or prompt is closed".to_owned(),
            (false, many) => format!("{many} tools and prompts are closed"),
        };
        let report = audit::for_people(report.trim_end()).replace('\n', "\n  ");
        terminal::warning(&format!(
            "the server is not what it was when somebody accepted it; {what}. `mcpguard pin diff {policy}` shows it, `mcpguard pin accept \
             {policy}` accepts it\n  {report}",
            policy = self.policy,
        ));
    }
}

#[cfg(test)]
mod tests {
    use pins::{List, Surface, Tool};

    use super::Pinner;
    use crate::pinned;

    fn shown(tools: &[&str]) -> Surface {
        let mut surface = Surface::default();
        for name in tools {
            let raw = format!(r#"{{"name":"{name}"}}"#);
            surface.add_tool(Tool::read(serde_json::from_str(&raw).unwrap()).unwrap()).unwrap();
        }
        surface
    }

    #[test]
    fn what_another_session_has_pinned_whole_is_not_added_to() {
        let directory = tempfile::tempdir().unwrap();
        let lock = directory.path().join("mcpguard.lock");
        let seen = directory.path().join("seen.json");
        let pinner = Pinner { policy: "s".to_owned(), lock: lock.clone(), seen };
        let known = || pinned::read(&lock).unwrap().server("s").unwrap().tools().len();
        pinner.remember(&shown(&["a"]).to_json()).unwrap();
        // Two sessions that meet it at once, page by page.
        pinner.remember(&shown(&["a", "b"]).to_json()).unwrap();
        assert_eq!(known(), 2);
        let mut whole = shown(&["a", "b"]);
        whole.complete(List::Tools);
        pinner.remember(&whole.to_json()).unwrap();
        let told = pinner.remember(&shown(&["a", "evil"]).to_json()).unwrap_err().to_string();
        assert!(told.contains("met the server otherwise"), "{told}");
        pinner.remember(&whole.to_json()).unwrap();
        assert_eq!(known(), 2);
    }
}

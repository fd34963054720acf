//! A case: a name, what it needs, and a function. Which of them a job runs is computed from the job alone.

use anyhow::{Context, Result};

use crate::cases;
use crate::ground::Ground;
use crate::job::{JOB, Job, Machine};
use crate::need::{Met, Need};
use crate::report::Listed;

/// One test.
pub(crate) struct Case {
    /// `area/what_is_shown`.
    pub(crate) name: &'static str,
    /// What the kernel must have, or must lack.
    pub(crate) needs: &'static [Need],
    /// The hardware it is made for.
    pub(crate) on: On,
    /// Seconds that it takes under emulation; its deadline is a multiple.
    pub(crate) seconds: u32,
    /// It takes minutes and shows nothing of one kernel alone: it runs only where `--filter` names it.
    pub(crate) on_request: bool,
    /// The test.
    pub(crate) run: fn(&Ground) -> Result<()>,
}

/// Where a case runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// On every machine.
    Every,
    /// On this one only.
    Only(Machine),
}

impl Case {
    /// A case for the plain machine that needs a second and nothing of the kernel.
    pub(crate) const fn new(name: &'static str, run: fn(&Ground) -> Result<()>) -> Self {
        Self { name, needs: &[], on: On::Only(Machine::Plain), seconds: 1, on_request: false, run }
    }

    /// With what the kernel must have, or must lack.
    pub(crate) const fn needs(self, needs: &'static [Need]) -> Self {
        Self { needs, ..self }
    }

    /// On another machine than the plain one.
    pub(crate) const fn on(self, on: On) -> Self {
        Self { on, ..self }
    }

    /// With another duration than one second.
    pub(crate) const fn seconds(self, seconds: u32) -> Self {
        Self { seconds, ..self }
    }

    /// Only where `--filter` names it.
    pub(crate) const fn on_request(self) -> Self {
        Self { on_request: true, ..self }
    }

    fn area(&self) -> &'static str {
        self.name.split('/').next().unwrap_or(self.name)
    }

    /// Whether the case exists for the job, and the reason if it is skipped there.
    fn listed(&self, job: &Job) -> Option<Listed> {
        let here = self.on == On::Every || self.on == On::Only(job.machine);
        let wanted = job.areas.is_empty() || job.areas.iter().any(|area| area == self.area());
        let asked = !self.on_request || !job.filter.is_empty();
        if !here || !wanted || !asked || !self.name.contains(&job.filter) {
            return None;
        }
        let met: Vec<(Need, Met)> = self.needs.iter().map(|need| (*need, need.on(&job.facts))).collect();
        if met.iter().any(|(_, met)| *met == Met::BesideThePoint) {
            return None;
        }
        let missing = met.iter().find(|(_, met)| *met == Met::Missing).map(|(need, _)| need.to_string());
        Some(Listed { case: self.name.to_owned(), seconds: self.seconds, skip: missing })
    }
}

/// The cases of a job, in the order in which they run.
pub(crate) fn list(job: &Job) -> Vec<Listed> {
    cases::ALL.iter().copied().flatten().filter_map(|case| case.listed(job)).collect()
}

/// `init --list JOB`.
pub(crate) fn print_list(job: &str) -> Result<()> {
    println!("{}", serde_json::to_string(&list(&Job::read(job)?))?);
    Ok(())
}

/// `init --test NAME`.
pub(crate) fn run(name: &str) -> Result<()> {
    let mut all = cases::ALL.iter().copied().flatten();
    let case = all.find(|case| case.name == name).with_context(|| format!("there is no case {name}"))?;
    (case.run)(&Ground::prepare(Job::read(JOB)?, name)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_have_an_area() {
        let names: Vec<_> = cases::ALL.iter().copied().flatten().map(|case| case.name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        assert!(names.iter().all(|name| name.split('/').count() == 2), "{names:?}");
    }
}

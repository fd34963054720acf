//! Several machines at a time, the longest first, all within one budget.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};

use super::cache::Cache;
use super::job::Job;
use super::machine::{self, Remains};
use super::options::Options;
use super::qemu::Qemu;
use super::verdict::{Verdict, judge};

/// How much of a console is shown after a failure.
const TAIL: usize = 60;

/// Runs all jobs; an error only where a machine could not be started at all.
pub(super) fn run(jobs: Vec<Job>, qemu: &Qemu, cache: &Cache, options: &Options) -> Result<Vec<Verdict>> {
    let until = Instant::now() + options.budget;
    let total = jobs.len();
    let waiting = Mutex::new(jobs.into_iter().collect::<VecDeque<_>>());
    let take = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let worker = || -> Result<Vec<Verdict>> {
        let mut verdicts = Vec::new();
        while let Some(job) = take() {
            let remains = machine::run(&job, qemu, cache, until).with_context(|| job.name.clone())?;
            let verdict = judge(&job.cases, &remains.results, &remains.end, job.exit_by_port);
            tell(&job, &verdict, &remains);
            clean(&verdict, &remains, options)?;
            verdicts.push(verdict);
        }
        Ok(verdicts)
    };
    // Each worker lives as long as its machines, which are bound to the life of the thread that started them.
    let begun = Instant::now();
    let gathered: Vec<Result<Vec<Verdict>>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..options.jobs.max(1)).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a worker panicked"))))
            .collect()
    });
    eprintln!("{total} machines in {:.0} s", begun.elapsed().as_secs_f64());
    Ok(gathered.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// One block a machine, written at once so that machines do not mix.
fn tell(job: &Job, verdict: &Verdict, remains: &Remains) {
    let mut text = format!(
        "{} {:24} {} in {:.1} s ({})\n",
        if verdict.is_green() { "ok    " } else { "FAILED" },
        job.name,
        verdict.count,
        remains.took.as_secs_f64(),
        job.kernel.package,
    );
    for (lack, cases) in &verdict.skips {
        text +=
            &format!("    skipped {} because this kernel lacks {lack}: {}\n", cases.len(), cases.join(", "));
    }
    verdict.figures.iter().for_each(|figure| text += &format!("    figure  {figure}\n"));
    let mut durations = verdict.durations.clone();
    durations.sort_unstable_by(|a, b| b.cmp(a));
    durations
        .iter()
        .take(3)
        .filter(|(ms, _)| *ms > 3000)
        .for_each(|(ms, case)| text += &format!("    slow    {case}: {ms} ms\n"));
    verdict.problems.iter().for_each(|problem| text += &format!("    {problem}\n"));
    if !verdict.is_green() {
        text +=
            &format!("    the end of the console ({}):\n", remains.directory.join("console.log").display());
        let lines: Vec<&str> = remains.console.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..]
            .iter()
            .for_each(|line| text += &format!("      | {line}\n"));
    }
    eprint!("{text}");
}

fn clean(verdict: &Verdict, remains: &Remains, options: &Options) -> Result<()> {
    if verdict.is_green() && !options.keep {
        return std::fs::remove_dir_all(&remains.directory).context("cannot remove what a machine left");
    }
    eprintln!("    kept: {}", remains.directory.display());
    Ok(())
}

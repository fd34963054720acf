//! The limits of a group that is there already: read, and changed all or none.

use policy::limits::MOST_MEMORY_BYTES;
use policy::plan::LimitsPlan;

use super::group::Group;
use super::layout::{Layout, Missing};
use super::mounts::Version;
use super::seat::Seat;
use super::settings::{self, Absent, Setting};
use super::{Controller, GroupError};

/// One file that gets another value.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Change<D> {
    directory: D,
    file: &'static str,
    from: String,
    to: String,
}

impl Group {
    /// What the group is held to. Absent: no limit, or no controller that could set one here.
    ///
    /// # Errors
    /// A file that is there cannot be read.
    pub(crate) fn limits(&self) -> Result<LimitsPlan, GroupError> {
        let read = |controller| self.limit_of(controller);
        let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(LimitsPlan {
            memory_bytes: read(Controller::Memory)?,
            max_processes: read(Controller::Pids)?.map(small),
            cpu_millis: read(Controller::Cpu)?.map(small),
            ..LimitsPlan::default()
        })
    }

    fn limit_of(&self, controller: Controller) -> Result<Option<u64>, GroupError> {
        let Some(seat) = self.seat_of(controller) else { return Ok(None) };
        let read = |file| seat.directory.read(file);
        Ok(match (controller, seat.version) {
            (Controller::Cpu, Version::Unified) => share(&read("cpu.max")?),
            (Controller::Cpu, Version::Legacy) => {
                share(&format!("{} {}", read("cpu.cfs_quota_us")?.trim(), read("cpu.cfs_period_us")?))
            }
            (_, version) => number(&read(main_file(controller, version))?),
        })
    }

    /// Sets the limits that the plan has, and leaves the others as they are. Everything that can be known is looked at
    /// before anything is written; when a write fails, what was written before it gets its old value again.
    ///
    /// # Errors
    /// [`GroupError::Missing`]: the group has no controller for one of them, and nothing was changed.
    /// [`GroupError::Half`]: neither the new value nor the old one could be written.
    pub(crate) fn change(&self, layout: &Layout, plan: &LimitsPlan) -> Result<(), GroupError> {
        let mut changes = Vec::new();
        for controller in settings::needed(plan) {
            let seat = self.seat_of(controller).ok_or_else(|| missing(layout, controller))?;
            let mut settings = settings::of(controller, seat.version, plan)?;
            if controller == Controller::Memory && self.is_raised(plan)? {
                // Version 1 takes no limit of memory above that of memory and swap together.
                settings.reverse();
            }
            for Setting { file, value, absent } in settings {
                if absent == Absent::Refuse || seat.directory.has(file) {
                    let from = seat.directory.read(file)?.trim().to_owned();
                    changes.push(Change { directory: &seat.directory, file, from, to: value });
                }
            }
        }
        all_or_none(&changes, |change, value| change.directory.write(change.file, value))
    }

    fn is_raised(&self, plan: &LimitsPlan) -> Result<bool, GroupError> {
        let now = self.limit_of(Controller::Memory)?;
        Ok(now.zip(plan.memory_bytes).is_some_and(|(now, wanted)| wanted > now))
    }

    /// Where the group has a controller. Whether it was made with it or not: another session may have had it switched on.
    fn seat_of(&self, controller: Controller) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.directory.has(main_file(controller, seat.version)))
    }
}

/// The file of a controller that is there if its limit can be set.
fn main_file(controller: Controller, version: Version) -> &'static str {
    match (version, controller) {
        (Version::Legacy, _) => controller.legacy_file(),
        (Version::Unified, Controller::Memory) => "memory.max",
        (Version::Unified, Controller::Pids) => "pids.max",
        (Version::Unified, Controller::Cpu) => "cpu.max",
        (Version::Unified, Controller::Io) => "io.max",
    }
}

/// A controller that this group has not: because nobody can have it, or because it was made without it. It is not
/// switched on now: memory that the group has already would never be counted.
fn missing(layout: &Layout, controller: Controller) -> GroupError {
    let known = layout.place(controller).err();
    let Missing { reason, remedy } = known.unwrap_or_else(|| Missing {
        reason: "the session's control group was made without it".to_owned(),
        remedy: format!("give its policy `execution.{}` and start it again", key(controller)),
    });
    GroupError::Missing { controller, reason, remedy }
}

fn key(controller: Controller) -> &'static str {
    match controller {
        Controller::Memory => "memory_limit",
        Controller::Pids => "max_processes",
        Controller::Cpu => "cpus",
        Controller::Io => "io",
    }
}

/// A count. `max`, and what is more than anybody can ask for (version 1's word for it: nearly 2⁶³), are no limit.
fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok().filter(|number| *number <= MOST_MEMORY_BYTES)
}

/// `quota period`, in microseconds, as thousandths of a processor. `max` and -1 are no limit.
fn share(text: &str) -> Option<u64> {
    let mut parts = text.split_ascii_whitespace().map(str::parse::<u64>);
    let (quota, period) = (parts.next()?.ok()?, parts.next()?.ok()?);
    quota.checked_mul(1000)?.checked_div(period)
}

/// Writes every change. On an error those that were written are taken back, the last one first.
fn all_or_none<D>(
    changes: &[Change<D>],
    mut write: impl FnMut(&Change<D>, &str) -> Result<(), GroupError>,
) -> Result<(), GroupError> {
    for (at, change) in changes.iter().enumerate() {
        let Err(error) = write(change, &change.to) else { continue };
        // Every one of them is tried: what can be put back is.
        let back = changes[..at].iter().rev().map(|before| (before.file, write(before, &before.from)));
        let stuck: Vec<&str> = back.filter(|(_, put)| put.is_err()).map(|(file, _)| file).collect();
        return Err(match stuck.is_empty() {
            true => error,
            false => GroupError::Half { error: Box::new(error), files: stuck.join(", ") },
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use nix::errno::Errno;

    use super::*;

    fn change(file: &'static str, from: &str, to: &str) -> Change<()> {
        Change { directory: (), file, from: from.to_owned(), to: to.to_owned() }
    }

    /// Does it to files in memory, of which some refuse some values.
    fn done(refused: &[(&str, &str)]) -> (Result<(), GroupError>, BTreeMap<&'static str, String>) {
        let changes = [change("a", "1", "2"), change("b", "3", "4"), change("c", "5", "6")];
        let mut files: BTreeMap<_, _> = changes.iter().map(|it| (it.file, it.from.clone())).collect();
        let outcome = all_or_none(&changes, |change, value| {
            if refused.contains(&(change.file, value)) {
                return Err(GroupError::file("written", change.file, Errno::EINVAL));
            }
            files.insert(change.file, value.to_owned());
            Ok(())
        });
        (outcome, files)
    }

    fn values(files: &BTreeMap<&'static str, String>) -> Vec<String> {
        files.values().cloned().collect()
    }

    #[test]
    fn all_are_written_or_none() {
        let (outcome, files) = done(&[]);
        assert!(outcome.is_ok());
        assert_eq!(values(&files), ["2", "4", "6"]);
        for refused in [("a", "2"), ("b", "4"), ("c", "6")] {
            let (outcome, files) = done(&[refused]);
            assert!(matches!(outcome, Err(GroupError::File { .. })), "{refused:?}");
            assert_eq!(values(&files), ["1", "3", "5"], "{refused:?}");
        }
    }

    #[test]
    fn what_cannot_be_put_back_is_said_and_the_rest_is() {
        let (outcome, files) = done(&[("c", "6"), ("b", "3")]);
        let sentence = outcome.expect_err("it is half done").to_string();
        assert!(sentence.contains("c cannot be written") && sentence.contains("b stays"), "{sentence}");
        assert_eq!(values(&files), ["1", "4", "5"]);
    }

    #[test]
    fn the_kernels_words_are_read() {
        for (text, limit) in
            [("max\n", None), ("0\n", Some(0)), ("9223372036854771712\n", None), ("64\n", Some(64))]
        {
            assert_eq!(number(text), limit, "{text}");
        }
        let shares =
            [("max 100000\n", None), ("50000 100000\n", Some(500)), ("-1 100000\n", None), ("1 0", None)];
        for (text, millis) in shares {
            assert_eq!(share(text), millis, "{text}");
        }
    }
}

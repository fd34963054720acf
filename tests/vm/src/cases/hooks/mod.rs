//! Each hook and each program on control groups by itself: the layer without Landlock, seccomp and dropped privileges.
//! Tables of attacks and chapters of their own; a hook that none of them is about fails a unit test here.
//!
//! To load the layer is by far the longest part, so that one case goes through all chapters and tells all that is wrong.

pub(super) mod bench;
mod changes;
mod deaths;
mod files;
mod networks;
mod rates;
mod rows;
mod scene;
mod system;
mod tasks;

use std::fmt::Write as _;

use anyhow::{Result, ensure};

use super::cost;
use crate::case::{Case, On};
use crate::ground::Ground;
use crate::job::Machine;
use crate::need::Need;
use bench::{Bench, Senders};

const NEEDS: &[Need] = &[Need::Hooks];

pub(super) const CASES: &[Case] = &[
    Case::new("hooks/each_alone", |ground| read(ground, Senders::Denied, CHAPTERS)).needs(NEEDS).seconds(150),
    Case::new("hooks/senders_are_killed", |ground| read(ground, Senders::Killed, SENDERS))
        .needs(NEEDS)
        .seconds(40),
    Case::new("hooks/orphans_are_denied", deaths::orphans_are_denied).needs(NEEDS).seconds(40),
    Case::new("hooks/exact_on_two_processors", |ground| read(ground, Senders::Denied, CONCURRENT))
        .needs(NEEDS)
        .on(On::Only(Machine::Smp))
        .seconds(60),
];

/// What is shown, on a layer that is loaded.
type Chapter = (&'static str, fn(&Ground, &mut Bench) -> Result<()>);

const CHAPTERS: &[Chapter] = &[
    ("opening", |ground, bench| rows::run(ground, bench, files::OPENING)),
    ("running", |ground, bench| rows::run(ground, bench, files::RUNNING)),
    ("changing", |ground, bench| rows::run(ground, bench, changes::CHANGING)),
    ("reaching", |ground, bench| rows::run(ground, bench, networks::REACHING)),
    ("sockets", |ground, bench| rows::run(ground, bench, networks::SOCKETS)),
    ("system", |ground, bench| rows::run(ground, bench, system::SYSTEM)),
    ("marks begin with execve", tasks::marks_begin_with_execve),
    ("loaders are no programs", tasks::loaders_are_no_programs),
    ("scripts are their interpreters", tasks::scripts_are_their_interpreters),
    ("descriptors from outside", tasks::descriptors_from_outside),
    ("leaving the group kills", tasks::leaving_the_group_kills),
    ("groups have no children", tasks::groups_have_no_children),
    ("strangers in the group are killed", tasks::strangers_in_the_group_are_killed),
    ("nobody outside is touched", tasks::nobody_outside_is_touched),
    ("as many as tokens", rates::as_many_as_tokens),
    ("bytes are counted", rates::bytes_are_counted),
    ("tokens come back", rates::tokens_come_back),
    ("calls spend what they have", rates::calls_spend_what_they_have),
    ("repeated denials kill", rates::repeated_denials_kill),
    ("floods hide nothing", rates::floods_hide_nothing),
    ("grants without system calls", cost::grants_without_system_calls),
];

/// With the program that judges every `sendmsg`, for policies that kill.
const SENDERS: &[Chapter] = &[
    ("sending", |ground, bench| rows::run(ground, bench, networks::SENDING)),
    ("nobody outside is touched", tasks::nobody_outside_is_touched),
];

/// Where threads really meet.
const CONCURRENT: &[Chapter] = &[
    ("exact under concurrency", rates::exact_under_concurrency),
    ("calls spend what they have", rates::calls_spend_what_they_have),
    ("floods hide nothing", rates::floods_hide_nothing),
];

/// Loads the layer, goes through all chapters, and tells all that went wrong together.
fn read(ground: &Ground, senders: Senders, chapters: &[Chapter]) -> Result<()> {
    let mut bench = Bench::load(senders)?;
    // What was pinned goes in the background.
    bench.layer.pin()?;
    let mut wrong = String::new();
    for (name, chapter) in chapters {
        if let Err(error) = chapter(ground, &mut bench) {
            writeln!(wrong, "{name}: {error:#}")?;
        }
    }
    if let Err(error) = bench.nothing_was_skipped() {
        writeln!(wrong, "{error:#}")?;
    }
    ensure!(wrong.is_empty(), "{wrong}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hooks that chapters of their own are about, in `tasks.rs`.
    const ELSEWHERE: &[&str] = &["bprm_creds_for_exec", "file_receive"];
    /// Programs on control groups.
    const GROUPS: &[&str] = &["connect4", "connect6", "sendmsg4", "sendmsg6", "bind4", "bind6", "egress"];

    fn all() -> impl Iterator<Item = &'static rows::Row> {
        let tables = [
            files::OPENING,
            files::RUNNING,
            changes::CHANGING,
            networks::REACHING,
            networks::SOCKETS,
            networks::SENDING,
            system::SYSTEM,
        ];
        tables.into_iter().flatten()
    }

    #[test]
    fn every_hook_has_an_attack() {
        let hooks = abi::HOOKS.iter().map(|hook| hook.name);
        for hook in hooks.chain(GROUPS.iter().copied()).filter(|hook| !ELSEWHERE.contains(hook)) {
            assert!(all().any(|row| row.hook == hook), "no row is about {hook}");
        }
    }

    #[test]
    fn every_row_is_about_something_that_is_there() {
        let known = |name: &str| abi::HOOKS.iter().any(|hook| hook.name == name) || GROUPS.contains(&name);
        for row in all() {
            assert!(known(row.hook), "there is no hook {}", row.hook);
            assert!(!row.kinds.is_empty(), "{:?} says nothing about its event", row.words);
        }
    }
}

//! A row of a table of attacks: bare it succeeds; in a session it is denied and told; where the policy kills, the process
//! is dead before its system call returns.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use abi::{Action, EventKind, session_flags};
use anyhow::{Context, Result, bail, ensure};
use enforce::Pid;
use enforce::bpf::Event;

use super::bench::{self, Bench, Inside, Room};
use super::scene::{self, Scene};
use crate::actor::Outcome;
use crate::ground::Ground;

/// What the attacker wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// To learn a secret.
    Read,
    /// To have it done: the act succeeds.
    Do,
    /// To run code: the act answers with this number.
    Run(u64),
    /// That a stream arrives at this address.
    Stream(&'static str),
    /// That a datagram arrives at this address.
    Datagram(&'static str),
    /// That a packet leaves for the first hop of a source route.
    Route,
}

/// Which flag of the session lets a denial kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kills {
    /// Denied files.
    File,
    /// Denied connections and sockets.
    Network,
    /// Denied programs and code.
    Exec,
    /// No policy kills for it.
    Never,
}

impl Kills {
    fn flag(self) -> u32 {
        match self {
            Self::File => session_flags::KILL_FILE,
            Self::Network => session_flags::KILL_NETWORK,
            Self::Exec => session_flags::KILL_EXEC,
            Self::Never => 0,
        }
    }
}

/// One attack.
pub(crate) struct Row {
    /// The hook or the program that denies it, by its name.
    pub(crate) hook: &'static str,
    pub(crate) words: &'static [&'static str],
    pub(crate) goal: Goal,
    /// What the event says that it was: one of these.
    pub(crate) kinds: &'static [EventKind],
    pub(crate) kills: Kills,
    /// How the path ends, or the address, that the event names.
    pub(crate) what: &'static str,
    /// The first kernel that has the hook, where that is newer than 5.15.
    pub(crate) since: (u32, u32),
}

impl Row {
    pub(crate) const fn new(
        hook: &'static str,
        words: &'static [&'static str],
        kinds: &'static [EventKind],
    ) -> Self {
        Self { hook, words, goal: Goal::Do, kinds, kills: Kills::Never, what: "", since: (5, 15) }
    }

    pub(crate) const fn goal(self, goal: Goal) -> Self {
        Self { goal, ..self }
    }

    pub(crate) const fn kills(self, kills: Kills) -> Self {
        Self { kills, ..self }
    }

    pub(crate) const fn what(self, what: &'static str) -> Self {
        Self { what, ..self }
    }

    pub(crate) const fn since(self, since: (u32, u32)) -> Self {
        Self { since, ..self }
    }
}

/// Runs a table; every row is tried, and all that went wrong is told together.
pub(crate) fn run(ground: &Ground, bench: &mut Bench, rows: &[Row]) -> Result<()> {
    let scene = Scene::set(ground)?;
    let mut open = |flags| -> Result<Room> { bench.open(&bench::tables(ground, scene::POLICY, flags)?) };
    let denying = open(0)?;
    let killing = [Kills::File, Kills::Network, Kills::Exec].map(|kills| Ok((kills, open(kills.flag())?)));
    let killing = killing.into_iter().collect::<Result<Vec<_>>>()?;
    let mut wrong = String::new();
    let mut tried = 0;
    for row in rows.iter().filter(|row| release() >= row.since) {
        tried += 1;
        let killing = killing.iter().find(|(kills, _)| *kills == row.kills).map(|(_, room)| room);
        if let Err(error) = row.holds(ground, &scene, bench, &denying, killing) {
            writeln!(wrong, "  {} {:?}: {error:#}", row.hook, row.words)?;
        }
    }
    for room in killing.into_iter().map(|(_, room)| room).chain([denying]) {
        bench.close(room)?;
    }
    ensure!(wrong.is_empty(), "of {tried} rows:\n{wrong}");
    ensure!(tried > 0, "no row is for this kernel");
    Ok(())
}

/// The running kernel's version.
pub(crate) fn release() -> (u32, u32) {
    let text = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

impl Row {
    fn holds(
        &self,
        ground: &Ground,
        scene: &Scene,
        bench: &mut Bench,
        denying: &Room,
        killing: Option<&Room>,
    ) -> Result<()> {
        // Bare, in files of its own: an attack that succeeds may destroy what it acts on.
        let free = scene.double(ground)?;
        let words = free.words(self.words);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        scene.forget();
        let bare = ground.act(words[0], &words[1..])?;
        ensure!(self.attained(scene, Some(&bare))?, "bare it does not succeed: {bare:?}");
        drop(free);
        scene.forget();

        let words = scene.words(self.words);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let inside = bench.act(denying, &words)?;
        self.denied(scene, &inside)?;
        let Some(killing) = killing else { return Ok(()) };
        let inside = bench.act(killing, &words)?;
        self.killed(scene, &inside).context("where the policy kills")
    }

    /// Whether the attacker has what it wants. What arrived is taken away.
    fn attained(&self, scene: &Scene, outcome: Option<&Outcome>) -> Result<bool> {
        let done = outcome.is_some_and(Outcome::is_ok);
        Ok(match self.goal {
            Goal::Read => outcome.is_some_and(|outcome| outcome.value.to_string().contains(scene::SECRET)),
            Goal::Do => done,
            Goal::Run(code) => outcome.is_some_and(|o| o.value == code || o.value["status"] == code),
            Goal::Stream(at) => scene.streamed(at)?,
            Goal::Datagram(at) => scene.received(at)?,
            Goal::Route => scene.routed()?,
        })
    }

    fn denied(&self, scene: &Scene, inside: &Inside) -> Result<()> {
        ensure!(!self.attained(scene, inside.outcome.as_ref())?, "it comes through: {inside}");
        scene.intact()?;
        ensure!(!inside.killed, "it was killed where it should be denied: {inside}");
        self.told(inside, Action::Denied).map(drop)
    }

    fn killed(&self, scene: &Scene, inside: &Inside) -> Result<()> {
        ensure!(!self.attained(scene, inside.outcome.as_ref())?, "it comes through: {inside}");
        scene.intact()?;
        let event = self.told(inside, Action::Killed)?;
        // It may have been a child of the act: then that told nothing, and the act tells so.
        let own = event.process == inside.process;
        ensure!(!own || inside.killed && inside.outcome.is_none(), "it lives on: {inside}");
        ensure!(!lives(event.process), "the process {} lives on: {inside}", event.process);
        Ok(())
    }

    /// The event of it.
    fn told<'a>(&self, inside: &'a Inside, action: Action) -> Result<&'a Event> {
        let fits = |event: &&Event| {
            self.kinds.contains(&event.kind) && event.action == action && named(event).ends_with(self.what)
        };
        match inside.events.iter().find(fits) {
            Some(event) => Ok(event),
            None => bail!("no event {:?} {action:?} of `{}`: {inside}", self.kinds, self.what),
        }
    }
}

/// Whether a process runs on: a moment is given to one that nobody waits for, and a dead one that nobody reaps is dead.
fn lives(process: Pid) -> bool {
    let runs = || {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        status.lines().any(|line| line.starts_with("State:") && !line.contains('Z') && !line.contains('X'))
    };
    let until = Instant::now() + Duration::from_secs(5);
    while runs() {
        if Instant::now() > until {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

/// The path or the address that an event names.
pub(crate) fn named(event: &Event) -> String {
    let path = event.path.as_ref().map(|seen| seen.path.display().to_string());
    path.or(event.peer.map(|peer| peer.address.to_string())).unwrap_or_default()
}

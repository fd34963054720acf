//! What is done to sessions: by the host daemon where it has them and answers, else by this process itself.
//!
//! ```text
//! sessions ─┬─ the daemon's ─ ask ─► done, or refused ──► kill makes sure that the supervisors end
//!           │                  └─ no answer in a second ─┐
//!           └─ others ───────────────────────────────────┴─► by their processes and control groups
//! ```
//! The daemon is asked first, because it writes down who did it, lets members of the operators' group act who are not root,
//! and remembers who froze what. Nothing that root wants to end waits for a daemon that does not answer.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use control::message::{Acted, Code, Refusal};
use control::{Answer, Request, Selector, SessionId};
use enforce::{FreezeError, Standing};
use nix::unistd::geteuid;

use crate::sessions::{Host, Processes, Running};
use crate::terminal::warning;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// They end.
    Kill,
    /// They stand still.
    Freeze,
    /// They go on.
    Thaw,
}

/// What became of a session; not done: why.
pub(super) type Outcome = Result<(), String>;

/// How long the daemon may take where this process can do it as well.
const PATIENCE: Duration = Duration::from_secs(1);
/// And where it cannot.
const LONG_PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take to list, and then to kill, where this process can do that as well: all of it is to be over within a
/// fifth of a second, whatever keeps the machine busy. A daemon that is late kills whom it still finds.
pub(super) const HASTE: Duration = Duration::from_millis(40);

/// How long supervisors may take to end their sessions by themselves, all of them together.
const OWN_END: Duration = Duration::from_millis(25);
/// How long supervisors whose processes are gone may take to write that down.
const LAST_WORDS: Duration = Duration::from_secs(5);

impl Deed {
    /// What a session is afterwards.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Kill => "ended",
            Self::Freeze => "frozen",
            Self::Thaw => "thawed",
        }
    }

    /// What is said while it is done.
    pub(super) fn doing(self) -> &'static str {
        match self {
            Self::Kill => "killing",
            Self::Freeze => "freezing",
            Self::Thaw => "thawing",
        }
    }

    fn request(self, selector: Selector) -> Request {
        match self {
            Self::Kill => Request::Kill(selector),
            Self::Freeze => Request::Freeze(selector),
            Self::Thaw => Request::Thaw(selector),
        }
    }

    /// Does it to these sessions; each one's outcome. `lot`: they are all that there are, or all of a user.
    pub(super) fn on(self, sessions: &[Running], host: Option<Host>, lot: Option<Selector>) -> Vec<Outcome> {
        let mut told = self.by_daemon(sessions, host, lot);
        match self {
            Self::Kill => end(sessions, &told),
            _ => (0..)
                .zip(sessions)
                .map(|(at, it)| told.remove(&at).unwrap_or_else(|| self.here(it)))
                .collect(),
        }
    }

    fn here(self, session: &Running) -> Outcome {
        let standing = session.standing.as_ref().ok_or_else(out_of_reach)?;
        let done = if self == Self::Freeze { standing.freeze() } else { standing.thaw() };
        done.map_err(|error| match error {
            FreezeError::NoGroup if session.hosted.is_some() || !session.is_within_reach() => out_of_reach(),
            error => error.to_string(),
        })
    }

    /// What the daemon says of these sessions, by their places: of those that are its own, if it answers.
    fn by_daemon(
        self,
        sessions: &[Running],
        host: Option<Host>,
        lot: Option<Selector>,
    ) -> BTreeMap<usize, Outcome> {
        let theirs: BTreeMap<&SessionId, usize> =
            sessions.iter().enumerate().filter_map(|(at, it)| Some((it.id()?, at))).collect();
        let (Some(mut host), false) = (host, theirs.is_empty()) else { return BTreeMap::new() };
        let patience = match self {
            _ if !sessions.iter().all(Running::is_within_reach) => LONG_PATIENCE,
            Self::Kill => HASTE,
            Self::Freeze | Self::Thaw => PATIENCE,
        };
        let ask = |selector| host.ask(self.request(selector), patience);
        let asking = Asking { ask, theirs };
        match asking.everywhere(lot) {
            Ok(outcomes) => outcomes,
            Err(error) => {
                warning(&format!("the host daemon does not answer ({error:#}); it is done without it"));
                BTreeMap::new()
            }
        }
    }
}

fn out_of_reach() -> String {
    "it takes the host daemon, which does not answer".to_owned()
}

/// A daemon that is asked, and the places of its sessions.
struct Asking<'a, A> {
    ask: A,
    theirs: BTreeMap<&'a SessionId, usize>,
}

impl<A: FnMut(Selector) -> anyhow::Result<Answer>> Asking<'_, A> {
    fn everywhere(mut self, lot: Option<Selector>) -> anyhow::Result<BTreeMap<usize, Outcome>> {
        let mut outcomes = BTreeMap::new();
        let selectors: Vec<Selector> = match lot {
            Some(lot) => vec![lot],
            None => self.theirs.keys().filter_map(|id| one(id)).collect(),
        };
        for selector in selectors {
            let meant = self.meant(&selector);
            let mut answer = (self.ask)(selector.clone())?;
            // Who is no operator means all of their own.
            if matches!(&answer, Answer::Refused(Refusal { code: Code::NotAllowed, .. }))
                && selector == Selector::All
            {
                answer = (self.ask)(Selector::User(geteuid().as_raw()))?;
            }
            match answer {
                Answer::Acted(acted) => self.note(acted, &meant, &mut outcomes),
                Answer::Refused(refusal) => {
                    outcomes.extend(meant.into_iter().map(|at| (at, Err(refusal.sentence.clone()))));
                }
                other => anyhow::bail!("it answers with {other:?}"),
            }
        }
        Ok(outcomes)
    }

    fn meant(&self, selector: &Selector) -> Vec<usize> {
        let is_meant =
            |id: &SessionId| !matches!(selector, Selector::Session(word) if word.to_string() != id.as_str());
        self.theirs.iter().filter(|(id, _)| is_meant(id)).map(|(_, at)| *at).collect()
    }

    fn note(&self, acted: Acted, meant: &[usize], outcomes: &mut BTreeMap<usize, Outcome>) {
        let gone = || Err("it has ended meanwhile".to_owned());
        outcomes.extend(meant.iter().map(|at| (*at, gone())));
        let place = |id: &SessionId| self.theirs.get(id).copied();
        outcomes.extend(acted.done.iter().filter_map(|id| Some((place(id)?, Ok(())))));
        let failed = acted.failed.into_iter();
        outcomes.extend(failed.filter_map(|it| Some((place(&it.session)?, Err(it.refusal.sentence)))));
    }
}

/// A session by its id.
pub(super) fn one(id: &SessionId) -> Option<Selector> {
    id.as_str().parse().ok().map(Selector::Session)
}

/// Sees to it that these sessions end, those of which the daemon says so, too. Every step is taken for all of them before
/// anybody is waited for.
fn end(sessions: &[Running], told: &BTreeMap<usize, Outcome>) -> Vec<Outcome> {
    let told = |at: usize| told.get(&at).cloned();
    let begin = |(at, session): (usize, &Running)| match told(at) {
        Some(Ok(())) => Ok(()),
        refused if !session.is_within_reach() => refused.unwrap_or_else(|| Err(out_of_reach())),
        _ => hand(session)?.end().map_err(|errno| errno.desc().to_owned()),
    };
    let mut outcomes: Vec<Outcome> = sessions.iter().enumerate().map(begin).collect();
    for at in late(sessions, OWN_END) {
        // Whoever cannot be struck is killed with their supervisor.
        let _ = hand(&sessions[at]).map(|standing| standing.strike(|| tree(&sessions[at])));
    }
    for at in late(sessions, LAST_WORDS) {
        let forced =
            hand(&sessions[at]).and_then(|standing| standing.kill().map_err(|error| error.to_string()));
        outcomes[at] = outcomes[at].clone().and(forced);
    }
    for at in late(sessions, LAST_WORDS) {
        outcomes[at] = outcomes[at].clone().and(Err("its supervisor does not end".to_owned()));
    }
    outcomes
}

fn hand(session: &Running) -> Result<&Standing, String> {
    session.standing.as_ref().ok_or_else(|| "its processes cannot be looked at".to_owned())
}

/// Those within reach whose supervisors have not ended after this time.
fn late(sessions: &[Running], patience: Duration) -> Vec<usize> {
    let until = Instant::now() + patience;
    let left = || until.saturating_duration_since(Instant::now());
    let lives = |session: &Running| session.standing.as_ref().is_some_and(|it| !it.ends_within(left()));
    let within = sessions.iter().enumerate().filter(|(_, session)| session.is_within_reach());
    within.filter(|(_, session)| lives(session)).map(|(at, _)| at).collect()
}

fn tree(session: &Running) -> Vec<enforce::Pid> {
    Processes::now().map(|processes| processes.of(session)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use control::message::NotActed;

    use super::*;

    fn id(last: char) -> SessionId {
        SessionId::new(format!("00000000000000a{last}")).expect("an id")
    }

    #[test]
    fn what_the_daemon_says_belongs_to_the_session_that_it_says_it_of() {
        let (a, b, c) = (id('a'), id('b'), id('c'));
        let theirs: BTreeMap<&SessionId, usize> = [(&a, 2), (&b, 0), (&c, 5)].into();
        let refusal = Refusal { code: Code::Kernel, sentence: "no".to_owned(), details: Vec::new() };
        let failed = vec![NotActed { session: b.clone(), refusal }];
        let ask = |_| Ok(Answer::Acted(Acted { done: vec![a.clone()], failed: failed.clone() }));
        let told = Asking { ask, theirs }.everywhere(Some(Selector::All)).expect("it answers");
        let gone = Err("it has ended meanwhile".to_owned());
        assert_eq!(told, [(0, Err("no".to_owned())), (2, Ok(())), (5, gone)].into());
    }

    #[test]
    fn all_are_the_own_ones_of_whoever_is_no_operator() {
        let a = id('a');
        let mut asked = Vec::new();
        let ask = |selector| {
            asked.push(selector);
            let sentence = "operators only".to_owned();
            let refused = Answer::Refused(Refusal { code: Code::NotAllowed, sentence, details: Vec::new() });
            Ok(if asked.len() == 1 {
                refused
            } else {
                Answer::Acted(Acted { done: vec![a.clone()], failed: vec![] })
            })
        };
        let told = Asking { ask, theirs: [(&a, 0)].into() }.everywhere(Some(Selector::All)).expect("answers");
        assert_eq!(told, [(0, Ok(()))].into());
        assert_eq!(asked, [Selector::All, Selector::User(geteuid().as_raw())]);
    }
}
